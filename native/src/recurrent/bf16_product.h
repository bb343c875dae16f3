// The products of product.h from numbers rounded to bf16, two of them in the room of a float: a pair. Sums are float32,
// over the pairs of k in one order, in one register, so that their bits do not depend on the rows around them. Rows
// come in as float32 and are rounded here, to the nearest, ties to even; numbers below 2^-126 count as 0.
#pragma once

#include <cstring>

#include "simd.h"

namespace unrolled {
namespace UNROLLED_TARGET {

typedef std::int64_t Int;
typedef std::uint32_t Pair;

constexpr int kRows = 8;    // a register tile: 8 rows x 3 vectors, 24 sums of 32 registers
constexpr int kPanel = 3;
constexpr Int kDepth = 256;  // rows taken at once in an outer product
constexpr Int kAbreast = 8 * kPanel;  // vectors of its sums made at once: their other side is rounded anew for each
constexpr Int kDeepest = 1024;            // pairs of a row that are multiplied at once
constexpr Int kRoom = 32 * (kDeepest + 16);  // pairs: 128 KB of the stack, most of them never touched

// Weights (depth, columns) in pairs of rows, zero where nothing was placed. Panels of at most kPanel vectors of columns,
// all nearly as wide, one after the other; in a panel the vectors of one pair lie side by side.
template <class T>
struct Packed {
  T* data;  // pairs, each in the room of one T
  Int depth;
  Int vectors;

  Int pairs() const { return (depth + 1) / 2; }
  Int panels() const { return (vectors + kPanel - 1) / kPanel; }
  Int first(Int panel) const { return panel * vectors / panels(); }
  // The room of the pair that row k is in; `step` pairs further lies the next one of that column.
  UNROLLED_INLINE T* at(Int k, Int column, Int* step) const {
    const Int lanes = Simd<T>::lanes, vector = column / lanes, panel = ((vector + 1) * panels() - 1) / vectors;
    *step = (first(panel + 1) - first(panel)) * lanes;
    return data + first(panel) * lanes * pairs() + k / 2 * *step + (vector - first(panel)) * lanes + column % lanes;
  }
  Int numbers() const { return pairs() * vectors * Simd<T>::lanes; }
  void clear() const { std::memset(data, 0, numbers() * sizeof(T)); }
};

// `count` numbers from `from`, at most 16; 0 behind them.
UNROLLED_INLINE __m512 some(const float* from, Int count) {
  if (count >= 16) return _mm512_loadu_ps(from);
  return count <= 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(static_cast<__mmask16>((1 << count) - 1), from);
}

// 16 pairs of neighbours of one row.
UNROLLED_INLINE __m512i pairs_along(const float* row, Int count) {
  return (__m512i)_mm512_cvtne2ps_pbh(some(row + 16, count - 16), some(row, count));
}

// 16 pairs of two rows: a number of the one, and below it, of the other (null: zeros).
UNROLLED_INLINE __m512i pairs_across(const float* row, const float* below, Int count) {
  const __m512i halves =
      (__m512i)_mm512_cvtne2ps_pbh(below ? some(below, count) : _mm512_setzero_ps(), some(row, count));
  alignas(64) static constexpr std::int16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                         8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(order), halves);
}

// Place a transposed block: element (k0 + k, column0 + j) = from[j * stride + k]. k0 is even.
template <class T>
void place_transposed(const Packed<T>& to, Int k0, Int ks, Int column0, Int columns, const T* from, Int stride) {
  for (Int j = 0; j < columns; ++j) {
    Int step;
    T* place = to.at(k0, column0 + j, &step);
    for (Int k = 0; k < ks; k += 32) {
      alignas(64) Pair pairs[16];
      _mm512_store_si512(pairs, pairs_along(from + j * stride + k, ks - k));
      const Int many = ks - k < 32 ? (ks - k + 1) / 2 : 16;
      for (Int p = 0; p < many; ++p, place += step) std::memcpy(place, pairs + p, sizeof(Pair));
    }
  }
}

// Place a block: element (k0 + k, j) = from[k * stride + j], from column 0 on. k0 is even.
template <class T>
void place(const Packed<T>& to, Int k0, Int ks, Int columns, const T* from, Int stride) {
  for (Int j = 0; j < columns; j += 16) {
    Int step;
    T* place = to.at(k0, j, &step);
    for (Int k = 0; k < ks; k += 2, place += step) {
      const T* row = from + k * stride + j;
      _mm512_storeu_si512(place, pairs_across(row, k + 1 < ks ? row + stride : nullptr, columns - j));
    }
  }
}

// Place whole vectors of rows, at most kAbreast: element (k, j) = from[k * stride + j], for every k and every column.
// Row by row: they come from memory.
template <class T>
void place_vectors(const Packed<T>& to, const T* from, Int stride) {
  const Int panels = to.panels(), pairs = to.pairs();
  Int first[kAbreast / kPanel + 1];
  for (Int p = 0; p <= panels; ++p) first[p] = to.first(p);
  for (Int k = 0; k < pairs; ++k) {
    const T* row = from + 2 * k * stride;
    const bool is_single = 2 * k + 1 == to.depth;
    for (Int p = 0; p < panels; ++p) {
      const Int width = first[p + 1] - first[p];
      T* place = to.data + (first[p] * pairs + k * width) * 16;
      for (Int v = first[p]; v < first[p + 1]; ++v, place += 16)
        _mm512_storeu_si512(place, pairs_across(row + v * 16, is_single ? nullptr : row + stride + v * 16, 16));
    }
  }
}

UNROLLED_INLINE F add_pairs(F sum, F left, F right) {
  return (F)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
}

UNROLLED_INLINE F all_pairs(Pair pair) { return (F)_mm512_set1_epi32(static_cast<int>(pair)); }

// sum[r][n] += left[r * along + k * across] * w, over `pairs` pairs.
template <int R, int N>
UNROLLED_INLINE void add_products(F (&sum)[R][N], const Pair* left, Int along, Int across, const float* w, Int pairs) {
  for (Int k = 0; k < pairs; ++k, w += N * 16, left += across) {
    F weight[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) weight[n] = load(w + n * 16);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F factor = all_pairs(left[r * along]);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) sum[r][n] = add_pairs(sum[r][n], factor, weight[n]);
    }
  }
}

