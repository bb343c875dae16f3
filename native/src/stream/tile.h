// A register tile of sums: R vectors times U panels of S sums each, outputs side by side in the lanes. Included by
// target.cpp only.
#pragma once

#include "../recurrent/simd.h"
#include "kernels.h"

namespace unrolled {
namespace stream {
namespace UNROLLED_TARGET {

using unrolled::UNROLLED_TARGET::all;
using unrolled::UNROLLED_TARGET::F;
using unrolled::UNROLLED_TARGET::fma;
using unrolled::UNROLLED_TARGET::kBytes;
using unrolled::UNROLLED_TARGET::load;
using unrolled::UNROLLED_TARGET::store;
typedef std::int64_t Int;
typedef unrolled::UNROLLED_TARGET::Simd<float>::Bits I32;  // as many whole numbers

constexpr int kLanes = kBytes / 4;
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kSums = 24;  // of 32 registers
#else
constexpr int kSums = 12;  // of 16
#endif
constexpr int kTall = kSums / 4;  // rows of the highest tile

UNROLLED_INLINE Int groups_of(Int outputs) { return (outputs + kLanes - 1) / kLanes; }

template <int R, int U, int S>
struct Sums {
  F at[R][U][S];
};

// The sums start at `first`: S vectors, those of panel u `panel` numbers after those of panel u - 1.
template <int R, int U, int S>
UNROLLED_INLINE void start(Sums<R, U, S>& sum, const float* first, Int panel) {
#pragma GCC unroll 8
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s)
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum.at[r][u][s] = load(first + u * panel + s * kLanes);
}

// sum[r][u][slot(n)] += v[r] . w, k rising; panel u of w holds N vectors for each k.
template <int N, class Slot, int R, int U, int S>
UNROLLED_INLINE void add_products(Sums<R, U, S>& sum, const float* const* v, Int depth, const float* w, Int panel) {
  const float* row[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) row[r] = v[r];
  for (Int k = 0; k < depth; ++k, w += N * kLanes)
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u) {
      F weight[N];
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) weight[n] = load(w + u * panel + n * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n)
          sum.at[r][u][Slot::of(n)] = fma(all<float>(row[r][k]), weight[n], sum.at[r][u][Slot::of(n)]);
    }
}

struct SameSlot {
  static constexpr int of(int n) { return n; }
};

// Rows in tiles of nearly equal height: a low one would leave the adders idle. Calls `work(first, height)`.
template <class Work>
UNROLLED_INLINE void in_tiles(Int rows, Int tall, const Work& work) {
  if (rows <= tall) return work(0, rows);  // a division costs a tenth of a small step
  const Int tiles = (rows + tall - 1) / tall;
  for (Int t = 0; t < tiles; ++t) {
    const Int first = t * rows / tiles;
    work(first, (t + 1) * rows / tiles - first);
  }
}

// Write the first `many` numbers of a vector.
UNROLLED_INLINE void store_some(float* to, F v, Int many) {
  if (many >= kLanes) return store(to, v);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i)
    if (i < many) to[i] = v[i];
}

}  // namespace UNROLLED_TARGET
}  // namespace stream
}  // namespace unrolled
