// Run parts of a job side by side on the OpenMP threads that are already there.
#pragma once

#include <cstdint>
#include <functional>

namespace unrolled {

// Call work(0) .. work(parts - 1), each once, in any order; returns when all are done. With torch loaded they run on
// its OpenMP (its workers still spin after a matrix product: a pool of our own would find no free core);
// without one, one after the other. `work` must not throw.
void in_parallel(std::int64_t parts, const std::function<void(std::int64_t)>& work);

// Whether an OpenMP runtime was found.
bool has_threads();

}  // namespace unrolled
