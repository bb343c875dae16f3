// From the gradients of the sums before activation to those of x and the weights, for a chunk of steps of one part of
// the batch, while the chunk is in the cache.
#pragma once

#include "layout.h"

namespace unrolled {
namespace UNROLLED_TARGET {

constexpr Int kTogether = 48;  // rows of dx made at once

// A product that makes gradients of weights: (what blocks first .. end-1 were multiplied with)^T (the gradients of their
// sums). The former is h' (masked, or with a GRU's reset before it), or x, or both side by side.
struct Product {
  enum Of { kGates, kInputs, kRecurrent } of;  // the chunk's dgates, or with gains its dxs, dus
  Int first, end;
  Int hidden, inputs;  // columns of h', of x; 0: not of this product
  bool is_reset;
  Int place;  // where its sums begin among a part's
};

// The products of a call.
template <class T>
struct Products {
  Product list[3];
  Int count = 0, numbers = 0;  // numbers of all their sums, for one part

  explicit Products(const Layout<T>& layout) {
    const Blocks& b = layout.blocks;
    const bool has_gains = layout.has_gains(), is_split = layout.call.cell == kGruBefore;
    const Product::Of of_h = has_gains ? Product::kRecurrent : Product::kGates;
    if (!has_gains && !b.is_gru) {
      add(layout, {Product::kGates, 0, b.G, layout.H, layout.I, false, 0});
      return;
    }
    if (has_gains)
      add(layout, {Product::kInputs, 0, b.G, 0, layout.I, false, 0});
    else
      add(layout, {Product::kGates, b.first, b.first + b.G, 0, layout.I, false, 0});
    if (is_split) add(layout, {of_h, 0, 1, layout.H, 0, true, 0});
    add(layout, {of_h, is_split ? 1 : 0, b.G, layout.H, 0, false, 0});
  }

 private:
  void add(const Layout<T>& layout, Product product) {
    product.place = numbers;
    numbers += (product.end - product.first) * layout.W * (product.inputs + product.hidden);
    list[count++] = product;
  }
};

// Rows of some steps, one after the other, with the gradients of their sums, and where what belongs to a row lies.
template <class T>
struct Chunk {
  Int count = 0, room = 0;
  T *dgates = nullptr, *dxs = nullptr, *dus = nullptr;  // (S*W), and with gains (G*W) each
  const T **x = nullptr, **seen = nullptr, **reset = nullptr;
  T** dx = nullptr;

  void take(const Layout<T>& layout, Int held, Arena& arena) {
    room = held > kDepth ? held : kDepth;
    const Int W = layout.W;
    dgates = arena.take<T>(room * layout.blocks.S * W);
    if (layout.has_gains())
      for (T** sums : {&dxs, &dus}) *sums = arena.take<T>(room * layout.blocks.G * W);
    for (const T*** rows : {&x, &seen, &reset}) *rows = arena.take<const T*>(room);
    dx = arena.take<T*>(room);
  }
};

template <class T>
class Gradients {
 public:
  // `sums` and `bias` have room for one part's: Products::numbers, S*W.
  Gradients(const Layout<T>& layout, const Packed<T>& weight_ih, T* sums, T* bias, Arena& arena)
      : L(layout), weight_ih(weight_ih), products(layout), sums(sums), bias(bias) {
    const Int lanes = Simd<T>::lanes;
    packed = arena.take<T>(kDepth * kAbreast * lanes);
    left = arena.take<T>(kDepth * (L.I + L.H) + Simd<T>::line);
    dx_rows = arena.take<T>(kTogether * ((L.I + lanes - 1) / lanes * lanes));
  }

  void begin() {
    is_first = true;
    std::memset(bias, 0, L.blocks.S * L.W * sizeof(T));
  }

  void add(const Chunk<T>& chunk) {
    if (L.call.dx) inputs(chunk);
    if (!L.call.dweight_ih || !chunk.count) return;
    for (Int k0 = 0; k0 < chunk.count; k0 += kDepth) {
      const Int depth = chunk.count - k0 < kDepth ? chunk.count - k0 : kDepth;
      for (Int p = 0; p < products.count; ++p) multiply_out(products.list[p], chunk, k0, depth);
      add_biases(chunk.dgates + k0 * L.blocks.S * L.W, depth);
      is_first = false;
    }
  }

