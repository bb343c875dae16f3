// exp, sigmoid and tanh of a stream's vectors, in the order of operations that docs/program.md writes down: generated
// C has the same bits. (The kernels of training have faster ones, to other last bits.) A NaN stays a NaN.
//
// exp(x) = 2^n * exp(r), n = round(x / ln 2), |r| <= ln(2)/2, and exp(r) - 1 by its Taylor series. tanh is made of
// exp(-2|x|) - 1, which keeps its relative error small near 0.
#pragma once

#include "tile.h"

namespace unrolled {
namespace stream {
namespace UNROLLED_TARGET {

using unrolled::UNROLLED_TARGET::larger;
using unrolled::UNROLLED_TARGET::smaller;

constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
constexpr double kInverseFactorial[] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040};

// 2^n and exp(r) - 1, for |x| <= 87.
UNROLLED_INLINE void split_exp(F x, F& scale, F& rest) {
  const F shifted = fma(x, all<float>(1.44269504088896341f), all<float>(kMagic));
  const F n = shifted - kMagic;
  F r = fma(n, all<float>(-0.693359375f), x);
  r = fma(n, all<float>(2.12194440e-4f), r);
  F p = all<float>(static_cast<float>(kInverseFactorial[7]));
#pragma GCC unroll 8
  for (int k = 6; k >= 2; --k) p = fma(p, r, all<float>(static_cast<float>(kInverseFactorial[k])));
  rest = fma(p * r, r, r);
  scale = (F)(((I32)shifted + 127) << 23);
}

UNROLLED_INLINE F exponential(F x) {
  F scale, rest;
  split_exp(larger(all<float>(-87.0f), smaller(all<float>(87.0f), x)), scale, rest);
  return fma(scale, rest, scale);
}

UNROLLED_INLINE F sigmoid(F x) {
  x = larger(all<float>(-87.0f), smaller(all<float>(87.0f), x));
  F scale, rest;
  split_exp(-x, scale, rest);
  return all<float>(1.0f) / (fma(scale, rest, scale) + 1.0f);
}

UNROLLED_INLINE F tanh(F x) {
  const I32 sign = (I32)all<float>(-0.0f);
  F size = (F)((I32)x & ~sign);
  size = smaller(all<float>(20.0f), size);
  F scale, rest;
  split_exp(size * -2.0f, scale, rest);
  const F less_one = fma(scale, rest, scale - 1.0f);  // exp(-2|x|) - 1
  const F answer = -less_one / (less_one + 2.0f);
  return (F)((I32)answer | ((I32)x & sign));
}

}  // namespace UNROLLED_TARGET
}  // namespace stream
}  // namespace unrolled
