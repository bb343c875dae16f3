#include "unrolled/pool.h"

#include <cstdlib>
#include <list>
#include <mutex>
#include <new>
#include <unordered_map>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace unrolled {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21, kLine = 64, kMostFree = std::size_t{1} << 28;

struct Piece {
  void* memory;
  std::size_t bytes;
};

struct Pool {
  std::mutex lock;
  std::list<Piece> free;  // the newest in front: it may still be in a cache
  std::unordered_map<void*, std::size_t> taken;
  std::size_t free_bytes = 0;
};

Pool& pool() {
  static Pool* const only = new Pool;  // never destroyed: tensors may be freed after static objects are
  return *only;
}

Piece from_system(std::size_t bytes) {
  const std::size_t unit = bytes >= kHugePage ? kHugePage : kLine, whole = (bytes + unit - 1) / unit * unit;
  void* memory = std::aligned_alloc(unit, whole);
  if (!memory) throw std::bad_alloc();
#if defined(__linux__)
  if (unit == kHugePage) madvise(memory, whole, MADV_HUGEPAGE);  // a hint
#endif
  return {memory, whole};
}

}  // namespace

void* pool_take(std::size_t bytes) {
  Pool& p = pool();
  const std::lock_guard<std::mutex> guard(p.lock);
  auto best = p.free.end();
  for (auto piece = p.free.begin(); piece != p.free.end(); ++piece)
    if (piece->bytes >= bytes && piece->bytes / 2 <= bytes && (best == p.free.end() || piece->bytes < best->bytes))
      best = piece;
  Piece found{};
  if (best == p.free.end()) {
    found = from_system(bytes);
  } else {
    found = *best;
    p.free_bytes -= found.bytes;
    p.free.erase(best);
  }
  p.taken[found.memory] = found.bytes;
  return found.memory;
}

void pool_give(void* piece) {
  Pool& p = pool();
  const std::lock_guard<std::mutex> guard(p.lock);
  const auto taken = p.taken.find(piece);
  p.free.push_front({piece, taken->second});
  p.free_bytes += taken->second;
  p.taken.erase(taken);
  while (p.free_bytes > kMostFree) {
    p.free_bytes -= p.free.back().bytes;
    std::free(p.free.back().memory);
    p.free.pop_back();
  }
}

std::size_t pool_free_bytes() {
  Pool& p = pool();
  const std::lock_guard<std::mutex> guard(p.lock);
  return p.free_bytes;
}

}  // namespace unrolled
