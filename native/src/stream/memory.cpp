// What is remembered of earlier rows besides a recurrent state: windows, delays, means, anchors.
#include "builders.h"

#include <cmath>
#include <limits>

namespace unrolled {
namespace stream {
namespace {

// The last rows, oldest first; the value is the state itself. ints: rows, size of one.
class Window : public Op {
 public:
  Window(const NodeSpec& node, const ProgramSpec&) : Op(node), rows_(node.ints[0]), size_(node.ints[1]) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      float* own = frame.state(states[0], b);
      std::memmove(own, own + size_, (rows_ - 1) * size_ * sizeof(float));
      std::memcpy(own + (rows_ - 1) * size_, frame.values[inputs[0]].floats(b), size_ * sizeof(float));
    }
    const Int stride = frame.state_sizes[states[0]] * sizeof(float);
    frame.values[output] = {reinterpret_cast<char*>(frame.state(states[0], 0)), stride};
  }

 private:
  Int rows_, size_;
};

// The row before; NaN at the first. ints: size. States: previous, started.
class Delay : public Op {
 public:
  Delay(const NodeSpec& node, const ProgramSpec&) : Op(node), size_(node.ints[0]) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      float *previous = frame.state(states[0], b), *started = frame.state(states[1], b);
      float* to = frame.values[output].out(b);
      const float* from = frame.values[inputs[0]].floats(b);
      for (Int i = 0; i < size_; ++i) {
        to[i] = *started > 0 ? previous[i] : std::numeric_limits<float>::quiet_NaN();
        previous[i] = from[i];
      }
      *started = 1;
    }
  }

 private:
  Int size_;
};

// The mean of the rows so far. ints: size. States: sum, count.
class PoolMean : public Op {
 public:
  PoolMean(const NodeSpec& node, const ProgramSpec&) : Op(node), size_(node.ints[0]) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      float *sum = frame.state(states[0], b), *count = frame.state(states[1], b);
      const float* from = frame.values[inputs[0]].floats(b);
      float* to = frame.values[output].out(b);
      *count += 1;
      for (Int i = 0; i < size_; ++i) {
        sum[i] += from[i];
        to[i] = sum[i] / *count;
      }
    }
  }

 private:
  Int size_;
};

// The last value of each column that is not NaN, over all rows so far; input 1 before the first. ints: columns.
class CarriedAnchor : public Op {
 public:
  CarriedAnchor(const NodeSpec& node, const ProgramSpec&) : Op(node), columns_(node.ints[0]) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      float *last = frame.state(states[0], b), *seen = frame.state(states[1], b);
      const float *from = frame.values[inputs[0]].floats(b), *otherwise = frame.values[inputs[1]].floats(b);
      float* to = frame.values[output].out(b);
      for (Int i = 0; i < columns_; ++i) {
        if (!std::isnan(from[i])) {
          last[i] = from[i];
          seen[i] = 1;
        }
        to[i] = seen[i] > 0 ? last[i] : otherwise[i];
      }
    }
  }

 private:
  Int columns_;
};

// The same over a window. ints: steps, columns.
class WindowAnchor : public Op {
 public:
  WindowAnchor(const NodeSpec& node, const ProgramSpec&) : Op(node), steps_(node.ints[0]), columns_(node.ints[1]) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const float *from = frame.values[inputs[0]].floats(b), *otherwise = frame.values[inputs[1]].floats(b);
      float* to = frame.values[output].out(b);
      for (Int i = 0; i < columns_; ++i) {
        Int s = steps_ - 1;
        while (s >= 0 && std::isnan(from[s * columns_ + i])) --s;
        to[i] = s < 0 ? otherwise[i] : from[s * columns_ + i];
      }
    }
  }

 private:
  Int steps_, columns_;
};

// The standard deviation over a window of the values that are there. ints: windows, steps, columns; floats: floor.
class Spread : public Op {
 public:
  Spread(const NodeSpec& node, const ProgramSpec&)
      : Op(node), windows_(node.ints[0]), steps_(node.ints[1]), columns_(node.ints[2]),
        least_(static_cast<float>(node.floats[0] * node.floats[0])) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const float* from = frame.values[inputs[0]].floats(b);
      float* to = frame.values[output].out(b);
      for (Int w = 0; w < windows_; ++w)
        for (Int i = 0; i < columns_; ++i) to[w * columns_ + i] = of(from + w * steps_ * columns_ + i);
    }
  }

 private:
  float of(const float* column) const {
    float sum = 0, count = 0, squares = 0;
    for (Int s = 0; s < steps_; ++s) {
      const float v = column[s * columns_];
      if (std::isnan(v)) continue;
      sum += v;
      count += 1;
    }
    if (count == 0) count = 1;
    const float mean = sum / count;
    for (Int s = 0; s < steps_; ++s) {
      const float v = column[s * columns_];
      if (!std::isnan(v)) squares += (v - mean) * (v - mean);
    }
    const float variance = squares / count;
    return std::sqrt(variance < least_ ? least_ : variance);
  }

  Int windows_, steps_, columns_;
  float least_;
};

}  // namespace

std::unique_ptr<Op> build_window(const NodeSpec& n, const ProgramSpec& p) { return build<Window>(n, p); }
std::unique_ptr<Op> build_delay(const NodeSpec& n, const ProgramSpec& p) { return build<Delay>(n, p); }
std::unique_ptr<Op> build_pool_mean(const NodeSpec& n, const ProgramSpec& p) { return build<PoolMean>(n, p); }
std::unique_ptr<Op> build_carried_anchor(const NodeSpec& n, const ProgramSpec& p) { return build<CarriedAnchor>(n, p); }
std::unique_ptr<Op> build_window_anchor(const NodeSpec& n, const ProgramSpec& p) { return build<WindowAnchor>(n, p); }
std::unique_ptr<Op> build_spread(const NodeSpec& n, const ProgramSpec& p) { return build<Spread>(n, p); }

}  // namespace stream
}  // namespace unrolled
