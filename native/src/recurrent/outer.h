// out = a^T b over many rows: the gradient of a weight. Sums in one order, whatever the threads.
#pragma once

#include "job.h"
#include "product.h"

namespace unrolled {
namespace UNROLLED_TARGET {

constexpr Int kDepth = 128;  // rows of a and b taken at once: what is packed of them stays in the first caches

// Up to six columns of a, side by side for each k, then zeros.
template <class T>
UNROLLED_INLINE void pack_columns(T* to, const T* a, Int stride, Int depth, Int rows) {
  if (rows == kRows) {
    for (Int k = 0; k < depth; ++k)
      for (int r = 0; r < kRows; ++r) to[k * kRows + r] = a[k * stride + r];
    return;
  }
  for (Int k = 0; k < depth; ++k)
    for (int r = 0; r < kRows; ++r) to[k * kRows + r] = r < rows ? a[k * stride + r] : T(0);
}

template <class T, int N>
UNROLLED_INLINE void outer_tile(const T* a, const T* w, Int depth, T* out, Int stride, Int rows, bool is_first) {
  constexpr int lanes = Simd<T>::lanes;
  Vec<T> sum[kRows][N];
  const T* row[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    row[r] = a + r;
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n)
      sum[r][n] = is_first || r >= rows ? Vec<T>{} : load(out + r * stride + n * lanes);
  }
  add_products<T, kRows, N, kRows>(sum, row, w, depth);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
    if (r < rows)
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) store(out + r * stride + n * lanes, sum[r][n]);
}

// One part of the rows of out. `out` has room for whole cache lines of columns; `scratch` holds the packed b,
// kDepth rows of them, and kDepth * kRows numbers more.
template <class T>
void outer_product_part(const OuterProduct& call, Int part, T* scratch) {
  const Int lanes = Simd<T>::lanes, tiles = (call.rows + kRows - 1) / kRows;
  const T* a = reinterpret_cast<const T*>(call.a);
  const T* b = reinterpret_cast<const T*>(call.b);
  T* out = reinterpret_cast<T*>(call.out);
  Packed<T> w{scratch, 0, (call.columns + lanes - 1) / lanes};
  T* columns = scratch + kDepth * w.vectors * lanes;
  for (Int k0 = 0; k0 < call.count; k0 += kDepth) {
    w.depth = call.count - k0 < kDepth ? call.count - k0 : kDepth;
    if (call.columns % lanes) w.clear();
    place(w, 0, w.depth, call.columns, b + k0 * call.b_stride, call.b_stride);
    for (Int t = part * tiles / call.threads; t < (part + 1) * tiles / call.threads; ++t) {
      const Int first = t * kRows, rows = call.rows - first < kRows ? call.rows - first : kRows;
      pack_columns(columns, a + k0 * call.a_stride + first, call.a_stride, w.depth, rows);
      for (Int v = 0; v < w.vectors; v += kPanel) {
        const T* panel = w.data + v * lanes * w.depth;
        T* to = out + first * call.out_stride + v * lanes;
        const Int left = w.vectors - v;
        if (left >= kPanel)
          outer_tile<T, kPanel>(columns, panel, w.depth, to, call.out_stride, rows, k0 == 0);
        else if (left == 1)
          outer_tile<T, 1>(columns, panel, w.depth, to, call.out_stride, rows, k0 == 0);
        else if (left == 2)
          outer_tile<T, 2>(columns, panel, w.depth, to, call.out_stride, rows, k0 == 0);
        else
          outer_tile<T, 3>(columns, panel, w.depth, to, call.out_stride, rows, k0 == 0);
      }
    }
  }
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
