// From the gradients of the sums before activation to those of x and the weights: products over all packed rows,
// made once the time loop has run. Sums in one order, whatever the threads.
#pragma once

#include "backward.h"

namespace unrolled {
namespace UNROLLED_TARGET {

constexpr Int kTogether = 48;  // rows of dx made at once

// Gradients of sums: blocks first .. end-1 of packed rows of `width` numbers. Those of U h' have their blocks in an
// order of their own.
template <class T>
struct Sums {
  const T* rows;
  Int width, first, end;
  bool is_recurrent;
};

template <class T>
class Gradients {
 public:
  Gradients(const Job& job, Int part) : L(job), shared(L, Arena{job.shared}), part(part) {
    Arena arena{job.scratch ? job.scratch + part * job.scratch_bytes : nullptr};
    char* const begin = arena.at;
    const Int lanes = Simd<T>::lanes, own_vectors = L.blocks.G * L.W / lanes / job.parts + 1;
    sums = arena.take<T>(own_vectors * lanes * (L.H > L.I ? L.H : L.I));
    packed = arena.take<T>(kDepth * kAbreast * lanes);
    x_rows = arena.take<T>(kDepth * L.I);
    dx_rows = arena.take<T>(kTogether * ((L.I + lanes - 1) / lanes * lanes));
    bytes = arena.at - begin;
  }

  void run() {
    if (L.call.dx) inputs();
    if (!L.call.dweight_ih) return;
    const Int G = L.blocks.G, width = shared.recurrent_width(L);
    const T* seen = array<T>(L.call.mask ? L.call.ms : L.call.hs);
    outer({shared.input_sums(L), shared.input_width(L), 0, G, false}, nullptr, L.I, L.call.dweight_ih);
    const bool is_split = L.call.cell == kGruBefore;
    if (is_split) outer({shared.recurrent_sums(), width, 0, 1, true}, array<T>(L.call.rs), L.H, L.call.dweight_hh);
    outer({shared.recurrent_sums(), width, is_split ? 1 : 0, G, true}, seen, L.H, L.call.dweight_hh);
    biases();
  }

  // The parts' sums over rows, added up, in torch's order of gates. For one thread.
  void add_up() const {
    const Int W = L.W, G = L.blocks.G, first = L.blocks.first;
    for (Int b = 0; b < G; ++b) {
      const Int gate = L.blocks.recurrent_gate(b);
      add_parts(shared.dbias + (first + b) * W, 1, L.call.dbias_ih, b);
      add_parts(shared.dbias + b * W, 1, L.call.dbias_hh, gate);
      add_parts(shared.dgain_x + b * W, L.job.parts, L.call.dgain_ih, b);
      add_parts(shared.dgain_h + b * W, L.job.parts, L.call.dgain_hh, gate);
    }
  }

  Int bytes;

 private:
  void add_parts(const T* first, Int parts, Int out, Int gate) const {
    if (!out) return;
    T* to = reinterpret_cast<T*>(out) + gate * L.H;
    for (Int j = 0; j < L.H; ++j) {
      T sum = 0;
      for (Int p = 0; p < parts; ++p) sum += first[p * L.blocks.G * L.W + j];
      to[j] = sum;
    }
  }

  // dx = (the gradients of W x) W, for this part of the packed rows.
  void inputs() {
    const T* sums_x = shared.input_sums(L);
    const Int width = shared.input_width(L), lanes = Simd<T>::lanes, wide = shared.inputs.vectors * lanes;
    const T* from[kTogether];
    T* to[kTogether];
    const Int end = (part + 1) * L.job.rows / L.job.parts;
    Int s = 0;
    for (Int k0 = part * L.job.rows / L.job.parts; k0 < end; k0 += kTogether) {
      const Int count = end - k0 < kTogether ? end - k0 : kTogether;
      for (Int i = 0; i < count; ++i) {
        from[i] = sums_x + (k0 + i) * width;
        to[i] = dx_rows + i * wide;
        std::memset(to[i], 0, wide * sizeof(T));
      }
      multiply<T>(from, to, count, shared.inputs, nullptr);
      for (Int i = 0; i < count; ++i) {
        while (L.offset(s + 1) <= k0 + i) ++s;
        const Int row = L.job.order[k0 + i - L.offset(s)], place = row * L.call.time + L.time(s, row);
        std::memcpy(reinterpret_cast<T*>(L.call.dx) + place * L.I, to[i], L.I * sizeof(T));
      }
    }
  }

