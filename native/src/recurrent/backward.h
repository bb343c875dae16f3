// Backward through time: one part of a batch, from its last step to its first.
#pragma once

#include "elman.h"
#include "gradients.h"
#include "gru.h"
#include "layer_norm.h"
#include "layout.h"
#include "lstm.h"

namespace unrolled {
namespace UNROLLED_TARGET {

// Read by all parts: packed weights. And the sums over its rows that each part makes.
template <class T>
struct BackwardShared {
  Vectors<T> vectors;
  Packed<T> inputs, recurrent, candidate;
  T *sums, *dbias, *dgain_x = nullptr, *dgain_h = nullptr;  // (parts, Products::numbers), (parts, S*W), (parts, G*W)

  BackwardShared(const Layout<T>& layout, Arena arena) : vectors(layout, arena) {
    const bool is_split = layout.call.cell == kGruBefore;
    const Job& job = layout.job;
    const Int W = layout.W, S = layout.blocks.S, G = layout.blocks.G, lanes = Simd<T>::lanes;
    inputs = {nullptr, G * W, (layout.I + lanes - 1) / lanes};
    if (layout.call.dx) inputs.data = arena.take<T>(inputs.numbers());
    recurrent = take_recurrent(layout, arena, is_split ? 2 : layout.blocks.recurrent, true);
    if (is_split) candidate = take_recurrent(layout, arena, 1, true);
    sums = arena.take<T>(layout.call.dweight_ih ? job.parts * Products<T>(layout).numbers : 0);
    dbias = arena.take<T>(job.parts * S * W);
    if (layout.has_gains())
      for (T** gain : {&dgain_x, &dgain_h}) *gain = arena.take<T>(job.parts * G * W);
    bytes = arena.at - job.shared;
  }

  void pack(const Layout<T>& layout) const {
    const bool is_split = layout.call.cell == kGruBefore;
    const Int H = layout.H, I = layout.I;
    vectors.fill(layout);
    pack_recurrent(layout, recurrent, is_split ? 1 : 0, is_split ? 2 : layout.blocks.recurrent, true);
    if (is_split) pack_recurrent(layout, candidate, 0, 1, true);
    if (!layout.call.dx) return;
    inputs.clear();
    for (Int b = 0; b < layout.blocks.G; ++b)
      place(inputs, b * layout.W, H, I, array<T>(layout.call.weight_ih) + b * H * I, I);
  }

  Int bytes;
};

template <class T>
class Backward {
 public:
  Backward(const Job& job, Int part)
      : L(job),
        shared(L, Arena{job.shared}),
        part(part),
        held(L.active(0, part)),
        arena{job.scratch ? job.scratch + part * job.scratch_bytes : nullptr},
        begin(arena.at),
        gradients(L, shared.inputs, shared.sums + part * Products<T>(L).numbers,
                  shared.dbias + part * L.blocks.S * L.W, arena) {
    const Int W = L.W;
    chunk.take(L, held, arena);
    dh = arena.take<T>(held * W);
    dc = arena.take<T>(held * W);
    through = arena.take<T>(held * W);
    mask = arena.take<T>(held * W);
    const Int G = L.blocks.G;
    T* const recent = L.has_gains() ? arena.take<T>(2 * G * W) : nullptr;
    for (T** wide : {&dy, &dhs, &keep_h, &keep_c}) *wide = arena.take<T>(W);
    from = arena.take<const T*>(held);
    to = arena.take<T*>(held);
    bytes = arena.at - begin;
    if (!L.has_gains()) return;
    gain_x = {shared.dgain_x + part * G * W, recent, G * W};
    gain_h = {shared.dgain_h + part * G * W, recent + G * W, G * W};
  }
  Backward(const Backward&) = delete;  // `gradients` points into it

