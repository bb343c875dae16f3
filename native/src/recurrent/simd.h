// Vectors of the target that this file is compiled for: GCC's vector extensions, and the one thing they lack, a
// fused multiply-add. Included by target.cpp only.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace unrolled {
namespace UNROLLED_TARGET {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

#define UNROLLED_INLINE inline __attribute__((always_inline))

template <class T>
struct Simd;
template <>
struct Simd<float> {
  typedef float V __attribute__((vector_size(kBytes)));
  typedef std::int32_t Bits __attribute__((vector_size(kBytes)));
  typedef float Loose __attribute__((vector_size(kBytes), aligned(4), may_alias));
  static constexpr int lanes = kBytes / 4;
  static constexpr int line = 16;  // numbers in a cache line
};
template <>
struct Simd<double> {
  typedef double V __attribute__((vector_size(kBytes)));
  typedef std::int64_t Bits __attribute__((vector_size(kBytes)));
  typedef double Loose __attribute__((vector_size(kBytes), aligned(8), may_alias));
  static constexpr int lanes = kBytes / 8;
  static constexpr int line = 8;
};
template <class T>
using Vec = typename Simd<T>::V;

template <class T>
UNROLLED_INLINE Vec<T> load(const T* from) {
  return *reinterpret_cast<const typename Simd<T>::Loose*>(from);
}
template <class T>
UNROLLED_INLINE void store(T* to, Vec<T> v) {
  *reinterpret_cast<typename Simd<T>::Loose*>(to) = v;
}
template <class T>
UNROLLED_INLINE Vec<T> all(T value) {
  return value - Vec<T>{};  // not +: that would make -0 a 0
}

typedef Vec<float> F;
typedef Vec<double> D;
#if defined(__AVX512F__)
UNROLLED_INLINE F fma(F a, F b, F c) { return (F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
UNROLLED_INLINE D fma(D a, D b, D c) { return (D)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
#elif defined(__AVX2__)
UNROLLED_INLINE F fma(F a, F b, F c) { return (F)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
UNROLLED_INLINE D fma(D a, D b, D c) { return (D)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
#elif defined(__aarch64__)
UNROLLED_INLINE F fma(F a, F b, F c) { return (F)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
UNROLLED_INLINE D fma(D a, D b, D c) { return (D)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#else
UNROLLED_INLINE F fma(F a, F b, F c) { return a * b + c; }
UNROLLED_INLINE D fma(D a, D b, D c) { return a * b + c; }
#endif

// The smaller and the larger of two; `b` where either is no number.
#if defined(__AVX512F__)
UNROLLED_INLINE F smaller(F a, F b) { return (F)_mm512_min_ps((__m512)a, (__m512)b); }
UNROLLED_INLINE D smaller(D a, D b) { return (D)_mm512_min_pd((__m512d)a, (__m512d)b); }
UNROLLED_INLINE F larger(F a, F b) { return (F)_mm512_max_ps((__m512)a, (__m512)b); }
UNROLLED_INLINE D larger(D a, D b) { return (D)_mm512_max_pd((__m512d)a, (__m512d)b); }
#else
UNROLLED_INLINE F smaller(F a, F b) { return a < b ? a : b; }
UNROLLED_INLINE D smaller(D a, D b) { return a < b ? a : b; }
UNROLLED_INLINE F larger(F a, F b) { return a > b ? a : b; }
UNROLLED_INLINE D larger(D a, D b) { return a > b ? a : b; }
#endif

// The sum of a vector's lanes, always in the same order.
template <class T>
UNROLLED_INLINE T total(Vec<T> v) {
  T sum = v[0];
  for (int i = 1; i < Simd<T>::lanes; ++i) sum += v[i];
  return sum;
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
