// One step of a cell: the products of all gates of a group of units in registers, their activations on them.
// Included by target.cpp only.
//
// Slots of sums: Elman a; LSTM i, f, g, o; GRU r, z, a, and u where the reset comes after the product.
// Weights say how the products are made; see FloatCell and WholeCell.
#pragma once

#include <cstring>
#include <type_traits>

#include "functions.h"

namespace unrolled {
namespace stream {
namespace UNROLLED_TARGET {

constexpr bool is_gru(int kind) { return kind == kGruAfter || kind == kGruBefore; }
constexpr int gates_of(int kind) { return kind == kLstm ? 4 : is_gru(kind) ? 3 : 1; }
constexpr int slots_of(int kind) { return kind == kGruAfter ? 4 : gates_of(kind); }
// Gates whose product with h' stands beside that with x.
constexpr int hidden_gates_of(int kind) { return kind == kGruBefore ? 2 : gates_of(kind); }

template <int Kind>
struct HiddenSlot {
  static constexpr int of(int n) { return Kind == kGruAfter && n == 2 ? 3 : n; }
};
struct NewSlot {  // the product with r * h' goes on in the sum of n
  static constexpr int of(int) { return 0; }
};

// The memory of one call, for kTall rows of W numbers.
struct CellScratch {
  float* h;        // the next states
  float* c;
  float* z;        // kGruBefore
  float* a;
  float* reset_h;  // r * h'
  char* whole;     // of WholeCell

