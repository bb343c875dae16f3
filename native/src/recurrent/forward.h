// Forward over whole sequences: one part of a batch, step by step.
#pragma once

#include "elman.h"
#include "gru.h"
#include "layer_norm.h"
#include "layout.h"
#include "lstm.h"

namespace unrolled {
namespace UNROLLED_TARGET {

// Read by all parts: packed once.
template <class T>
struct ForwardShared {
  Vectors<T> vectors;
  Packed<T> inputs, recurrent, candidate;  // candidate: U_n alone, where r comes before it

  ForwardShared(const Layout<T>& layout, Arena arena) : vectors(layout, arena) {
    const Blocks& blocks = layout.blocks;
    const bool is_split = layout.call.cell == kGruBefore;
    inputs = {nullptr, layout.I, blocks.G * layout.W / Simd<T>::lanes};
    inputs.data = arena.take<T>(inputs.numbers());
    recurrent = take_recurrent(layout, arena, is_split ? 2 : blocks.recurrent, false);
    if (is_split) candidate = take_recurrent(layout, arena, 1, false);
    bytes = arena.at - layout.job.shared;
  }

  void pack(const Layout<T>& layout) const {
    const Int H = layout.H;
    const bool is_split = layout.call.cell == kGruBefore;
    vectors.fill(layout);
    inputs.clear();
    for (Int b = 0; b < layout.blocks.G; ++b) {
      const T* gate = array<T>(layout.call.weight_ih) + b * H * layout.I;
      place_transposed(inputs, 0, layout.I, b * layout.W, H, gate, layout.I);
    }
    pack_recurrent(layout, recurrent, is_split ? 1 : 0, is_split ? 2 : layout.blocks.recurrent, false);
    if (is_split) pack_recurrent(layout, candidate, 0, 1, false);
  }

  Int bytes;
};

template <class T>
class Forward {
 public:
  Forward(const Job& job, Int part)
      : L(job), shared(L, Arena{job.shared}), part(part), held(L.active(0, part)), is_saved(L.call.gates != 0) {
    Arena arena{job.scratch ? job.scratch + part * job.scratch_bytes : nullptr};
    char* const begin = arena.at;
    const Int W = L.W, G = L.blocks.G, S = L.blocks.S;
    const Call& call = L.call;
    gates = rows(call.gates, S * W, L.has_gains() ? 1 : job.chunk, arena);
    hs = rows(call.hs, W, 2, arena);
    if (call.cell == kLstm) cs = rows(call.cs, W, 2, arena);
    if (call.mask) {
      ms = rows(call.ms, W, 1, arena);
      mask = arena.take<T>(held * W);
    }
    if (call.cell == kGruBefore) rs = rows(call.rs, W, 1, arena);
    if (L.has_gains()) {
      xs = rows(call.xs, G * W, job.chunk, arena);
      us = rows(call.us, G * W, 1, arena);
      scales = rows(call.scales, 2 * G, 1, arena);
    }
    last_h = arena.take<T>(W);
    last_c = arena.take<T>(W);
    keep_h = arena.take<T>(W);
    keep_c = arena.take<T>(W);
    from = arena.take<const T*>(held * job.chunk);
    to = arena.take<T*>(held * job.chunk);
    bytes = arena.at - begin;
  }

  void run() {
    begin();
    for (Int s0 = 0; s0 < L.job.steps && L.active(s0, part); s0 += L.job.chunk) {
      const Int end = s0 + L.job.chunk < L.job.steps ? s0 + L.job.chunk : L.job.steps;
      multiply_inputs(s0, end);
      for (Int s = s0; s < end; ++s)
        if (const Int n = L.active(s, part)) step(s, n);
    }
  }

  Int bytes;

 private:
  Rows<T> rows(Int saved, Int width, Int period, Arena& arena) {
    if (is_saved) return {reinterpret_cast<T*>(saved), width, 0};
    return {arena.take<T>(held * period * width), width, period};
  }
  UNROLLED_INLINE T* at(const Rows<T>& rows, Int s, Int r) const { return L.at(rows, s, r, part, held); }

  void begin() {
    for (Int r = 0; r < held; ++r) {
      const Int row = L.sequence(r, part), place = row * L.H;
      widen(at(hs, 0, r), L.call.h0 ? array<T>(L.call.h0) + place : nullptr, L.H, L.W);
      if (cs) widen(at(cs, 0, r), L.call.c0 ? array<T>(L.call.c0) + place : nullptr, L.H, L.W);
      if (ms) widen(mask + r * L.W, array<T>(L.call.mask) + place, L.H, L.W);
    }
  }

  // The sums of steps s0 .. end-1 start with their biases and W x.
  void multiply_inputs(Int s0, Int end) {
    const Int W = L.W, first = L.blocks.first;
    Int count = 0;
    for (Int s = s0; s < end; ++s)
      for (Int r = 0, n = L.active(s, part); r < n; ++r, ++count) {
        const Int row = L.sequence(r, part), t = L.time(s, row);
        from[count] = array<T>(L.call.x) + t * L.call.x_stride_t + row * L.call.x_stride_b;
        to[count] = xs ? at(xs, s, r) : at(gates, s, r) + first * W;
        if (first && !xs) std::memcpy(at(gates, s, r), shared.vectors.start, W * sizeof(T));
      }
    const T* start = xs ? shared.vectors.zeros : shared.vectors.start + first * W;
    multiply(from, to, count, shared.inputs, start);
  }