  void run() {
    const Int W = L.W;
    gradients.begin();
    for (const Sum& sum : {gain_x, gain_h}) sum.clear();
    if (L.call.mask)
      for (Int r = 0; r < held; ++r)
        widen(mask + r * W, array<T>(L.call.mask) + L.sequence(r, part) * L.H, L.H, W);
    Int before = 0;
    for (Int s = L.job.steps - 1; s >= 0; --s) {
      const Int n = L.active(s, part);
      if (chunk.count + n > chunk.room) end_chunk();
      for (Int r = before; r < n; ++r) start(r);
      if (n) step(s, n);
      before = n;
    }
    end_chunk();
    gradients.end();
    for (Int r = 0; r < held; ++r) {
      if (L.call.dh0) copy_out(L.call.dh0, L.sequence(r, part), dh + r * W);
      if (L.call.dc0) copy_out(L.call.dc0, L.sequence(r, part), dc + r * W);
    }
  }

  Int bytes;

 private:
  // A sum over very many rows, as a sum of sums: its error stays small.
  struct Sum {
    T *whole = nullptr, *recent = nullptr;
    Int count = 0;

    void clear() const {
      for (Int j = 0; j < count; ++j) whole[j] = recent[j] = T(0);
    }
    void add_recent() const {
      for (Int j = 0; j < count; j += Simd<T>::lanes) {
        store(whole + j, load(whole + j) + load(recent + j));
        store(recent + j, Vec<T>{});
      }
    }
  };

  // What can be made of a chunk's rows together.
  void end_chunk() {
    gradients.add(chunk);
    for (const Sum& sum : {gain_x, gain_h}) sum.add_recent();
    chunk.count = 0;
  }

  // A row's own last step: nothing comes from later but the gradient of its last state.
  void start(Int r) {
    const Int place = L.sequence(r, part) * L.H;
    widen(dh + r * L.W, L.call.dhn ? array<T>(L.call.dhn) + place : nullptr, L.H, L.W);
    widen(dc + r * L.W, L.call.dcn ? array<T>(L.call.dcn) + place : nullptr, L.H, L.W);
  }

  void step(Int s, Int n) {
    for (Int r = 0; r < n; ++r) {
      const Int row = L.sequence(r, part), t = L.time(s, row), k = chunk.count + r;
      const RowBack<T> now = row_back(s, r, row, t);
      differentiate(now);
      if (L.call.dhs) copy_out(L.call.dhs, row * L.call.time + t, dhs);
      chunk.x[k] = array<T>(L.call.x) + t * L.call.x_stride_t + row * L.call.x_stride_b;
      chunk.seen[k] = at(L.call.mask ? L.call.ms : L.call.hs, s, r, L.W);
      if (L.call.rs) chunk.reset[k] = at(L.call.rs, s, r, L.W);
      if (L.call.dx) chunk.dx[k] = reinterpret_cast<T*>(L.call.dx) + (row * L.call.time + t) * L.I;
    }
    carry_back(s, n);
    chunk.count += n;
  }

  // The gradients of a step's sums to that of its h'.
  void carry_back(Int s, Int n) {
    const bool has_gains = L.has_gains();
    if (L.call.cell == kGruBefore) {
      if (has_gains) normalise_sums_backward(s, n, 0, 1);
      multiply_recurrent(n, 0, shared.candidate, through, shared.vectors.zeros);
      for (Int r = 0; r < n; ++r) {
        const T* seen = at(L.call.mask ? L.call.ms : L.call.hs, s, r, L.W);
        gru_reset_backward(row_back(s, r, 0, 0, false), seen, through + r * L.W, L.W);
      }
      if (has_gains) normalise_sums_backward(s, n, 1, 4);
      multiply_recurrent(n, 1, shared.recurrent, through, nullptr);
      add_through(n);
      return;
    }
    if (has_gains) normalise_sums_backward(s, n, 0, L.blocks.S);
    if (L.call.mask) {
      multiply_recurrent(n, 0, shared.recurrent, through, shared.vectors.zeros);
      add_through(n);
    } else {
      multiply_recurrent(n, 0, shared.recurrent, dh, nullptr);
    }
  }

  // Row r of the step at hand in the chunk.
  UNROLLED_INLINE T* own(T* rows, Int r, Int width) const { return rows + (chunk.count + r) * width; }
  UNROLLED_INLINE const T* at(Int saved, Int s, Int r, Int width) const {
    return array<T>(saved) + L.packed(s, r, part) * width;
  }

