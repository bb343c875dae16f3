#include "unrolled/recurrent.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "parallel.h"
#include "recurrent/job.h"
#include "unrolled/cpu.h"

namespace unrolled {

#define UNROLLED_DECLARE_TARGET(name) \
  namespace name {                    \
  extern const Target target;         \
  }
UNROLLED_DECLARE_TARGET(baseline)
#if defined(__x86_64__)
UNROLLED_DECLARE_TARGET(avx2)
UNROLLED_DECLARE_TARGET(avx512)
#endif

namespace {

using Int = std::int64_t;

const Target* find_target(const std::string& name) {
  const auto here = cpu_targets();
  if (std::find(here.begin(), here.end(), name) == here.end()) return nullptr;
#if defined(__x86_64__)
  for (const Target* target : {&avx512::target, &avx2::target})
    if (name == target->name) return target;
#endif
  return &baseline::target;
}

const Target* g_target = find_target(cpu_targets().front());

// Memory that a thread keeps between calls, in whole cache lines: a call allocates nothing it had before.
class Scratch {
 public:
  char* get(Int bytes) {
    if (bytes > size_) {
      memory_.reset(new char[bytes + 64]);
      size_ = bytes;
    }
    return reinterpret_cast<char*>((reinterpret_cast<std::uintptr_t>(memory_.get()) + 63) / 64 * 64);
  }

 private:
  std::unique_ptr<char[]> memory_;
  Int size_ = 0;
};

thread_local Scratch t_scratch;

// The batch sorted by length, longest first, and where each running step begins in the packed rows.
struct Plan {
  std::vector<Int> order, offsets;
  Int steps;

  explicit Plan(const Call& call) : order(call.batch), steps(call.time) {
    std::iota(order.begin(), order.end(), Int{0});
    if (!call.lengths) return;
    const Int* lengths = reinterpret_cast<const Int*>(call.lengths);
    std::stable_sort(order.begin(), order.end(), [&](Int a, Int b) { return lengths[a] > lengths[b]; });
    steps = call.batch ? lengths[order[0]] : 0;
    offsets.resize(steps + 1);
    Int active = call.batch, total = 0;
    for (Int s = 0; s <= steps; ++s) {
      offsets[s] = total;
      while (active && lengths[order[active - 1]] <= s) --active;
      total += active;
    }
  }
};

// Steps whose input product is made at once: enough rows to pay for reading the weights, few enough for the cache.
Int chunk_of(const Call& call) {
  const Int rows = std::max<Int>(1, call.batch / call.threads);
  const Int columns = (call.cell < 2 ? 1 : 4) * call.hidden;
  const Int cached = (Int{1} << 16) / std::max<Int>(1, rows * columns), enough = 48 / rows;
  return std::clamp(std::max(cached, enough), Int{1}, std::max<Int>(1, call.time));
}

void run(const Call& call, bool backward) {
  const Plan plan(call);
  const Target& target = *g_target;
  Job job{&call, call.threads, plan.steps, chunk_of(call), plan.order.data(),
          call.lengths ? plan.offsets.data() : nullptr, nullptr, nullptr, 0};
  Int shared = 0;
  target.sizes(job, backward, &shared, &job.scratch_bytes);
  job.shared = t_scratch.get(shared + job.parts * job.scratch_bytes);
  job.scratch = job.shared + shared;
  (backward ? target.pack_backward : target.pack_forward)(job);
  in_parallel(job.parts, [&](Int part) { (backward ? target.backward : target.forward)(job, part); });
}

// Rows without a step keep their state, or its gradient; what lies behind a length is 0.
void fill_unvisited(const Call& call, Int sequence, Int out_h, Int out_c, Int in_h, Int in_c) {
  if (!call.lengths && call.time) return;
  const Int size = call.is_double ? 8 : 4, row = call.hidden * size;
  const auto give = [&](Int out, Int in, Int b) {
    if (!out) return;
    char* to = reinterpret_cast<char*>(out) + b * row;
    in ? std::memcpy(to, reinterpret_cast<const char*>(in) + b * row, row) : std::memset(to, 0, row);
  };
  for (Int b = 0; b < call.batch; ++b) {
    const Int length = call.lengths ? reinterpret_cast<const Int*>(call.lengths)[b] : 0;
    if (sequence)
      std::memset(reinterpret_cast<char*>(sequence) + (b * call.time + length) * row, 0, (call.time - length) * row);
    if (length) continue;
    give(out_h, in_h, b);
    give(out_c, in_c, b);
  }
}

}  // namespace

void recurrent_forward(const Call& call) {
  fill_unvisited(call, call.y, call.hn, call.cn, call.h0, call.c0);
  run(call, false);
}

void recurrent_backward(const Call& call) {
  fill_unvisited(call, call.dhs, call.dh0, call.dc0, call.dhn, call.dcn);
  run(call, true);
}

void outer_product(const OuterProduct& call) {
  in_parallel(call.threads, [&](Int part) { g_target->outer_product(call, part); });
}

std::string recurrent_target() { return g_target->name; }

bool choose_target(const std::string& name) {
  const Target* found = find_target(name);
  if (found) g_target = found;
  return found != nullptr;
}

}  // namespace unrolled
