#include "parallel.h"

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#endif

namespace unrolled {
namespace {

// The entry that compilers call for "#pragma omp parallel"; libgomp and LLVM's libomp have it. It is looked up, not
// linked: then there is one runtime in the process, torch's, and none is needed where torch is not.
using Parallel = void (*)(void (*body)(void*), void* data, unsigned threads, unsigned flags);

Parallel find_parallel() {
#if defined(__unix__) || defined(__APPLE__)
  return reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
#else
  return nullptr;
#endif
}

Parallel parallel() {
  static std::atomic<Parallel> found{nullptr};
  if (!found) found = find_parallel();  // torch may come later than we
  return found;
}

struct Shift {
  std::atomic<std::int64_t> next{0};
  std::int64_t parts;
  const std::function<void(std::int64_t)>& work;
};

// One thread's share: the parts that are left. A runtime may give fewer threads than were asked for.
void take_parts(void* data) {
  Shift& shift = *static_cast<Shift*>(data);
  for (std::int64_t part; (part = shift.next++) < shift.parts;) shift.work(part);
}

}  // namespace

void in_parallel(std::int64_t parts, const std::function<void(std::int64_t)>& work) {
  Shift shift{{0}, parts, work};
  if (parts > 1 && parallel())
    parallel()(take_parts, &shift, static_cast<unsigned>(parts), 0);
  else
    take_parts(&shift);
}

bool has_threads() { return parallel() != nullptr; }

}  // namespace unrolled
