// LSTM: i, f, o = sigmoid, g = tanh of their sums; c = f*c' + i*g; h = o*tanh(c). Blocks of a row: i, f, g, o.
#pragma once

#include "row.h"

namespace unrolled {
namespace UNROLLED_TARGET {

template <class T>
void lstm_forward(const Row<T>& row, Int W, bool is_saved) {
  for (Int j = 0; j < W; j += Simd<T>::lanes) {
    T* at = row.gates + j;
    const Vec<T> i = sigmoid<T>(load(at)), f = sigmoid<T>(load(at + W));
    const Vec<T> g = tanh<T>(load(at + 2 * W)), o = sigmoid<T>(load(at + 3 * W));
    if (is_saved) {
      store(at, i);
      store(at + W, f);
      store(at + 2 * W, g);
      store(at + 3 * W, o);
    }
    const Vec<T> before = load(row.c + j), c = fma(f, before, i * g);
    const Vec<T> h = o * tanh<T>(c);
    store(row.c_next + j, mixed(row.keep_c, j, before, c));
    store(row.h_next + j, mixed(row.keep_h, j, load(row.h + j), h));
  }
}

template <class T>
void lstm_backward(const RowBack<T>& row, Int W) {
  for (Int j = 0; j < W; j += Simd<T>::lanes) {
    const T* at = row.gates + j;
    const Vec<T> i = load(at), f = load(at + W), g = load(at + 2 * W), o = load(at + 3 * W);
    const Vec<T> before = load(row.c + j);
    const Vec<T> squashed = tanh<T>(fma(f, before, i * g));
    Vec<T> passed_h, passed_c, dh, dc;
    share(row.keep_h, j, whole_dh(row, j), passed_h, dh);
    share(row.keep_c, j, load(row.dc + j), passed_c, dc);
    const Vec<T> dh_o = dh * o;
    dc = fma(dh_o, T(1) - squashed * squashed, dc);
    put(row, j, dc * g * (i * (T(1) - i)));
    put(row, j + W, dc * before * (f * (T(1) - f)));
    put(row, j + 2 * W, dc * i * (T(1) - g * g));
    put(row, j + 3 * W, dh_o * squashed * (T(1) - o));
    store(row.dc + j, fma(dc, f, passed_c));
    store(row.dh + j, passed_h);
  }
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