  void step(Int s, Int n) {
    const Rows<T>& seen = ms ? ms : hs;
    if (ms) apply_mask(s, n);
    if (L.call.cell == kGruBefore) {
      multiply_recurrent(seen, shared.recurrent, s, n, 1);
      if (xs) normalise_sums(s, n, 1, 4);
      for (Int r = 0; r < n; ++r) gru_reset(at(gates, s, r), at(seen, s, r), at(rs, s, r), L.W);
      multiply_recurrent(rs, shared.candidate, s, n, 0);
      if (xs) normalise_sums(s, n, 0, 1);
    } else {
      multiply_recurrent(seen, shared.recurrent, s, n, 0);
      if (xs) normalise_sums(s, n, 0, L.blocks.S);
    }
    const Int next = L.active(s + 1, part);
    for (Int r = 0; r < n; ++r) finish(s, r, r >= next);
  }

  void apply_mask(Int s, Int n) {
    for (Int r = 0; r < n; ++r)
      for (Int j = 0; j < L.W; j += Simd<T>::lanes)
        store(at(ms, s, r) + j, load(mask + r * L.W + j) * load(at(hs, s, r) + j));
  }

  void multiply_recurrent(const Rows<T>& seen, const Packed<T>& weights, Int s, Int n, Int block) {
    for (Int r = 0; r < n; ++r) {
      from[r] = at(seen, s, r);
      to[r] = (us ? at(us, s, r) : at(gates, s, r)) + block * L.W;
    }
    multiply(from, to, n, weights, us ? shared.vectors.zeros : nullptr);
  }

  // Layer-normalise both products of blocks first .. end-1 and put them together.
  void normalise_sums(Int s, Int n, Int first, Int end) {
    const Int W = L.W, G = L.blocks.G, offset = L.blocks.first;
    const Vectors<T>& v = shared.vectors;
    for (Int r = 0; r < n; ++r) {
      T *sums = at(gates, s, r), *x = at(xs, s, r), *u = at(us, s, r), *scale = at(scales, s, r);
      for (Int b = first; b < end; ++b) {
        const bool has_u = b < L.blocks.recurrent, has_x = b >= offset;
        T *u_b = u + b * W, *x_b = x + (b - offset) * W;
        if (has_x) scale[b - offset] = normalise(x_b, v.real, W, L.H);
        if (has_u) scale[G + b] = normalise(u_b, v.real, W, L.H);
        for (Int j = 0; j < W; j += Simd<T>::lanes) {
          Vec<T> sum = load(v.start + b * W + j);
          if (has_x) sum = fma(load(v.gain_x + (b - offset) * W + j), load(x_b + j), sum);
          if (has_u) sum = fma(load(v.gain_h + b * W + j), load(u_b + j), sum);
          store(sums + b * W + j, sum);
        }
      }
    }
  }

  // Activate one row's sums, and carry its new state to the next step, to y and, at its end, out.
  UNROLLED_INLINE void finish(Int s, Int r, bool is_last) {
    const Int row = L.sequence(r, part), t = L.time(s, row);
    Row<T> now{at(gates, s, r), at(hs, s, r), nullptr, is_last ? last_h : at(hs, s + 1, r), nullptr,
               kept(L.call.keep_h, t * L.call.keep_h_stride_t + row * L.call.keep_h_stride_b, keep_h),
               kept(L.call.keep_c, t * L.call.keep_c_stride_t + row * L.call.keep_c_stride_b, keep_c)};
    if (cs) {
      now.c = at(cs, s, r);
      now.c_next = is_last ? last_c : at(cs, s + 1, r);
    }
    activate(now);
    copy_out(L.call.y, row * L.call.time + t, now.h_next);
    if (is_last) copy_out(L.call.hn, row, now.h_next);
    if (is_last && cs) copy_out(L.call.cn, row, now.c_next);
  }

  UNROLLED_INLINE void activate(const Row<T>& now) const {
    switch (L.call.cell) {
      case kElmanTanh: return elman_forward<T, true>(now, L.W, is_saved);
      case kElmanRelu: return elman_forward<T, false>(now, L.W, is_saved);
      case kLstm: return lstm_forward<T>(now, L.W, is_saved);
      case kGruAfter: return gru_forward<T, true>(now, L.W, is_saved);
      default: return gru_forward<T, false>(now, L.W, is_saved);
    }
  }

  UNROLLED_INLINE const T* kept(Int keep, Int place, T* wide) const {
    if (!keep) return nullptr;
    widen(wide, array<T>(keep) + place, L.H, L.W);
    return wide;
  }

  UNROLLED_INLINE void copy_out(Int address, Int row, const T* from_wide) const {
    std::memcpy(reinterpret_cast<T*>(address) + row * L.H, from_wide, L.H * sizeof(T));
  }

  Layout<T> L;
  ForwardShared<T> shared;
  Int part, held;  // held: rows of this part that take a step at all
  bool is_saved;
  Rows<T> gates, hs, cs, ms, rs, xs, us, scales;
  T *mask = nullptr, *last_h, *last_c, *keep_h, *keep_c;
  const T** from;
  T** to;
};

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
