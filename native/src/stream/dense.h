// y = b + W x for one vector or many. Packed: for each group of outputs its bias, then a vector of weights for each k.
// Included by target.cpp only.
#pragma once

#include <cstring>

#include "tile.h"

namespace unrolled {
namespace stream {
namespace UNROLLED_TARGET {

constexpr int kWide = 4;  // groups side by side

Int dense_bytes(Int outputs, Int inputs) { return groups_of(outputs) * (inputs + 1) * kBytes; }

void pack_dense(const float* w, const float* b, Int outputs, Int inputs, void* packed) {
  float* to = static_cast<float*>(packed);
  std::memset(packed, 0, dense_bytes(outputs, inputs));
  for (Int o = 0; o < outputs; ++o) {
    float* panel = to + o / kLanes * (inputs + 1) * kLanes + o % kLanes;
    if (b) panel[0] = b[o];
    for (Int k = 0; k < inputs; ++k) panel[(k + 1) * kLanes] = w[o * inputs + k];
  }
}

template <int R, int U>
void dense_tile(const float* panel, Int size, Int outputs, Int inputs, const float* const* x, float* const* y, Int at) {
  Sums<R, U, 1> sum;
  start(sum, panel, size);
  add_products<1, SameSlot>(sum, x, inputs, panel + kLanes, size);
  for (int u = 0; u < U; ++u)
    for (int r = 0; r < R; ++r) store_some(y[r] + at + u * kLanes, sum.at[r][u][0], outputs - at - u * kLanes);
}

template <int R>
void dense_rows(const float* packed, Int outputs, Int inputs, const float* const* x, float* const* y) {
  const Int size = (inputs + 1) * kLanes, groups = groups_of(outputs);
  Int g = 0;
  for (; g + kWide <= groups; g += kWide)
    dense_tile<R, kWide>(packed + g * size, size, outputs, inputs, x, y, g * kLanes);
  for (; g < groups; ++g) dense_tile<R, 1>(packed + g * size, size, outputs, inputs, x, y, g * kLanes);
}

void dense(const void* packed, Int outputs, Int inputs, const float* const* x, float* const* y, Int rows) {
  const float* from = static_cast<const float*>(packed);
  in_tiles(rows, kTall, [&](Int first, Int height) {
    switch (height) {
      case 1: return dense_rows<1>(from, outputs, inputs, x + first, y + first);
      case 2: return dense_rows<2>(from, outputs, inputs, x + first, y + first);
      case 3: return dense_rows<3>(from, outputs, inputs, x + first, y + first);
#if defined(__AVX512F__) || defined(__aarch64__)
      case 4: return dense_rows<4>(from, outputs, inputs, x + first, y + first);
      case 5: return dense_rows<5>(from, outputs, inputs, x + first, y + first);
      default: return dense_rows<6>(from, outputs, inputs, x + first, y + first);
#endif
    }
  });
}

}  // namespace UNROLLED_TARGET
}  // namespace stream
}  // namespace unrolled
