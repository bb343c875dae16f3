// What is done over the steps of a short sequence inside a row, and pools over all rows so far.
//
// Of the L steps the first `length` count: input 1, an int64, taken as 1 to L.
#include "builders.h"

#include <algorithm>

namespace unrolled {
namespace stream {
namespace {

// An operation over steps. ints: steps, width.
class Steps : public Op {
 public:
  explicit Steps(const NodeSpec& node) : Op(node), steps_(node.ints[0]), width_(node.ints[1]) {}

 protected:
  Int length(const Frame& frame, Int b) const {
    const Int given = frame.values[inputs[1]].ints(b)[0];
    return given < 1 ? 1 : given > steps_ ? steps_ : given;
  }

  const Int steps_, width_;
};

// The steps behind the length become 0.
class Cut : public Steps {
 public:
  Cut(const NodeSpec& node, const ProgramSpec&) : Steps(node) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* from = frame.values[inputs[0]].floats(b);
      float* to = frame.values[output].out(b);
      const Int count = length(frame, b) * width_;
      std::copy(from, from + count, to);
      std::fill(to + count, to + steps_ * width_, 0.0f);
    }
  }
};

// The steps that count, last first; those behind stay.
class Reverse : public Steps {
 public:
  Reverse(const NodeSpec& node, const ProgramSpec&) : Steps(node) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* from = frame.values[inputs[0]].floats(b);
      float* to = frame.values[output].out(b);
      const Int count = length(frame, b);
      for (Int s = 0; s < steps_; ++s) {
        const float* own = from + (s < count ? count - 1 - s : s) * width_;
        std::copy(own, own + width_, to + s * width_);
      }
    }
  }
};

// Of the steps that count the last, or the largest of each feature. ints: steps, width, whether it is the largest.
class PoolSteps : public Steps {
 public:
  PoolSteps(const NodeSpec& node, const ProgramSpec&) : Steps(node), is_max_(node.ints[2] != 0) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* from = frame.values[inputs[0]].floats(b);
      float* to = frame.values[output].out(b);
      const Int count = length(frame, b);
      const float* first = is_max_ ? from : from + (count - 1) * width_;
      std::copy(first, first + width_, to);
      for (Int s = 1; is_max_ && s < count; ++s)
        for (Int i = 0; i < width_; ++i) {
          const float x = from[s * width_ + i];
          to[i] = x > to[i] || x != x ? x : to[i];  // a NaN stays one
        }
    }
  }

 private:
  bool is_max_;
};

// y_s = b + W x around s, zeros outside. ints: steps, features, outputs, taps; arrays: W (outputs, taps * features), b.
// Between zeros the taps of a step lie side by side in memory.
class Convolve : public Op {
 public:
  Convolve(const NodeSpec& node, const ProgramSpec&)
      : Op(node), steps_(node.ints[0]), features_(node.ints[1]), outputs_(node.ints[2]), taps_(node.ints[3]),
        kernels_(chosen_kernels()), packed_(kernels_.dense_bytes(outputs_, taps_ * features_)) {
    kernels_.pack_dense(static_cast<const float*>(node.arrays[0]), static_cast<const float*>(node.arrays[1]), outputs_,
                        taps_ * features_, packed_.data());
  }

  Int scratch() const override { return rounded((steps_ + taps_) * features_ * sizeof(float) + kLine); }

  void run(Frame& frame) const override {
    float* padded = reinterpret_cast<float*>(frame.scratch);
    const Int before = taps_ / 2 * features_, count = steps_ * features_;
    std::fill(padded, padded + scratch() / static_cast<Int>(sizeof(float)), 0.0f);
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* from = frame.values[inputs[0]].floats(b);
      std::copy(from, from + count, padded + before);
      for (Int s = 0; s < steps_; ++s) {
        const float* x = padded + s * features_;
        float* y = frame.values[output].out(b) + s * outputs_;
        kernels_.dense(packed_.data(), outputs_, taps_ * features_, &x, &y, 1);
      }
    }
  }

 private:
  Int steps_, features_, outputs_, taps_;
  const Kernels& kernels_;
  Aligned packed_;
};

// The largest of the rows so far. ints: size. States: most, started.
class PoolMax : public Op {
 public:
  PoolMax(const NodeSpec& node, const ProgramSpec&) : Op(node), size_(node.ints[0]) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      float *most = frame.state(states[0], b), *started = frame.state(states[1], b);
      const float* from = frame.values[inputs[0]].floats(b);
      float* to = frame.values[output].out(b);
      for (Int i = 0; i < size_; ++i) {
        const bool larger = !(*started > 0) || from[i] > most[i] || from[i] != from[i];
        to[i] = most[i] = larger ? from[i] : most[i];
      }
      *started = 1;
    }
  }

 private:
  Int size_;
};

// The mean of the rows so far, weighted by the softmax of their scores. ints: size. States: sum, weight, most.
class PoolAttention : public Op {
 public:
  PoolAttention(const NodeSpec& node, const ProgramSpec&) : Op(node), size_(node.ints[0]), kernels_(chosen_kernels()) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      float *sum = frame.state(states[0], b), *weight = frame.state(states[1], b), *most = frame.state(states[2], b);
      const float *from = frame.values[inputs[0]].floats(b), score = frame.values[inputs[1]].floats(b)[0];
      float* to = frame.values[output].out(b);
      const bool started = *weight > 0;
      const float largest = started && *most > score ? *most : score;
      float powers[2] = {*most - largest, score - largest};
      kernels_.activate(kExp, powers, powers, 2);
      const float kept = started ? powers[0] : 0.0f, own = powers[1];
      *weight = *weight * kept + own;
      *most = largest;
      for (Int i = 0; i < size_; ++i) {
        sum[i] = sum[i] * kept + from[i] * own;
        to[i] = sum[i] / *weight;
      }
    }
  }

 private:
  Int size_;
  const Kernels& kernels_;
};

}  // namespace

std::unique_ptr<Op> build_cut(const NodeSpec& n, const ProgramSpec& p) { return build<Cut>(n, p); }
std::unique_ptr<Op> build_reverse(const NodeSpec& n, const ProgramSpec& p) { return build<Reverse>(n, p); }
std::unique_ptr<Op> build_pool_steps(const NodeSpec& n, const ProgramSpec& p) { return build<PoolSteps>(n, p); }
std::unique_ptr<Op> build_convolve(const NodeSpec& n, const ProgramSpec& p) { return build<Convolve>(n, p); }
std::unique_ptr<Op> build_pool_max(const NodeSpec& n, const ProgramSpec& p) { return build<PoolMax>(n, p); }
std::unique_ptr<Op> build_pool_attention(const NodeSpec& n, const ProgramSpec& p) { return build<PoolAttention>(n, p); }

}  // namespace stream
}  // namespace unrolled
