// Counter-based random numbers: a number is a pure function of (seed, row, index), so that every runtime
// that can multiply 32-bit integers draws the same ones, in any order.
// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", Philox4x32-10.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace unrolled {

// One block of Philox4x32 with 10 rounds.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// Standard normal numbers number 0 .. count-1 of row `row` under `seed`.
//   out  float32 (count,), out, owned by the caller, every element is written
// A number is the inverse of the normal distribution function at the centre of one of 2^24 equal cells
// (Acklam's rational approximation, relative error 1.2e-9, in double). Its logarithm is our own, so that the
// bits do not depend on a system's libm.
void philox_normal(std::uint64_t seed, std::uint64_t row, float* out, std::size_t count);

}  // namespace unrolled
