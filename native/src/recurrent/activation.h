// exp, sigmoid and tanh of vectors. A NaN stays a NaN; +-infinity gives the limit.
//
// exp(r) = 1 + r + r^2 P(r) for |r| <= ln(2)/2, and exp(n ln 2 + r) = 2^n exp(r). tanh needs exp(-2x) - 1 without the
// 1 being rounded away, so that its relative error stays small near 0.
#pragma once

#include "simd.h"

namespace unrolled {
namespace UNROLLED_TARGET {

template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float magic = 12582912.0f + 127.0f;  // 1.5 * 2^23 rounds to a whole number; and the exponent's bias
  static constexpr float inverse_ln2 = 1.44269504088896341f;
  static constexpr float ln2_high = 0.693359375f;
  static constexpr float ln2_low = -2.12194440e-4f;
  static constexpr float limit = 87.0f;
  static constexpr float tanh_limit = 20.0f;
  static constexpr int mantissa = 23;
  // P by weighted least squares: exp(r) - 1 with a relative error of 1.4e-8.
  static constexpr float terms[] = {0.5f, 0.166665435f, 0.0416662805f, 0.00836658385f, 0.00139464508f};
};
template <>
struct ExpConstants<double> {
  static constexpr double magic = 6755399441055744.0 + 1023.0;  // 1.5 * 2^52
  static constexpr double inverse_ln2 = 1.4426950408889634074;
  static constexpr double ln2_high = 0.69314718036912381649;
  static constexpr double ln2_low = 1.9082149292705877e-10;
  static constexpr double limit = 708.0;
  static constexpr double tanh_limit = 50.0;
  static constexpr int mantissa = 52;
  // P by Taylor.
  static constexpr double terms[] = {1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,
                                     1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
                                     1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
};

// With n = round(-k x / ln 2): 2^n, and u = x + n (ln 2)/k, so that exp(-k x) = 2^n exp(-k u). |k x| <= limit.
template <class T, int k>
UNROLLED_INLINE void split_exp(Vec<T> x, Vec<T>& scale, Vec<T>& u) {
  using C = ExpConstants<T>;
  using Bits = typename Simd<T>::Bits;
  const Vec<T> shifted = fma(x, all<T>(-k * C::inverse_ln2), all<T>(C::magic)), n = shifted - C::magic;
  u = fma(n, all<T>(C::ln2_high / k), x);
  u = fma(n, all<T>(C::ln2_low / k), u);
  scale = (Vec<T>)((Bits)shifted << C::mantissa);
}

// factor * P(-k u).
template <class T, int k>
UNROLLED_INLINE Vec<T> scaled_terms(Vec<T> u, T factor) {
  using C = ExpConstants<T>;
  constexpr int count = sizeof C::terms / sizeof C::terms[0];
  T power = factor, coefficients[count];
#pragma GCC unroll 16
  for (int i = 0; i < count; ++i, power *= -k) coefficients[i] = power * C::terms[i];
  Vec<T> p = all<T>(coefficients[count - 1]);
#pragma GCC unroll 16
  for (int i = count - 2; i >= 0; --i) p = fma(p, u, all<T>(coefficients[i]));
  return p;
}

template <class T>
UNROLLED_INLINE Vec<T> sigmoid(Vec<T> x) {
  using C = ExpConstants<T>;
  x = larger(all<T>(-C::limit), smaller(all<T>(C::limit), x));
  Vec<T> scale, u;
  split_exp<T, 1>(x, scale, u);
  const Vec<T> slope = fma(scaled_terms<T, 1>(u, T(1)), u, all<T>(-1));  // exp(-u) = 1 + slope u
  return all<T>(1) / fma(scale, fma(slope, u, all<T>(1)), all<T>(1));
}

// With h = (1 - exp(-2x)) / 2: tanh(x) = h / (1 - h).
template <class T>
UNROLLED_INLINE Vec<T> tanh(Vec<T> x) {
  using C = ExpConstants<T>;
  x = larger(all<T>(-C::tanh_limit), smaller(all<T>(C::tanh_limit), x));
  Vec<T> scale, u;
  split_exp<T, 2>(x, scale, u);
  const Vec<T> part = fma(scaled_terms<T, 2>(u, T(-2)) * u, u, u);  // (1 - exp(-2u)) / 2
  const Vec<T> h = fma(scale, part, fma(scale, all<T>(T(-0.5)), all<T>(T(0.5))));
  return h / (T(1) - h);
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
