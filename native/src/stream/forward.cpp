// The feed-forward operations: dense, normalisation, activations.
#include "builders.h"

#include <cmath>

namespace unrolled {
namespace stream {
namespace {

constexpr Int kBatch = 24;  // vectors handed to a kernel at once: a multiple of every tile's height

// W x + b on the last axis. ints: vectors, outputs, inputs; arrays: W, b or null.
class Dense : public Op {
 public:
  Dense(const NodeSpec& node, const ProgramSpec&)
      : Op(node), vectors_(node.ints[0]), outputs_(node.ints[1]), inputs_(node.ints[2]), kernels_(chosen_kernels()),
        packed_(kernels_.dense_bytes(outputs_, inputs_)) {
    kernels_.pack_dense(static_cast<const float*>(node.arrays[0]), static_cast<const float*>(node.arrays[1]), outputs_,
                        inputs_, packed_.data());
  }

  void run(Frame& frame) const override {
    const float* x[kBatch];
    float* y[kBatch];
    Int held = 0;
    for (Int b = 0; b < frame.sessions; ++b)
      for (Int v = 0; v < vectors_; ++v) {
        x[held] = frame.values[inputs[0]].floats(b) + v * inputs_;
        y[held++] = frame.values[output].out(b) + v * outputs_;
        if (held == kBatch || (v == vectors_ - 1 && b == frame.sessions - 1)) {
          kernels_.dense(packed_.data(), outputs_, inputs_, x, y, held);
          held = 0;
        }
      }
  }

 private:
  Int vectors_, outputs_, inputs_;
  const Kernels& kernels_;
  Aligned packed_;
};

// (x - mean) / sqrt(var + epsilon) * weight + bias. ints: vectors, width; floats: epsilon; arrays: weight, bias or null.
class Norm : public Op {
 public:
  Norm(const NodeSpec& node, const ProgramSpec&)
      : Op(node), vectors_(node.ints[0]), width_(node.ints[1]), epsilon_(static_cast<float>(node.floats[0])),
        weight_(copied(node.arrays[0], width_)), bias_(copied(node.arrays[1], width_)) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b)
      for (Int v = 0; v < vectors_; ++v)
        one(frame.values[inputs[0]].floats(b) + v * width_, frame.values[output].out(b) + v * width_);
  }

 private:
  void one(const float* x, float* y) const {
    float sum = 0, squares = 0;
    for (Int i = 0; i < width_; ++i) sum += x[i];
    const float mean = sum / static_cast<float>(width_);
    for (Int i = 0; i < width_; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const float deviation = std::sqrt(squares / static_cast<float>(width_) + epsilon_);
    for (Int i = 0; i < width_; ++i) {
      y[i] = (x[i] - mean) / deviation;
      if (!weight_.empty()) y[i] *= weight_[i];
      if (!bias_.empty()) y[i] += bias_[i];
    }
  }

  Int vectors_, width_;
  float epsilon_;
  std::vector<float> weight_, bias_;
};

// ints: numbers of a row, function.
class Activation : public Op {
 public:
  Activation(const NodeSpec& node, const ProgramSpec&)
      : Op(node), size_(node.ints[0]), function_(static_cast<int>(node.ints[1])), kernels_(chosen_kernels()) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b)
      kernels_.activate(function_, frame.values[inputs[0]].floats(b), frame.values[output].out(b), size_);
  }

 private:
  Int size_;
  int function_;
  const Kernels& kernels_;
};

// ints: vectors, width, 1 for the logarithm.
class Softmax : public Op {
 public:
  Softmax(const NodeSpec& node, const ProgramSpec&)
      : Op(node), vectors_(node.ints[0]), width_(node.ints[1]), is_log_(node.ints[2]), kernels_(chosen_kernels()) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b)
      for (Int v = 0; v < vectors_; ++v)
        kernels_.softmax(frame.values[inputs[0]].floats(b) + v * width_, frame.values[output].out(b) + v * width_, width_,
                         is_log_);
  }

 private:
  Int vectors_, width_;
  bool is_log_;
  const Kernels& kernels_;
};

}  // namespace

std::unique_ptr<Op> build_dense(const NodeSpec& n, const ProgramSpec& p) { return build<Dense>(n, p); }
std::unique_ptr<Op> build_norm(const NodeSpec& n, const ProgramSpec& p) { return build<Norm>(n, p); }
std::unique_ptr<Op> build_activation(const NodeSpec& n, const ProgramSpec& p) { return build<Activation>(n, p); }
std::unique_ptr<Op> build_softmax(const NodeSpec& n, const ProgramSpec& p) { return build<Softmax>(n, p); }

}  // namespace stream
}  // namespace unrolled
