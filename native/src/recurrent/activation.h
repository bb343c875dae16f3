// exp, sigmoid and tanh of vectors. A NaN stays a NaN; +-infinity gives the limit.
//
// exp(x) = 2^n * exp(r), n = round(x / ln 2), |r| <= ln(2)/2, and exp(r) - 1 by its Taylor series. tanh is made of
// exp(-2|x|) - 1, which keeps its relative error small near 0.
#pragma once

#include "simd.h"

namespace unrolled {
namespace UNROLLED_TARGET {

template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  static constexpr float inverse_ln2 = 1.44269504088896341f;
  static constexpr float ln2_high = 0.693359375f;
  static constexpr float ln2_low = -2.12194440e-4f;
  static constexpr float limit = 87.0f;
  static constexpr float tanh_limit = 20.0f;
  static constexpr int mantissa = 23;
  static constexpr std::int32_t bias = 127;
  static constexpr int terms = 7;
};
template <>
struct ExpConstants<double> {
  static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double inverse_ln2 = 1.4426950408889634074;
  static constexpr double ln2_high = 0.69314718036912381649;
  static constexpr double ln2_low = 1.9082149292705877e-10;
  static constexpr double limit = 708.0;
  static constexpr double tanh_limit = 50.0;
  static constexpr int mantissa = 52;
  static constexpr std::int64_t bias = 1023;
  static constexpr int terms = 13;
};

constexpr double kInverseFactorial[] = {1.0,
                                        1.0,
                                        1.0 / 2,
                                        1.0 / 6,
                                        1.0 / 24,
                                        1.0 / 120,
                                        1.0 / 720,
                                        1.0 / 5040,
                                        1.0 / 40320,
                                        1.0 / 362880,
                                        1.0 / 3628800,
                                        1.0 / 39916800,
                                        1.0 / 479001600,
                                        1.0 / 6227020800.0};

// 2^n and exp(r) - 1, for |x| <= limit.
template <class T>
UNROLLED_INLINE void split_exp(Vec<T> x, Vec<T>& scale, Vec<T>& rest) {
  using C = ExpConstants<T>;
  using Bits = typename Simd<T>::Bits;
  const Vec<T> shifted = fma(x, all<T>(C::inverse_ln2), all<T>(C::magic));
  const Vec<T> n = shifted - C::magic;
  Vec<T> r = fma(n, all<T>(-C::ln2_high), x);
  r = fma(n, all<T>(-C::ln2_low), r);
  Vec<T> p = all<T>(static_cast<T>(kInverseFactorial[C::terms]));
#pragma GCC unroll 16
  for (int k = C::terms - 1; k >= 2; --k) p = fma(p, r, all<T>(static_cast<T>(kInverseFactorial[k])));
  rest = fma(p * r, r, r);
  scale = (Vec<T>)(((Bits)shifted + C::bias) << C::mantissa);
}

template <class T>
UNROLLED_INLINE Vec<T> sigmoid(Vec<T> x) {
  using C = ExpConstants<T>;
  x = larger(all<T>(-C::limit), smaller(all<T>(C::limit), x));
  Vec<T> scale, rest;
  split_exp<T>(-x, scale, rest);
  return all<T>(1) / (fma(scale, rest, scale) + T(1));
}

template <class T>
UNROLLED_INLINE Vec<T> tanh(Vec<T> x) {
  using C = ExpConstants<T>;
  using Bits = typename Simd<T>::Bits;
  const Bits sign = (Bits)(all<T>(T(-0.0)));
  Vec<T> size = (Vec<T>)((Bits)x & ~sign);
  size = smaller(all<T>(C::tanh_limit), size);
  Vec<T> scale, rest;
  split_exp<T>(size * T(-2), scale, rest);
  const Vec<T> less_one = fma(scale, rest, scale - T(1));  // exp(-2|x|) - 1
  const Vec<T> answer = -less_one / (less_one + T(2));
  return (Vec<T>)((Bits)answer | ((Bits)x & sign));
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
