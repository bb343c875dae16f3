// From the gradients of the sums before activation to those of x and the weights: products over all packed rows,
// made once the time loop has run. Sums in one order, whatever the threads.
#pragma once

#include "backward.h"

namespace unrolled {
namespace UNROLLED_TARGET {

constexpr Int kTogether = 48;  // rows of dx made at once

template <class T>
class Gradients {
 public:
  Gradients(const Job& job, Int part) : L(job), shared(L, Arena{job.shared}), part(part) {
    Arena arena{job.scratch ? job.scratch + part * job.scratch_bytes : nullptr};
    char* const begin = arena.at;
    const Int lanes = Simd<T>::lanes, widest = L.W > L.I ? L.W : (L.I + lanes - 1) / lanes * lanes;
    const Int own_tiles = L.blocks.G * tiles_of_block() / job.parts + 1;
    sums = arena.take<T>(own_tiles * kRows * widest);
    packed = arena.take<T>(kDepth * widest);
    dx_rows = arena.take<T>(kTogether * widest);
    bytes = arena.at - begin;
  }

  void run() {
    const Int W = L.W, G = L.blocks.G;
    if (L.call.dx) inputs();
    if (!L.call.dweight_ih) return;
    const bool is_split = L.call.cell == kGruBefore;
    const T* seen = reinterpret_cast<const T*>(L.call.mask ? L.call.ms : L.call.hs);
    const auto rows_of = [W](const T* rows) { return [rows, W](Int k, Int, Int) { return rows + k * W; }; };
    const auto rows_of_x = [this](Int, Int s, Int q) {
      const Int row = L.job.order[q];
      return array<T>(L.call.x) + L.time(s, row) * L.call.x_stride_t + row * L.call.x_stride_b;
    };
    outer(shared.input_sums(L), shared.input_width(L), 0, G, false, rows_of_x, L.I, L.call.dweight_ih);
    const Int width = shared.recurrent_width(L);
    if (is_split)
      outer(shared.recurrent_sums(), width, 0, 1, true, rows_of(array<T>(L.call.rs)), L.H, L.call.dweight_hh);
    outer(shared.recurrent_sums(), width, is_split ? 1 : 0, G, true, rows_of(seen), L.H, L.call.dweight_hh);
  }

  // The parts' sums over rows, added up, in torch's order of gates. For one thread.
  void add_up() const {
    const Int W = L.W, S = L.blocks.S, G = L.blocks.G, first = L.blocks.first;
    for (Int b = 0; b < G; ++b) {
      const Int gate = L.blocks.recurrent_gate(b);
      add_parts(shared.dbias + (first + b) * W, S * W, L.call.dbias_ih, b);
      add_parts(shared.dbias + b * W, S * W, L.call.dbias_hh, gate);
      add_parts(shared.dgain_x + b * W, G * W, L.call.dgain_ih, b);
      add_parts(shared.dgain_h + b * W, G * W, L.call.dgain_hh, gate);
    }
  }

  Int bytes;

 private:
  Int tiles_of_block() const { return (L.H + kRows - 1) / kRows; }

  void add_parts(const T* parts, Int stride, Int out, Int gate) const {
    if (!out) return;
    T* to = reinterpret_cast<T*>(out) + gate * L.H;
    for (Int j = 0; j < L.H; ++j) {
      T sum = 0;
      for (Int p = 0; p < L.job.parts; ++p) sum += parts[p * stride + j];
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

  // Blocks first .. end-1 of a weight's gradient: (gradients of the sums)^T (what the weight was multiplied with).
  // row_of(k, s, q) is packed row k of the latter, of step s and sorted place q.
  template <class RowOf>
  void outer(const T* a, Int stride, Int first, Int end, bool is_recurrent, const RowOf& row_of, Int many, Int out) {
    const Int lanes = Simd<T>::lanes, of_block = tiles_of_block(), tiles = (end - first) * of_block;
    const Int from = part * tiles / L.job.parts, to = (part + 1) * tiles / L.job.parts;
    Packed<T> w{packed, 0, (many + lanes - 1) / lanes};
    const Int wide = w.vectors * lanes;
    if (from == to) return;
    if (!L.job.rows) std::memset(sums, 0, (to - from) * kRows * wide * sizeof(T));
    Int s = 0;
    for (Int k0 = 0; k0 < L.job.rows; k0 += kDepth) {
      w.depth = L.job.rows - k0 < kDepth ? L.job.rows - k0 : kDepth;
      place_depth(w, many, [&](Int k) {
        while (L.offset(s + 1) <= k0 + k) ++s;
        return row_of(k0 + k, s, k0 + k - L.offset(s));
      });
      for (Int t = from; t < to; ++t) {
        const Int unit = t % of_block * kRows, rows = L.H - unit < kRows ? L.H - unit : kRows;
        const T* columns = a + k0 * stride + (first + t / of_block) * L.W + unit;
        multiply_columns(rows, columns, stride, w, sums + (t - from) * kRows * wide, k0 == 0);
      }
    }
    for (Int t = from; t < to; ++t) {
      const Int block = first + t / of_block, gate = is_recurrent ? L.blocks.recurrent_gate(block) : block;
      for (Int r = 0, unit = t % of_block * kRows; r < kRows && unit + r < L.H; ++r)
        std::memcpy(reinterpret_cast<T*>(out) + (gate * L.H + unit + r) * many,
                    sums + ((t - from) * kRows + r) * wide, many * sizeof(T));
    }
  }

  Layout<T> L;
  BackwardShared<T> shared;
  Int part;
  T *sums, *packed, *dx_rows;
};

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
