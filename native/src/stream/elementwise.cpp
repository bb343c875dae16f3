// Element by element: scaling and its inverse, sums and products, masks. Operands that broadcast come with a place for
// each element of the output.
#include "builders.h"

#include <cmath>

namespace unrolled {
namespace stream {
namespace {

// An operand: element i of the output reads element places[i], or element i where there are no places.
struct Operand {
  std::vector<std::int32_t> places;

  float at(const float* from, Int i) const { return places.empty() ? from[i] : from[places[i]]; }
};

// Operands from the numbers of a node: for each its count of places (0: as they stand), then the places.
std::vector<Operand> operands_of(const std::vector<Int>& ints, std::size_t from) {
  std::vector<Operand> operands;
  while (from < ints.size()) {
    const Int count = ints[from++];
    operands.emplace_back();
    for (Int i = 0; i < count; ++i) operands.back().places.push_back(static_cast<std::int32_t>(ints[from + i]));
    from += count;
  }
  return operands;
}

// scale (x - b) / c · unscale b + c * x · add a + b · multiply a * b. ints: size, then the operands.
template <class Apply, int Count>
class Elementwise : public Op {
 public:
  Elementwise(const NodeSpec& node, const ProgramSpec&)
      : Op(node), size_(node.ints[0]), operands_(operands_of(node.ints, 1)) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* from[Count];
      for (int i = 0; i < Count; ++i) from[i] = frame.values[inputs[i]].floats(b);
      float* to = frame.values[output].out(b);
      for (Int i = 0; i < size_; ++i) {
        float number[3];
        for (int n = 0; n < Count; ++n) number[n] = operands_[n].at(from[n], i);
        to[i] = Apply::of(number);
      }
    }
  }

 private:
  Int size_;
  std::vector<Operand> operands_;
};

struct ScaleOf {
  static float of(const float* v) { return (v[0] - v[1]) / v[2]; }
};
struct UnscaleOf {
  static float of(const float* v) { return v[1] + v[2] * v[0]; }
};
struct SumOf {
  static float of(const float* v) { return v[0] + v[1]; }
};
struct ProductOf {
  static float of(const float* v) { return v[0] * v[1]; }
};

// NaN becomes 0; with channels, 1 for present and 0 for missing behind each vector. ints: vectors, width, channels.
class Mask : public Op {
 public:
  Mask(const NodeSpec& node, const ProgramSpec&)
      : Op(node), vectors_(node.ints[0]), width_(node.ints[1]), channels_(node.ints[2]) {}

  void run(Frame& frame) const override {
    const Int step = channels_ ? 2 * width_ : width_;
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* from = frame.values[inputs[0]].floats(b);
      float* to = frame.values[output].out(b);
      for (Int v = 0; v < vectors_; ++v, from += width_, to += step)
        for (Int i = 0; i < width_; ++i) {
          const bool missing = std::isnan(from[i]);
          to[i] = missing ? 0 : from[i];
          if (channels_) to[width_ + i] = missing ? 0 : 1;
        }
    }
  }

 private:
  Int vectors_, width_;
  bool channels_;
};

}  // namespace

std::unique_ptr<Op> build_scale(const NodeSpec& n, const ProgramSpec& p) { return build<Elementwise<ScaleOf, 3>>(n, p); }
std::unique_ptr<Op> build_unscale(const NodeSpec& n, const ProgramSpec& p) {
  return build<Elementwise<UnscaleOf, 3>>(n, p);
}
std::unique_ptr<Op> build_add(const NodeSpec& n, const ProgramSpec& p) { return build<Elementwise<SumOf, 2>>(n, p); }
std::unique_ptr<Op> build_multiply(const NodeSpec& n, const ProgramSpec& p) {
  return build<Elementwise<ProductOf, 2>>(n, p);
}
std::unique_ptr<Op> build_mask(const NodeSpec& node, const ProgramSpec& p) { return build<Mask>(node, p); }

}  // namespace stream
}  // namespace unrolled
