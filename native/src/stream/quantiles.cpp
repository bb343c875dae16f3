// From numbers to quantiles that do not cross. Key: Q quantiles.
#include "builders.h"

#include <algorithm>
#include <cmath>

namespace unrolled {
namespace stream {
namespace {

// ints: vectors, Q, base.
class QuantileHead : public Op {
 public:
  QuantileHead(const NodeSpec& node, const ProgramSpec&)
      : Op(node), vectors_(node.ints[0]), count_(node.ints[1]), base_(node.ints[2]), kernels_(chosen_kernels()) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* x = frame.values[inputs[0]].floats(b);
      float* y = frame.values[output].out(b);
      kernels_.activate(kSoftplus, x, y, vectors_ * count_);
      for (Int v = 0; v < vectors_; ++v, x += count_, y += count_) {
        y[base_] = x[base_];
        for (Int q = base_ + 1; q < count_; ++q) y[q] = y[q - 1] + y[q];
        for (Int q = base_ - 1; q >= 0; --q) y[q] = y[q + 1] - y[q];
      }
    }
  }

 private:
  Int vectors_, count_, base_;
  const Kernels& kernels_;
};

// ints: vectors, Q, base, then for input 1, if there is one, a place for each element; arrays: offsets.
class Conformal : public Op {
 public:
  Conformal(const NodeSpec& node, const ProgramSpec&)
      : Op(node), vectors_(node.ints[0]), count_(node.ints[1]), base_(node.ints[2]),
        places_(node.ints.begin() + 3, node.ints.end()), offsets_(copied(node.arrays[0], vectors_ * count_)) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* x = frame.values[inputs[0]].floats(b);
      const float* spread = places_.empty() ? nullptr : frame.values[inputs[1]].floats(b);
      float* y = frame.values[output].out(b);
      for (Int i = 0; i < vectors_ * count_; ++i) y[i] = x[i] + (spread ? spread[places_[i]] * offsets_[i] : offsets_[i]);
      for (Int v = 0; v < vectors_; ++v, y += count_) {
        for (Int q = base_ + 1; q < count_; ++q) y[q] = std::isnan(y[q - 1]) || y[q - 1] > y[q] ? y[q - 1] : y[q];
        for (Int q = base_ - 1; q >= 0; --q) y[q] = std::isnan(y[q + 1]) || y[q + 1] < y[q] ? y[q + 1] : y[q];
      }
    }
  }

 private:
  Int vectors_, count_, base_;
  std::vector<Int> places_;
  std::vector<float> offsets_;
};

// (paths, ...) -> (..., levels), linear between order statistics; NaN is the largest. ints: paths, columns; floats: levels.
class PathQuantiles : public Op {
 public:
  PathQuantiles(const NodeSpec& node, const ProgramSpec&) : Op(node), paths_(node.ints[0]), columns_(node.ints[1]) {
    for (const double level : node.floats) {
      const double place = level * static_cast<double>(paths_ - 1);
      const Int below = static_cast<Int>(std::floor(place));
      places_.push_back({below, std::min(below + 1, paths_ - 1), static_cast<float>(place - static_cast<double>(below))});
    }
  }

  Int scratch() const override { return paths_ * sizeof(float); }

  void run(Frame& frame) const override {
    float* sorted = reinterpret_cast<float*>(frame.scratch);
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* x = frame.values[inputs[0]].floats(b);
      float* y = frame.values[output].out(b);
      for (Int c = 0; c < columns_; ++c) {
        for (Int p = 0; p < paths_; ++p) sorted[p] = x[p * columns_ + c];
        std::sort(sorted, sorted + paths_, [](float a, float b) { return std::isnan(b) ? !std::isnan(a) : a < b; });
        for (const Place& place : places_)
          *y++ = sorted[place.low] + place.share * (sorted[place.high] - sorted[place.low]);
      }
    }
  }

 private:
  struct Place {
    Int low, high;
    float share;
  };
  Int paths_, columns_;
  std::vector<Place> places_;
};

}  // namespace

std::unique_ptr<Op> build_quantile_head(const NodeSpec& n, const ProgramSpec& p) { return build<QuantileHead>(n, p); }
std::unique_ptr<Op> build_conformal(const NodeSpec& n, const ProgramSpec& p) { return build<Conformal>(n, p); }
std::unique_ptr<Op> build_path_quantiles(const NodeSpec& n, const ProgramSpec& p) { return build<PathQuantiles>(n, p); }

}  // namespace stream
}  // namespace unrolled