  // After the last chunk: a part without rows has added nothing.
  void end() {
    if (is_first && L.call.dweight_ih) std::memset(sums, 0, products.numbers * sizeof(T));
  }

 private:
  // The gradients of W x in a row of the chunk.
  const T* input_sums(const Chunk<T>& chunk, Int k) const {
    if (chunk.dxs) return chunk.dxs + k * L.blocks.G * L.W;
    return chunk.dgates + k * L.blocks.S * L.W + L.blocks.first * L.W;
  }

  // dx = (the gradients of W x) W.
  void inputs(const Chunk<T>& chunk) {
    const T* from[kTogether];
    T* to[kTogether];
    const Int wide = weight_ih.vectors * Simd<T>::lanes;
    for (Int k0 = 0; k0 < chunk.count; k0 += kTogether) {
      const Int count = chunk.count - k0 < kTogether ? chunk.count - k0 : kTogether;
      std::memset(dx_rows, 0, count * wide * sizeof(T));
      for (Int i = 0; i < count; ++i) {
        from[i] = input_sums(chunk, k0 + i);
        to[i] = dx_rows + i * wide;
      }
      multiply<T>(from, to, count, weight_ih, nullptr);
      for (Int i = 0; i < count; ++i) std::memcpy(chunk.dx[k0 + i], to[i], L.I * sizeof(T));
    }
  }

  // The gradients of the sums stand in the vectors: whole ones, even where x has few columns.
  void multiply_out(const Product& product, const Chunk<T>& chunk, Int k0, Int depth) {
    const Int lanes = Simd<T>::lanes, many = product.inputs + product.hidden;
    const Int vectors = (product.end - product.first) * L.W / lanes;
    const Int width = (product.of == Product::kGates ? L.blocks.S : L.blocks.G) * L.W;
    const T* rows = product.of == Product::kGates ? chunk.dgates : product.of == Product::kInputs ? chunk.dxs : chunk.dus;
    rows += k0 * width + product.first * L.W;
    const T* const* seen = (product.is_reset ? chunk.reset : chunk.seen) + k0;
    for (Int k = 0; k < depth; ++k) {
      T* const to = left + k * many;
      if (product.hidden)
        for (Int j = 0; j < L.W; j += lanes) store(to + j, load(seen[k] + j));  // what is too much is written over
      if (product.inputs) std::memcpy(to + product.hidden, chunk.x[k0 + k], L.I * sizeof(T));
    }
    for (Int v = 0; v < vectors; v += kAbreast) {
      const Packed<T> w{packed, depth, vectors - v < kAbreast ? vectors - v : kAbreast};
      place_vectors(w, rows + v * lanes, width);
      multiply_all_columns(many, w, sums + product.place + v * lanes * many);
    }
  }

  void multiply_all_columns(Int many, const Packed<T>& w, T* out) const {
    const Int tiles = (many + kRows - 1) / kRows, wide = w.vectors * Simd<T>::lanes;
    for (Int t = 0; t < tiles; ++t) {  // tiles of nearly equal height
      const Int first = t * many / tiles, high = (t + 1) * many / tiles - first;
      multiply_columns(high, left + first, many, w, out + first * wide, is_first);
    }
  }

  // A sum of sums too.
  void add_biases(const T* rows, Int depth) const {
    const Int lanes = Simd<T>::lanes, width = L.blocks.S * L.W;
    for (Int c = 0; c < width; c += lanes) {
      Vec<T> even{}, odd{};
      for (Int k = 0; k + 1 < depth; k += 2) {
        even += load(rows + k * width + c);
        odd += load(rows + (k + 1) * width + c);
      }
      if (depth % 2) even += load(rows + (depth - 1) * width + c);
      store(bias + c, load(bias + c) + (even + odd));
    }
  }

  const Layout<T>& L;
  const Packed<T>& weight_ih;
  Products<T> products;
  T *sums, *bias, *packed, *left, *dx_rows;
  bool is_first = true;
};

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
