// Matrix products with packed weights. Every element is summed over k in one order, 0 .. K-1, in one register, so
// its bits do not depend on the rows around it.
#pragma once

#include <cstring>

#include "simd.h"

namespace unrolled {
namespace UNROLLED_TARGET {

typedef std::int64_t Int;

constexpr int kRows = 6;
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kPanel = 4;  // vectors side by side in a register tile: 6 x 4 sums of 32 registers
#else
constexpr int kPanel = 2;  // 6 x 2 sums of 16 registers
#endif
constexpr Int kDepth = 128;  // rows taken at once in an outer product: what is packed of them stays in the first caches
constexpr Int kAbreast = kPanel;  // vectors of its sums made at once: they stay there too

// Weights (depth, columns), zero where nothing was placed. Panels of kPanel vectors of columns (the last may have
// fewer), one after the other; in a panel the vectors of one k lie side by side.
template <class T>
struct Packed {
  T* data;
  Int depth;
  Int vectors;

  UNROLLED_INLINE T* at(Int k, Int column) const {
    const Int lanes = Simd<T>::lanes, vector = column / lanes, panel = vector / kPanel;
    const Int width = vectors - panel * kPanel < kPanel ? vectors - panel * kPanel : kPanel;
    return data + panel * kPanel * lanes * depth + (k * width + vector % kPanel) * lanes + column % lanes;
  }
  Int numbers() const { return depth * vectors * Simd<T>::lanes; }
  void clear() const { std::memset(data, 0, numbers() * sizeof(T)); }
};

// Place a transposed block: element (k0 + k, column0 + j) = from[j * stride + k].
template <class T>
void place_transposed(const Packed<T>& to, Int k0, Int ks, Int column0, Int columns, const T* from, Int stride) {
  const Int lanes = Simd<T>::lanes;
  for (Int j0 = 0; j0 < columns;) {  // one vector of columns at a time: its rows are read side by side
    const Int room = lanes - (column0 + j0) % lanes, many = columns - j0 < room ? columns - j0 : room;
    T* place = to.at(k0, column0 + j0);
    const Int step = k0 + 1 < to.depth ? to.at(k0 + 1, column0 + j0) - place : 0;
    for (Int k = 0; k < ks; ++k)
      for (Int j = 0; j < many; ++j) place[k * step + j] = from[(j0 + j) * stride + k];
    j0 += many;
  }
}

// Place a block: element (k0 + k, j) = from[k * stride + j], from column 0 on.
template <class T>
void place(const Packed<T>& to, Int k0, Int ks, Int columns, const T* from, Int stride) {
  const Int lanes = Simd<T>::lanes;
  for (Int k = 0; k < ks; ++k)
    for (Int j = 0; j < columns; j += lanes) {
      const Int many = columns - j < lanes ? columns - j : lanes;
      std::memcpy(to.at(k0 + k, j), from + k * stride + j, many * sizeof(T));
    }
}

// Place whole vectors of rows: element (k, j) = from[k * stride + j], for every k and every column.
template <class T>
void place_vectors(const Packed<T>& to, const T* from, Int stride) {
  const Int lanes = Simd<T>::lanes;
  for (Int v0 = 0; v0 < to.vectors; v0 += kPanel) {
    const Int width = to.vectors - v0 < kPanel ? to.vectors - v0 : kPanel;
    T* place = to.data + v0 * lanes * to.depth;
    for (Int k = 0; k < to.depth; ++k)
      for (Int v = 0; v < width; ++v, place += lanes) store(place, load(from + k * stride + (v0 + v) * lanes));
  }
}

// One k of a register tile: sum[r][n] += left(r) * w[n].
template <class T, int R, int N, class Left>
UNROLLED_INLINE void add_products(Vec<T> (&sum)[R][N], const T* w, const Left& left) {
  Vec<T> weight[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) weight[n] = load(w + n * Simd<T>::lanes);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const Vec<T> factor = all<T>(left(r));
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[r][n] = fma(factor, weight[n], sum[r][n]);
  }
}

// c[r][0 .. N vectors) = start + a[r] . w, or c + a[r] . w without a start.
template <class T, int R, int N>
void tile(const T* const* a, const T* w, Int depth, T* const* c, Int offset, const T* start) {
  constexpr int lanes = Simd<T>::lanes;
  Vec<T> sum[R][N];
  const T* row[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    row[r] = a[r];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[r][n] = load(start ? start + n * lanes : c[r] + offset + n * lanes);
  }
  for (Int k = 0; k < depth; ++k, w += N * lanes)
    add_products<T, R, N>(sum, w, [&](int r) __attribute__((always_inline)) { return row[r][k]; });
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) store(c[r] + offset + n * lanes, sum[r][n]);
}