// Rows of a product in bf16: `high` of them from `a` on, `stride` pairs from one to the next.
struct Left {
  const Pair* a;
  Int stride;
  Int high;
};

// c[r][offset .. + N vectors) = start + a[r] . w, or c + a[r] . w without a start.
template <int R, int N>
void tile(const Left& left, const float* w, Int pairs, float* const* c, Int offset, const float* start) {
  F sum[R][N];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[r][n] = load(start ? start + n * 16 : c[r] + offset + n * 16);
  add_products<R, N>(sum, left.a, left.stride, 1, w, pairs);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) store(c[r] + offset + n * 16, sum[r][n]);
}

template <int N>
void tile_of(const Left& left, const float* w, Int pairs, float* const* c, Int offset, const float* start) {
  switch (left.high) {
    case 1: return tile<1, N>(left, w, pairs, c, offset, start);
    case 2: return tile<2, N>(left, w, pairs, c, offset, start);
    case 3: return tile<3, N>(left, w, pairs, c, offset, start);
    case 4: return tile<4, N>(left, w, pairs, c, offset, start);
    case 5: return tile<5, N>(left, w, pairs, c, offset, start);
    case 6: return tile<6, N>(left, w, pairs, c, offset, start);
    case 7: return tile<7, N>(left, w, pairs, c, offset, start);
    default: return tile<8, N>(left, w, pairs, c, offset, start);
  }
}

