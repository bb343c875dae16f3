// GRU: r, z = sigmoid of their sums; h = (1-z)*n + z*h'. With u = U_n h' + b_hn (the reset after the product) or
// U_n (r*h') + b_hn (before it) and a = W_n x + b_in: n = tanh(a + r*u), or tanh(a + u).
// Blocks of a row: u, r, z, and a, of which n is made.
#pragma once

#include "row.h"

namespace unrolled {
namespace UNROLLED_TARGET {

template <class T, bool kAfter>
void gru_forward(const Row<T>& row, Int W, bool is_saved) {
  for (Int j = 0; j < W; j += Simd<T>::lanes) {
    T* at = row.gates + j;
    const Vec<T> u = load(at), a = load(at + 3 * W), z = sigmoid<T>(load(at + 2 * W));
    Vec<T> n;
    if (kAfter) {
      const Vec<T> r = sigmoid<T>(load(at + W));
      if (is_saved) store(at + W, r);
      n = tanh<T>(fma(r, u, a));
    } else {
      n = tanh<T>(a + u);
    }
    if (is_saved) {
      store(at + 2 * W, z);
      store(at + 3 * W, n);
    }
    const Vec<T> before = load(row.h + j);
    store(row.h_next + j, mixed(row.keep_h, j, before, fma(z, before - n, n)));
  }
}

// Before the product: r, and what U_n is multiplied with, r*h' (h' masked, where there is a mask).
template <class T>
void gru_reset(T* gates, const T* h, T* reset_h, Int W) {
  for (Int j = 0; j < W; j += Simd<T>::lanes) {
    const Vec<T> r = sigmoid<T>(load(gates + W + j));
    store(gates + W + j, r);
    store(reset_h + j, r * load(h + j));
  }
}

template <class T, bool kAfter>
void gru_backward(const RowBack<T>& row, Int W) {
  for (Int j = 0; j < W; j += Simd<T>::lanes) {
    const T* at = row.gates + j;
    const Vec<T> r = load(at + W), z = load(at + 2 * W), n = load(at + 3 * W);
    Vec<T> passed, dh;
    share(row.keep_h, j, whole_dh(row, j), passed, dh);
    const Vec<T> da = dh * (T(1) - z) * (T(1) - n * n);
    put(row, j, kAfter ? da * r : da);
    if (kAfter) put(row, j + W, da * load(at) * (r * (T(1) - r)));
    put(row, j + 2 * W, dh * (load(row.h + j) - n) * (z * (T(1) - z)));
    put(row, j + 3 * W, da);
    store(row.dh + j, fma(dh, z, passed));
  }
}

// Before the product: from the gradient of r*h' to that of r's sum and, in its place, to its part of that of h'.
template <class T>
void gru_reset_backward(const RowBack<T>& row, const T* seen_h, T* d, Int W) {
  for (Int j = 0; j < W; j += Simd<T>::lanes) {
    const Vec<T> r = load(row.gates + W + j), gradient = load(d + j);
    put(row, j + W, gradient * load(seen_h + j) * (r * (T(1) - r)));
    store(d + j, gradient * r);
  }
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
