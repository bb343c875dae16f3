#include "unrolled/cpu.h"

namespace unrolled {

std::vector<std::string> cpu_targets() {
  std::vector<std::string> targets;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    if (__builtin_cpu_supports("avx512bf16")) targets.emplace_back("avx512bf16");
    targets.emplace_back("avx512");
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    targets.emplace_back("avx2");
  }
#endif
  targets.emplace_back("baseline");
  return targets;
}

}  // namespace unrolled
