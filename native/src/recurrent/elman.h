// Elman: h = tanh(a) or relu(a). Blocks of a row of gates: h, before zoneout.
#pragma once

#include "row.h"

namespace unrolled {
namespace UNROLLED_TARGET {

template <class T, bool kTanh>
void elman_forward(const Row<T>& row, Int W, bool is_saved) {
  for (Int j = 0; j < W; j += Simd<T>::lanes) {
    const Vec<T> a = load(row.gates + j);
    const Vec<T> h = kTanh ? tanh<T>(a) : (a <= T(0) ? Vec<T>{} : a);  // a NaN stays one
    if (is_saved) store(row.gates + j, h);
    store(row.h_next + j, mixed(row.keep_h, j, load(row.h + j), h));
  }
}

template <class T, bool kTanh>
void elman_backward(const RowBack<T>& row, Int W) {
  for (Int j = 0; j < W; j += Simd<T>::lanes) {
    const Vec<T> h = load(row.gates + j);
    Vec<T> passed, dh;
    share(row.keep_h, j, whole_dh(row, j), passed, dh);
    put(row, j, kTanh ? dh * (T(1) - h * h) : (h > T(0) ? dh : Vec<T>{}));
    store(row.dh + j, passed);
  }
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