template <class T, int N>
UNROLLED_INLINE void tile_of(Int rows, const T* const* a, const T* w, Int depth, T* const* c, Int offset,
                             const T* start) {
  switch (rows) {
    case 1: return tile<T, 1, N>(a, w, depth, c, offset, start);
    case 2: return tile<T, 2, N>(a, w, depth, c, offset, start);
    case 3: return tile<T, 3, N>(a, w, depth, c, offset, start);
    case 4: return tile<T, 4, N>(a, w, depth, c, offset, start);
    case 5: return tile<T, 5, N>(a, w, depth, c, offset, start);
    default: return tile<T, 6, N>(a, w, depth, c, offset, start);
  }
}

// c[r] = start + a[r] w, or c[r] + a[r] w without a start.
//   a, c   rows pointers each, in and out; no c overlaps an a
//   start  as many numbers as w has columns, or null
template <class T>
void multiply(const T* const* a, T* const* c, Int rows, const Packed<T>& w, const T* start) {
  constexpr Int lanes = Simd<T>::lanes;
  const Int tiles = (rows + kRows - 1) / kRows;
  for (Int v = 0; v < w.vectors; v += kPanel) {
    const T* panel = w.data + v * lanes * w.depth;
    const T* from = start ? start + v * lanes : nullptr;
    for (Int t = 0; t < tiles; ++t) {  // tiles of nearly equal height: a low one would leave the adders idle
      const Int first = t * rows / tiles, high = (t + 1) * rows / tiles - first;
      const T* const* a_tile = a + first;
      T* const* c_tile = c + first;
      const Int left = w.vectors - v;
      if (left >= kPanel)
        tile_of<T, kPanel>(high, a_tile, panel, w.depth, c_tile, v * lanes, from);
      else if (left == 1)
        tile_of<T, 1>(high, a_tile, panel, w.depth, c_tile, v * lanes, from);
      else if (left == 2)
        tile_of<T, 2>(high, a_tile, panel, w.depth, c_tile, v * lanes, from);
      else
        tile_of<T, 3>(high, a_tile, panel, w.depth, c_tile, v * lanes, from);
    }
  }
}

// out (R rows of `wide` numbers) += a^T w, for R columns of a side by side. The depth is summed up first: a sum of
// sums, whose error grows with the square root of a hundred numbers, not of a hundred thousand.
template <class T, int R, int N>
void outer_tile(const T* a, Int stride, const T* w, Int depth, T* out, Int wide, bool is_first) {
  constexpr int lanes = Simd<T>::lanes;
  Vec<T> sum[R][N];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[r][n] = Vec<T>{};
  for (Int k = 0; k < depth; ++k, w += N * lanes, a += stride)
    add_products<T, R, N>(sum, w, [a](int r) __attribute__((always_inline)) { return a[r]; });
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      T* const to = out + r * wide + n * lanes;
      store(to, is_first ? sum[r][n] : load(to) + sum[r][n]);
    }
}

template <class T, int N>
void outer_tile_of(Int rows, const T* a, Int stride, const T* w, Int depth, T* out, Int wide, bool is_first) {
  switch (rows) {
    case 1: return outer_tile<T, 1, N>(a, stride, w, depth, out, wide, is_first);
    case 2: return outer_tile<T, 2, N>(a, stride, w, depth, out, wide, is_first);
    case 3: return outer_tile<T, 3, N>(a, stride, w, depth, out, wide, is_first);
    case 4: return outer_tile<T, 4, N>(a, stride, w, depth, out, wide, is_first);
    case 5: return outer_tile<T, 5, N>(a, stride, w, depth, out, wide, is_first);
    default: return outer_tile<T, 6, N>(a, stride, w, depth, out, wide, is_first);
  }
}

// out (rows of as many numbers as w has columns) += a^T w, for `rows` columns of a side by side, at most kRows.
template <class T>
void multiply_columns(Int rows, const T* a, Int stride, const Packed<T>& w, T* out, bool is_first) {
  const Int lanes = Simd<T>::lanes, wide = w.vectors * lanes, depth = w.depth;
  for (Int v = 0; v < w.vectors; v += kPanel) {
    const T* panel = w.data + v * lanes * depth;
    T* to = out + v * lanes;
    const Int left = w.vectors - v;
    if (left >= kPanel)
      outer_tile_of<T, kPanel>(rows, a, stride, panel, depth, to, wide, is_first);
    else if (left == 1)
      outer_tile_of<T, 1>(rows, a, stride, panel, depth, to, wide, is_first);
    else if (left == 2)
      outer_tile_of<T, 2>(rows, a, stride, panel, depth, to, wide, is_first);
    else
      outer_tile_of<T, 3>(rows, a, stride, panel, depth, to, wide, is_first);
  }
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
