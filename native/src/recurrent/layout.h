// Where things lie: sizes of a call, the packed weights that all parts read, and rows saved or kept for a while.
#pragma once

#include "job.h"
#if defined(UNROLLED_BF16)
#include "bf16_product.h"
#else
#include "product.h"
#endif

namespace unrolled {
namespace UNROLLED_TARGET {

enum Kind : Int { kElmanTanh = 0, kElmanRelu = 1, kLstm = 2, kGruAfter = 3, kGruBefore = 4 };

// Hands out cache lines of one piece of memory; from null it only counts.
struct Arena {
  char* at;

  template <class T>
  T* take(Int count) {
    T* taken = reinterpret_cast<T*>(at);
    at += (count * static_cast<Int>(sizeof(T)) + 63) / 64 * 64;
    return taken;
  }
};

// Column blocks, each of W columns: U h' fills blocks 0 .. recurrent-1, W x fills blocks first .. blocks-1. A GRU's
// rows are u, r, z, a: its order of gates in U is n, r, z; in W it is torch's.
struct Blocks {
  Int G, S, recurrent, first;
  bool is_gru;

  explicit Blocks(const Call& call)
      : G(call.cell == kLstm ? 4 : call.cell >= kGruAfter ? 3 : 1),
        S(call.cell == kLstm || call.cell >= kGruAfter ? 4 : 1),
        recurrent(G),
        first(call.cell >= kGruAfter ? 1 : 0),
        is_gru(call.cell >= kGruAfter) {}
  // The gate, in torch's order, whose rows of U make block b.
  Int recurrent_gate(Int b) const { return is_gru ? (b + 2) % 3 : b; }
};

template <class T>
const T* array(Int address) {
  return reinterpret_cast<const T*>(address);
}

// Packed rows, or, where nothing is saved, the rows of the last `period` steps.
template <class T>
struct Rows {
  T* data = nullptr;
  Int width = 0;
  Int period = 0;  // 0: packed

  UNROLLED_INLINE explicit operator bool() const { return data != nullptr; }
};

// What every part of a call knows.
template <class T>
struct Layout {
  const Job& job;
  const Call& call;
  Blocks blocks;
  Int H, I, W;

  explicit Layout(const Job& given)
      : job(given),
        call(*given.call),
        blocks(*given.call),
        H(call.hidden),
        I(call.input),
        W((call.hidden + Simd<T>::line - 1) / Simd<T>::line * Simd<T>::line) {}

  bool has_gains() const { return call.gain_ih != 0; }
  Int offset(Int s) const { return job.offsets ? job.offsets[s] : s * call.batch; }
  // How many rows of a part take step s.
  Int active(Int s, Int part) const {
    if (s >= job.steps) return 0;
    return (offset(s + 1) - offset(s) - part + job.parts - 1) / job.parts;
  }
  Int sequence(Int r, Int part) const { return job.order[part + r * job.parts]; }
  Int length(Int row) const { return call.lengths ? array<Int>(call.lengths)[row] : call.time; }
  // The step of x at which a row is in running step s.
  Int time(Int s, Int row) const { return call.reverse ? length(row) - 1 - s : s; }
  Int packed(Int s, Int r, Int part) const { return offset(s) + part + r * job.parts; }
  UNROLLED_INLINE T* at(const Rows<T>& rows, Int s, Int r, Int part, Int held) const {
    const Int row = rows.period ? (s % rows.period) * held + r : packed(s, r, part);
    return rows.data + row * rows.width;
  }
};

// An exact row of H numbers, followed by zeros.
template <class T>
UNROLLED_INLINE void widen(T* to, const T* from, Int H, Int W) {
  if (from)
    std::memcpy(to, from, H * sizeof(T));
  else
    std::memset(to, 0, H * sizeof(T));
  if (W > H) std::memset(to + H, 0, (W - H) * sizeof(T));
}

// The vectors that every row is met with: biases and gains, block by block, and 1 where there is a unit.
template <class T>
struct Vectors {
  T *start, *gain_x, *gain_h, *real, *zeros;

  Vectors(const Layout<T>& layout, Arena& arena) {
    const Int W = layout.W;
    start = arena.take<T>(layout.blocks.S * W);
    gain_x = arena.take<T>(layout.blocks.G * W);
    gain_h = arena.take<T>(layout.blocks.G * W);
    real = arena.take<T>(W);
    zeros = arena.take<T>(layout.blocks.S * W);
  }

  void fill(const Layout<T>& layout) const {
    const Call& call = layout.call;
    const Blocks& blocks = layout.blocks;
    const Int W = layout.W, H = layout.H;
    std::memset(zeros, 0, blocks.S * W * sizeof(T));
    std::memset(start, 0, blocks.S * W * sizeof(T));
    for (Int j = 0; j < W; ++j) real[j] = j < H ? T(1) : T(0);
    for (Int b = 0; b < blocks.G; ++b) {
      const Int gate = blocks.recurrent_gate(b);
      if (call.bias_ih)
        for (Int j = 0; j < H; ++j) {
          start[(blocks.first + b) * W + j] += array<T>(call.bias_ih)[b * H + j];
          start[b * W + j] += array<T>(call.bias_hh)[gate * H + j];
        }
      if (call.gain_ih) {
        widen(gain_x + b * W, array<T>(call.gain_ih) + b * H, H, W);
        widen(gain_h + b * W, array<T>(call.gain_hh) + gate * H, H, W);
      }
    }
  }
};

// The recurrent weights of blocks `from` and on, `count` of them: as h' U (forward), or as dsums U^T (backward).
template <class T>
Packed<T> take_recurrent(const Layout<T>& layout, Arena& arena, Int count, bool backward) {
  const Int lanes = Simd<T>::lanes;
  Packed<T> packed{nullptr, backward ? count * layout.W : layout.H, (backward ? 1 : count) * layout.W / lanes};
  packed.data = arena.take<T>(packed.numbers());
  return packed;
}

template <class T>
void pack_recurrent(const Layout<T>& layout, const Packed<T>& packed, Int from, Int count, bool backward) {
  const Int H = layout.H, W = layout.W;
  packed.clear();
  for (Int b = 0; b < count; ++b) {
    const T* gate = array<T>(layout.call.weight_hh) + layout.blocks.recurrent_gate(from + b) * H * H;
    if (backward)
      place(packed, b * W, H, H, gate, H);
    else
      place_transposed(packed, 0, H, b * W, H, gate, H);
  }
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