// One block: pairs k0 .. k0 + deep of w, for rows that were rounded.
inline void multiply_rounded(const Pair* a, Int stride, float* const* c, Int rows, const Packed<float>& w, Int k0,
                             Int deep, const float* start) {
  const Int tiles = (rows + kRows - 1) / kRows, panels = w.panels();
  for (Int p = 0; p < panels; ++p) {
    const Int v = w.first(p), width = w.first(p + 1) - v;
    const float* panel = w.data + (v * w.pairs() + k0 * width) * 16;
    const float* from = start ? start + v * 16 : nullptr;
    for (Int t = 0; t < tiles; ++t) {  // tiles of nearly equal height: a low one would leave the adders idle
      const Int first = t * rows / tiles, high = (t + 1) * rows / tiles - first;
      const Left left{a + first * stride, stride, high};
      if (width == 3)
        tile_of<3>(left, panel, deep, c + first, v * 16, from);
      else if (width == 2)
        tile_of<2>(left, panel, deep, c + first, v * 16, from);
      else
        tile_of<1>(left, panel, deep, c + first, v * 16, from);
    }
  }
}

// c[r] = start + a[r] w, or c[r] + a[r] w without a start.
//   a, c   rows pointers each, in and out; no c overlaps an a
//   start  as many numbers as w has columns, or null
template <class T>
void multiply(const T* const* a, T* const* c, Int rows, const Packed<T>& w, const T* start) {
  alignas(64) Pair room[kRoom];
  const Int pairs = w.pairs();
  for (Int k0 = 0; k0 < pairs || k0 == 0; k0 += kDeepest) {
    const Int deep = pairs - k0 < kDeepest ? pairs - k0 : kDeepest;
    const Int stride = (deep + 15) / 16 * 16 + 16;  // a line more: rows 4 KB apart would share their places in a cache
    const Int fit = kRoom / stride / kRows * kRows, together = fit < rows ? fit : rows;
    for (Int r0 = 0; r0 < rows; r0 += together) {
      const Int many = rows - r0 < together ? rows - r0 : together;
      for (Int r = 0; r < many; ++r)
        for (Int k = 0; k < deep; k += 16)
          _mm512_store_si512(room + r * stride + k, pairs_along(a[r0 + r] + 2 * (k0 + k), w.depth - 2 * (k0 + k)));
      multiply_rounded(room, stride, c + r0, many, w, k0, deep, k0 ? nullptr : start);
    }
  }
}

// out (`rows` rows of `wide` numbers, at most R) += a^T w. The depth is summed up first: a sum of sums.
template <int R, int N>
void outer_tile(Int rows, const Pair* a, const float* w, Int pairs, float* out, Int wide, bool is_first) {
  F sum[R][N];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[r][n] = F{};
  add_products<R, N>(sum, a, 1, kRows, w, pairs);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    if (r >= rows) break;
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      float* const to = out + r * wide + n * 16;
      store(to, is_first ? sum[r][n] : load(to) + sum[r][n]);
    }
  }
}

// out (rows of as many numbers as w has columns) += a^T w, for `rows` columns of a side by side, at most kRows.
// All kRows are multiplied; those behind `rows` are made of zeros.
template <class T>
void multiply_columns(Int rows, const T* a, Int stride, const Packed<T>& w, T* out, bool is_first) {
  alignas(64) Pair columns[kDepth / 2 * kRows + kRows];
  for (Int k = 0; k < w.depth; k += 2)
    _mm256_store_si256(reinterpret_cast<__m256i*>(columns + k / 2 * kRows),
                       _mm512_castsi512_si256(pairs_across(
                           a + k * stride, k + 1 < w.depth ? a + (k + 1) * stride : nullptr, rows)));
  const Int wide = w.vectors * 16, pairs = w.pairs();
  for (Int p = 0; p < w.panels(); ++p) {
    const Int v = w.first(p), width = w.first(p + 1) - v;
    const float* panel = w.data + v * pairs * 16;
    if (width == 3)
      outer_tile<kRows, 3>(rows, columns, panel, pairs, out + v * 16, wide, is_first);
    else if (width == 2)
      outer_tile<kRows, 2>(rows, columns, panel, pairs, out + v * 16, wide, is_first);
    else
      outer_tile<kRows, 1>(rows, columns, panel, pairs, out + v * 16, wide, is_first);
  }
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