  // A weight's gradient, (what the weight was multiplied with)^T (gradients of the sums): this part's share of their
  // columns. What it was multiplied with is packed rows of W numbers, of which `many` count, or x where it is null.
  // The sums stand in the vectors, whole ones even where x has few columns.
  void outer(const Sums<T>& of, const T* seen, Int many, Int out) {
    const Int lanes = Simd<T>::lanes, vectors = (of.end - of.first) * L.W / lanes;
    const Int from = part * vectors / L.job.parts, to = (part + 1) * vectors / L.job.parts;
    if (!L.job.rows) std::memset(sums, 0, (to - from) * lanes * many * sizeof(T));
    Int s = 0;
    for (Int k0 = 0; k0 < L.job.rows; k0 += kDepth) {
      const Int depth = L.job.rows - k0 < kDepth ? L.job.rows - k0 : kDepth;
      const T* rows = seen ? seen + k0 * L.W : gather_x(k0, depth, s);
      for (Int v = from; v < to; v += kAbreast) {
        const Packed<T> w{packed, depth, to - v < kAbreast ? to - v : kAbreast};
        const Int column = of.first * L.W + v * lanes;
        place_vectors(w, of.rows + k0 * of.width + column, of.width);
        if (!L.has_gains()) add_biases(of, k0, depth, column, column + w.vectors * lanes);
        multiply_all_columns(rows, seen ? L.W : L.I, many, w, sums + (v - from) * lanes * many, k0 == 0);
      }
    }
    for (Int v = from; v < to; v += kAbreast)
      put(of, v, to - v < kAbreast ? to - v : kAbreast, sums + (v - from) * lanes * many, many, out);
  }

  static void multiply_all_columns(const T* rows, Int stride, Int many, const Packed<T>& w, T* out, bool is_first) {
    const Int tiles = (many + kRows - 1) / kRows, wide = w.vectors * Simd<T>::lanes;
    for (Int t = 0; t < tiles; ++t) {  // tiles of nearly equal height
      const Int first = t * many / tiles, high = (t + 1) * many / tiles - first;
      multiply_columns(high, rows + first, stride, w, out + first * wide, is_first);
    }
  }

  // x of packed rows k0 and on, one after the other; s is a step not after that of row k0.
  const T* gather_x(Int k0, Int depth, Int& s) const {
    for (Int k = 0; k < depth; ++k) {
      while (L.offset(s + 1) <= k0 + k) ++s;
      const Int row = L.job.order[k0 + k - L.offset(s)];
      const T* x = array<T>(L.call.x) + L.time(s, row) * L.call.x_stride_t + row * L.call.x_stride_b;
      std::memcpy(x_rows + k * L.I, x, L.I * sizeof(T));
    }
    return x_rows;
  }

  // Write sums (`many` rows of some vectors, from vector v on) where their columns are rows of the weight.
  void put(const Sums<T>& of, Int v, Int vectors, const T* from, Int many, Int out) const {
    const Int begin = of.first * L.W + v * Simd<T>::lanes, wide = vectors * Simd<T>::lanes;
    for (Int c = 0; c < wide; ++c) {
      const Int block = (begin + c) / L.W, unit = (begin + c) % L.W;
      if (unit >= L.H) continue;
      const Int gate = of.is_recurrent ? L.blocks.recurrent_gate(block) : block;
      T* const to = reinterpret_cast<T*>(out) + (gate * L.H + unit) * many;
      for (Int j = 0; j < many; ++j) to[j] = from[j * wide + c];
    }
  }

  // The biases' part of columns that are in the cache: W x brings those of the blocks that U h' has not.
  void add_biases(const Sums<T>& of, Int k0, Int depth, Int begin, Int end) const {
    if (of.is_recurrent) return add_columns(k0, depth, begin, end);
    const Int shift = L.blocks.first * L.W, own = L.blocks.recurrent * L.W;
    add_columns(k0, depth, begin + shift > own ? begin + shift : own, end + shift);
  }

  // Add columns begin .. end-1 of `depth` rows to the sums over all rows: a sum of sums too.
  void add_columns(Int k0, Int depth, Int begin, Int end) const {
    const Int lanes = Simd<T>::lanes, width = L.blocks.S * L.W;
    for (Int c = begin; c < end; c += lanes) {
      const T* from = shared.dgates + k0 * width + c;
      Vec<T> even{}, odd{};
      for (Int k = 0; k + 1 < depth; k += 2) {
        even += load(from + k * width);
        odd += load(from + (k + 1) * width);
      }
      if (depth % 2) even += load(from + (depth - 1) * width);
      T* const to = shared.dbias + c;
      store(to, k0 ? load(to) + (even + odd) : even + odd);
    }
  }

  // The sums over rows of this part's columns, where `outer` did not see them.
  void biases() const {
    const Int lanes = Simd<T>::lanes, vectors = L.blocks.S * L.W / lanes;
    const Int from = part * vectors / L.job.parts, to = (part + 1) * vectors / L.job.parts;
    if (!L.job.rows) std::memset(shared.dbias + from * lanes, 0, (to - from) * lanes * sizeof(T));
    if (!L.has_gains()) return;
    for (Int k0 = 0; k0 < L.job.rows; k0 += kDepth)
      add_columns(k0, L.job.rows - k0 < kDepth ? L.job.rows - k0 : kDepth, from * lanes, to * lanes);
  }

  Layout<T> L;
  BackwardShared<T> shared;
  Int part;
  T *sums, *packed, *x_rows, *dx_rows;
};

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
