// A cell with float32 matrices. Packed, for each group of units: the biases of its slots; for each k of x a vector for
// each gate; for each k of h' likewise; for kGruBefore at last a vector for each k of r * h'.
// Included by target.cpp only.
#pragma once

#include "cell.h"

namespace unrolled {
namespace stream {
namespace UNROLLED_TARGET {

// The bias that slot s of unit j starts at: where two products share a sum, both.
inline float slot_bias(const CellSpec& cell, int s, Int j) {
  const Int H = cell.hidden;
  const auto of = [&](const float* bias, Int gate) { return bias ? bias[gate * H + j] : 0.0f; };
  if (cell.kind == kGruAfter && s >= 2) return s == 2 ? of(cell.bias_ih, 2) : of(cell.bias_hh, 2);
  return of(cell.bias_ih, s) + of(cell.bias_hh, s);
}

struct FloatCell {
  const CellSpec& cell;
  const float* packed;
  const float* x[kTall];
  const float* h[kTall];
  const float* reset_h[kTall];

  FloatCell(const CellSpec& spec, const void* from) : cell(spec), packed(static_cast<const float*>(from)) {}

  // Groups of units side by side: enough sums to keep the adders busy, few enough that a turned step finds the last
  // panels in the cache.
  static constexpr int widest(int slots) { return slots > 1 ? 2 : 4; }

  Int width() const { return groups_of(cell.hidden) * kLanes; }

  // Vectors of a group's panel.
  static Int panel_vectors(const CellSpec& cell) {
    const int kind = cell.kind;
    return slots_of(kind) + cell.inputs * gates_of(kind) +
           cell.hidden * (hidden_gates_of(kind) + (kind == kGruBefore ? 1 : 0));
  }
  static Int bytes(const CellSpec& cell) { return groups_of(cell.hidden) * panel_vectors(cell) * kBytes; }
  static Int scratch(const CellSpec&) { return 0; }

  static void pack(const CellSpec& cell, float* to) {
    const Int H = cell.hidden, I = cell.inputs, size = panel_vectors(cell) * kLanes;
    const int gates = gates_of(cell.kind), beside = hidden_gates_of(cell.kind), slots = slots_of(cell.kind);
    const float* w = static_cast<const float*>(cell.weight_ih);
    const float* u = static_cast<const float*>(cell.weight_hh);
    std::memset(to, 0, bytes(cell));
    for (Int j = 0; j < H; ++j) {
      float* at = to + j / kLanes * size + j % kLanes;
      for (int s = 0; s < slots; ++s, at += kLanes) *at = slot_bias(cell, s, j);
      for (Int k = 0; k < I; ++k)
        for (int g = 0; g < gates; ++g, at += kLanes) *at = w[(g * H + j) * I + k];
      for (Int k = 0; k < H; ++k)
        for (int g = 0; g < beside; ++g, at += kLanes) *at = u[(g * H + j) * H + k];
      if (cell.kind == kGruBefore)
        for (Int k = 0; k < H; ++k, at += kLanes) *at = u[(2 * H + j) * H + k];
    }
  }

  template <int R>
  void read(const CellRow* rows, const CellScratch& scratch) {
    for (int r = 0; r < R; ++r) {
      x[r] = rows[r].x;
      h[r] = rows[r].h;
      reset_h[r] = scratch.reset_h + r * width();
    }
  }
  template <int R>
  void read_reset(const CellScratch&) {}

  template <int Kind, int R, int U, int S>
  UNROLLED_INLINE void sums(Sums<R, U, S>& sum, Int group) const {
    constexpr int gates = gates_of(Kind);
    const Int size = panel_vectors(cell) * kLanes;
    const float* panel = packed + group * size;
    start(sum, panel, size);
    panel += S * kLanes;
    add_products<gates, SameSlot>(sum, x, cell.inputs, panel, size);
    add_products<hidden_gates_of(Kind), HiddenSlot<Kind>>(sum, h, cell.hidden, panel + cell.inputs * gates * kLanes,
                                                          size);
  }

  template <int R, int U>
  UNROLLED_INLINE void new_sums(Sums<R, U, 1>& sum, Int group) const {
    const Int size = panel_vectors(cell) * kLanes;
    add_products<1, NewSlot>(sum, reset_h, cell.hidden, packed + (group + 1) * size - cell.hidden * kLanes, size);
  }
};

}  // namespace UNROLLED_TARGET
}  // namespace stream
}  // namespace unrolled
