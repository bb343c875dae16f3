// Layer normalisation of one gate of one row: v <- (v - mean) / sqrt(variance + 1e-5) over its H units. All arrays
// have W numbers; `real` is 1 for the H units and 0 behind them.
#pragma once

#include "simd.h"

namespace unrolled {
namespace UNROLLED_TARGET {

typedef std::int64_t Int;

// Normalise v in place. Returns 1/deviation.
template <class T>
T normalise(T* v, const T* real, Int W, Int H) {
  constexpr Int lanes = Simd<T>::lanes;
  Vec<T> sum{}, squares{};
  for (Int j = 0; j < W; j += lanes) sum += load(v + j);
  const T mean = total<T>(sum) / T(H);
  for (Int j = 0; j < W; j += lanes) {
    const Vec<T> centred = (load(v + j) - mean) * load(real + j);
    squares = fma(centred, centred, squares);
  }
  const T variance = total<T>(squares) / T(H) + T(1e-5);
  const T scale = T(1) / (sizeof(T) == 4 ? __builtin_sqrtf(variance) : __builtin_sqrt(variance));
  for (Int j = 0; j < W; j += lanes) store(v + j, (load(v + j) - mean) * load(real + j) * scale);
  return scale;
}

// d is the gradient of gain * v + bias; dv becomes that of the product before normalisation, dgain adds d * v.
template <class T>
void normalise_backward(const T* d, const T* gain, const T* v, const T* real, T scale, T* dv, T* dgain, Int W, Int H) {
  constexpr Int lanes = Simd<T>::lanes;
  Vec<T> sum{}, along{};
  for (Int j = 0; j < W; j += lanes) {
    const Vec<T> gradient = load(d + j), scaled = gradient * load(gain + j);
    store(dgain + j, fma(gradient, load(v + j), load(dgain + j)));
    sum += scaled;
    along = fma(scaled, load(v + j), along);
  }
  const T mean = total<T>(sum) / T(H), slope = total<T>(along) / T(H);
  for (Int j = 0; j < W; j += lanes) {
    const Vec<T> scaled = load(d + j) * load(gain + j);
    store(dv + j, (scaled - mean - load(v + j) * slope) * load(real + j) * scale);
  }
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
