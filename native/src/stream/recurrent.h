// A cell that a machine holds: its weights, packed once, and one step of many vectors.
#pragma once

#include "op.h"

namespace unrolled {
namespace stream {

// From the numbers of a node. ints: kind, inputs, hidden; floats: keep_h, keep_c, x_range, h_range; arrays: weight_ih,
// weight_hh, bias_ih, bias_hh, gain_ih, gain_hh, scale_ih, scale_hh, each or null.
class Cell {
 public:
  explicit Cell(const NodeSpec& node);

  Int inputs() const { return spec_.inputs; }
  Int hidden() const { return spec_.hidden; }
  bool has_c() const { return spec_.kind == kLstm; }
  Int states() const { return has_c() ? 2 : 1; }
  Int scratch() const;

  // One step; see CellRow for what may be the same memory.
  void step(const CellRow* rows, Int count, Int turn, char* scratch) const;

 private:
  struct Product;  // a matrix whose product is normalised
  Int gates() const;
  void step_normalised(const CellRow& row, float* scratch) const;
  void product(bool is_hidden, const float* v, Int first, Int last, float* to) const;
  void whole_product(bool is_hidden, const float* v, Int first, Int last, float* to) const;
  void normalise(bool is_hidden, Int first, Int last, float* v) const;

  CellSpec spec_;
  const Kernels& kernels_;
  Aligned packed_;
  // Only with gains: the two matrices alone, and what the equations need beside them.
  bool is_normalised_;
  Aligned packed_ih_, packed_hh_, packed_new_;
  std::vector<float> bias_ih_, bias_hh_, gain_ih_, gain_hh_, scale_ih_, scale_hh_;
  std::vector<std::int8_t> whole_ih_, whole_hh_;
};

// Gathers rows for a cell and steps them a batch at a time.
class CellBatch {
 public:
  CellBatch(const Cell& cell, Int turn, char* scratch) : cell_(cell), turn_(turn), scratch_(scratch) {}
  ~CellBatch() { flush(); }
  CellBatch(const CellBatch&) = delete;

  void add(const CellRow& row) {
    rows_[held_++] = row;
    if (held_ == kMost) flush();
  }
  void flush() {
    if (held_) cell_.step(rows_, held_, turn_, scratch_);
    held_ = 0;
  }

 private:
  static constexpr Int kMost = 24;  // a multiple of every tile's height
  const Cell& cell_;
  Int turn_;
  char* scratch_;
  Int held_ = 0;
  CellRow rows_[kMost];
};

}  // namespace stream
}  // namespace unrolled
