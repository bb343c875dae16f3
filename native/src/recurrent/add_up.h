// The parts' sums of the gradients of weights, biases and gains, added up and written in torch's order of gates.
#pragma once

#include "backward.h"

namespace unrolled {
namespace UNROLLED_TARGET {

template <class T>
class AddUp {
 public:
  explicit AddUp(const Job& job) : L(job), shared(L, Arena{job.shared}), products(L) {}

  // One part's share of the weights' columns.
  void weights(Int part) const {
    if (!L.call.dweight_ih) return;
    const Int lanes = Simd<T>::lanes;
    for (Int p = 0; p < products.count; ++p) {
      const Product& product = products.list[p];
      const Int vectors = (product.end - product.first) * L.W / lanes;
      for (Int v = 0; v < vectors; v += kAbreast)
        if (v / kAbreast % L.job.parts == part) write(product, v, vectors - v < kAbreast ? vectors - v : kAbreast);
    }
  }

  // For one thread.
  void rest() const {
    const Blocks& b = L.blocks;
    for (Int block = 0; block < b.G; ++block) {
      const Int gate = b.recurrent_gate(block), W = L.W;
      add_parts(shared.dbias + (b.first + block) * W, b.S * W, L.call.dbias_ih, block);
      add_parts(shared.dbias + block * W, b.S * W, L.call.dbias_hh, gate);
      add_parts(shared.dgain_x + block * W, b.G * W, L.call.dgain_ih, block);
      add_parts(shared.dgain_h + block * W, b.G * W, L.call.dgain_hh, gate);
    }
  }

 private:
  // The sums of some vectors of a product: each column is a row of both weights, or of one.
  void write(const Product& product, Int v, Int vectors) const {
    const Int wide = vectors * Simd<T>::lanes, column0 = product.first * L.W + v * Simd<T>::lanes;
    const T* from = shared.sums + product.place + v * Simd<T>::lanes * (product.hidden + product.inputs);
    for (Int c = 0; c < wide; ++c) {
      const Int block = (column0 + c) / L.W, unit = (column0 + c) % L.W;
      if (unit >= L.H) continue;
      const Int gate_h = L.blocks.recurrent_gate(block);
      const Int gate_x = product.of == Product::kGates ? block - L.blocks.first : block;
      turn(from + c, wide, product.hidden, L.call.dweight_hh, gate_h * L.H + unit);
      turn(from + c + product.hidden * wide, wide, product.inputs, L.call.dweight_ih, gate_x * L.H + unit);
    }
  }

  // The parts' sums of a column, as a row.
  void turn(const T* from, Int stride, Int count, Int out, Int row) const {
    T* const to = reinterpret_cast<T*>(out) + row * count;
    for (Int j = 0; j < count; ++j) to[j] = from[j * stride];
    for (Int p = 1; p < L.job.parts; ++p)
      for (Int j = 0; j < count; ++j) to[j] += from[p * products.numbers + j * stride];
  }

  void add_parts(const T* first, Int stride, Int out, Int gate) const {
    if (!out) return;
    T* to = reinterpret_cast<T*>(out) + gate * L.H;
    for (Int j = 0; j < L.H; ++j) {
      T sum = 0;
      for (Int p = 0; p < L.job.parts; ++p) sum += first[p * stride + j];
      to[j] = sum;
    }
  }

  Layout<T> L;
  BackwardShared<T> shared;
  Products<T> products;
};

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