  CellScratch(char* from, Int width)
      : h(reinterpret_cast<float*>(from)), c(h + kTall * width), z(c + kTall * width), a(z + kTall * width),
        reset_h(a + kTall * width), whole(reinterpret_cast<char*>(reset_h + kTall * width)) {}
  static Int bytes(Int width) { return 5 * kTall * width * 4; }
};

UNROLLED_INLINE F mixed(float keep, F before, F after) {
  if (keep == 0) return after;
  return keep * before + (1 - keep) * after;
}

// From the sums of a group at unit j to its next states.
template <int Kind>
UNROLLED_INLINE void finish(const CellSpec& cell, const F* sum, const CellRow& row, Int j, float* h_next, float* c_next) {
  F h;
  if (Kind == kLstm) {
    const F i = sigmoid(sum[0]), f = sigmoid(sum[1]);
    const F g = tanh(sum[2]), o = sigmoid(sum[3]);
    const F before = load(row.c + j), c = fma(f, before, i * g);
    h = o * tanh(c);
    store(c_next + j, mixed(cell.keep_c, before, c));
  } else if (Kind == kGruAfter) {
    const F r = sigmoid(sum[0]), z = sigmoid(sum[1]), n = tanh(fma(r, sum[3], sum[2]));
    h = fma(z, load(row.h + j) - n, n);
  } else {
    h = Kind == kElmanTanh ? tanh(sum[0]) : (sum[0] <= F{} ? F{} : sum[0]);
  }
  if (cell.keep_h != 0) h = mixed(cell.keep_h, load(row.h + j), h);
  store(h_next + j, h);
}

// The first pass over U groups: all of a cell, or r * h', z and a where the reset comes before the product.
template <int Kind, int R, int U, class Weights>
void cell_tile(const Weights& weights, const CellRow* rows, Int group, const CellScratch& to) {
  const Int width = weights.width();
  Sums<R, U, slots_of(Kind)> sum;
  weights.template sums<Kind>(sum, group);
#pragma GCC unroll 4
  for (int u = 0; u < U; ++u) {
    const Int j = (group + u) * kLanes;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F* own = sum.at[r][u];
      if (Kind == kGruBefore) {
        store(to.reset_h + r * width + j, sigmoid(own[0]) * load(rows[r].h + j));
        store(to.z + r * width + j, sigmoid(own[1]));
        store(to.a + r * width + j, own[2]);
      } else {
        finish<Kind>(weights.cell, own, rows[r], j, to.h + r * width, to.c + r * width);
      }
    }
  }
}

// The second pass of kGruBefore: n = tanh(a + U_n (r * h')), h = (1 - z) n + z h'.
template <int R, int U, class Weights>
void new_tile(const Weights& weights, const CellRow* rows, Int group, const CellScratch& to) {
  const Int width = weights.width();
  Sums<R, U, 1> sum;
#pragma GCC unroll 4
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sum.at[r][u][0] = load(to.a + r * width + (group + u) * kLanes);
  weights.new_sums(sum, group);
#pragma GCC unroll 4
  for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Int j = (group + u) * kLanes;
      const F n = tanh(sum.at[r][u][0]), before = load(rows[r].h + j);
      const F h = fma(load(to.z + r * width + j), before - n, n);
      store(to.h + r * width + j, mixed(weights.cell.keep_h, before, h));
    }
}


// All groups, in tiles of Wide and at the end narrower ones; or, turned, from the end on.
template <int Wide, class Tile>
UNROLLED_INLINE void over_groups(Int groups, bool is_turned, const Tile& tile) {
  const Int wide = groups / Wide;
  for (Int i = 0; i < groups - wide * Wide && is_turned; ++i) tile(groups - 1 - i, std::integral_constant<int, 1>());
  for (Int i = 0; i < wide; ++i)
    tile((is_turned ? wide - 1 - i : i) * Wide, std::integral_constant<int, Wide>());
  for (Int g = wide * Wide; g < groups && !is_turned; ++g) tile(g, std::integral_constant<int, 1>());
}

template <int Kind, int R, class Weights>
void cell_rows(Weights& weights, const CellRow* rows, bool is_turned, CellScratch scratch) {
  constexpr int fits = kSums / (R * slots_of(Kind)), most = Weights::widest(slots_of(Kind));
  constexpr int wide = fits < 1 ? 1 : fits < most ? fits : most;
  const Int groups = groups_of(weights.cell.hidden), hidden = weights.cell.hidden, width = weights.width();
  // c is read where it is written, and h is no longer read once all sums are made: then both need no copy
  const bool c_stays = R == 1 && Kind == kLstm && hidden == width;
  const bool h_stays = R == 1 && hidden == width && (groups == wide || Kind == kGruBefore);
  if (c_stays) scratch.c = rows[0].c_next;
  if (h_stays) scratch.h = rows[0].h_next;
  weights.template read<R>(rows, scratch);
  over_groups<wide>(groups, is_turned, [&](Int group, auto u) {
    cell_tile<Kind, R, decltype(u)::value>(weights, rows, group, scratch);
  });
  if (Kind == kGruBefore) {
    weights.template read_reset<R>(scratch);
    over_groups<wide>(groups, is_turned, [&](Int group, auto u) {
      new_tile<R, decltype(u)::value>(weights, rows, group, scratch);
    });
  }
  for (int r = 0; r < R; ++r)
    for (Int j = 0; j < hidden; j += kLanes) {
      if (!h_stays) store_some(rows[r].h_next + j, load(scratch.h + r * width + j), hidden - j);
      if (Kind == kLstm && !c_stays) store_some(rows[r].c_next + j, load(scratch.c + r * width + j), hidden - j);
    }
}

template <int Kind, class Weights>
void cell_tall(Weights& weights, const CellRow* rows, Int height, bool turned, const CellScratch& scratch) {
  switch (height) {
    case 1: return cell_rows<Kind, 1>(weights, rows, turned, scratch);
    case 2: return cell_rows<Kind, 2>(weights, rows, turned, scratch);
    case 3: return cell_rows<Kind, 3>(weights, rows, turned, scratch);
#if defined(__AVX512F__) || defined(__aarch64__)
    case 4: return cell_rows<Kind, 4>(weights, rows, turned, scratch);
    case 5: return cell_rows<Kind, 5>(weights, rows, turned, scratch);
    default: return cell_rows<Kind, 6>(weights, rows, turned, scratch);
#endif
  }
}

template <class Weights>
void cell_all(Weights weights, const CellRow* rows, Int count, Int turn, char* memory) {
  const CellScratch scratch(memory, weights.width());
  in_tiles(count, kTall, [&](Int first, Int height) {
    const bool turned = turn++ & 1;
    switch (weights.cell.kind) {
      case kElmanTanh: return cell_tall<kElmanTanh>(weights, rows + first, height, turned, scratch);
      case kElmanRelu: return cell_tall<kElmanRelu>(weights, rows + first, height, turned, scratch);
      case kLstm: return cell_tall<kLstm>(weights, rows + first, height, turned, scratch);
      case kGruAfter: return cell_tall<kGruAfter>(weights, rows + first, height, turned, scratch);
      default: return cell_tall<kGruBefore>(weights, rows + first, height, turned, scratch);
    }
  });
}

}  // namespace UNROLLED_TARGET
}  // namespace stream
}  // namespace unrolled
