// What this CPU can run. The targets that the kernels are compiled for, best first.
#pragma once

#include <string>
#include <vector>

namespace unrolled {

// Names of the targets this CPU runs, best first; the last one is always "baseline".
std::vector<std::string> cpu_targets();

}  // namespace unrolled