  UNROLLED_INLINE RowBack<T> row_back(Int s, Int r, Int row, Int t, bool with_time = true) const {
    const Int W = L.W, S = L.blocks.S;
    const Call& call = L.call;
    RowBack<T> now{};
    now.gates = at(call.gates, s, r, S * W);
    now.h = at(call.hs, s, r, W);
    if (call.cell == kLstm) now.c = at(call.cs, s, r, W);
    now.dh = dh + r * W;
    now.dc = dc + r * W;
    now.dgates = own(chunk.dgates, r, S * W);
    if (!with_time) return now;
    now.dy = wide(call.dy, t * call.dy_stride_t + row * call.dy_stride_b, dy);
    now.keep_h = wide(call.keep_h, t * call.keep_h_stride_t + row * call.keep_h_stride_b, keep_h);
    now.keep_c = wide(call.keep_c, t * call.keep_c_stride_t + row * call.keep_c_stride_b, keep_c);
    now.dhs = call.dhs ? dhs : nullptr;
    return now;
  }

  UNROLLED_INLINE void differentiate(const RowBack<T>& now) const {
    switch (L.call.cell) {
      case kElmanTanh: return elman_backward<T, true>(now, L.W);
      case kElmanRelu: return elman_backward<T, false>(now, L.W);
      case kLstm: return lstm_backward<T>(now, L.W);
      case kGruAfter: return gru_backward<T, true>(now, L.W);
      default: return gru_backward<T, false>(now, L.W);
    }
  }

  // out += (or, with a start, =) the gradients of the recurrent sums, from `block` on, times the weights.
  void multiply_recurrent(Int n, Int block, const Packed<T>& weights, T* out, const T* zeros) {
    const Int W = L.W;
    const bool has_gains = L.has_gains();
    for (Int r = 0; r < n; ++r) {
      from[r] = (has_gains ? own(chunk.dus, r, L.blocks.G * W) : own(chunk.dgates, r, L.blocks.S * W)) + block * W;
      to[r] = out + r * W;
    }
    multiply(from, to, n, weights, zeros);
  }

  void add_through(Int n) const {
    for (Int j = 0; j < n * L.W; j += Simd<T>::lanes) {
      const Vec<T> share = L.call.mask ? load(through + j) * load(mask + j) : load(through + j);
      store(dh + j, load(dh + j) + share);
    }
  }

  void normalise_sums_backward(Int s, Int n, Int first, Int end) const {
    const Int W = L.W, G = L.blocks.G, S = L.blocks.S, offset = L.blocks.first;
    const Vectors<T>& v = shared.vectors;
    for (Int r = 0; r < n; ++r)
      for (Int b = first; b < end; ++b) {
        const T* d = own(chunk.dgates, r, S * W) + b * W;
        const T* scale = at(L.call.scales, s, r, 2 * G);
        if (b >= offset) {
          const Int x = (b - offset) * W;
          normalise_backward(d, v.gain_x + x, at(L.call.xs, s, r, G * W) + x, v.real, scale[b - offset],
                             own(chunk.dxs, r, G * W) + x, gain_x.recent + x, W, L.H);
        }
        if (b < L.blocks.recurrent)
          normalise_backward(d, v.gain_h + b * W, at(L.call.us, s, r, G * W) + b * W, v.real, scale[G + b],
                             own(chunk.dus, r, G * W) + b * W, gain_h.recent + b * W, W, L.H);
      }
  }

  UNROLLED_INLINE const T* wide(Int address, Int place, T* room) const {
    if (!address) return nullptr;
    if (L.W == L.H) return array<T>(address) + place;
    widen(room, array<T>(address) + place, L.H, L.W);
    return room;
  }

  UNROLLED_INLINE void copy_out(Int address, Int row, const T* from_wide) const {
    std::memcpy(reinterpret_cast<T*>(address) + row * L.H, from_wide, L.H * sizeof(T));
  }

  Layout<T> L;
  BackwardShared<T> shared;
  Int part, held;
  Arena arena;
  char* begin;
  Gradients<T> gradients;
  Chunk<T> chunk;
  T *dh, *dc, *through, *mask, *dy, *dhs, *keep_h, *keep_c;
  Sum gain_x, gain_h;
  const T** from;
  T** to;
};

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
