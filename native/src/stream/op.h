// What an operation of a machine is.
#pragma once

#include <cstring>
#include <utility>

#include "kernels.h"
#include "unrolled/stream.h"

namespace unrolled {
namespace stream {

// A value of a block: row b stands at data + b * stride (bytes). A constant has stride 0: every session reads one row.
struct Value {
  char* data;
  Int stride;

  const float* floats(Int b) const { return reinterpret_cast<const float*>(data + b * stride); }
  float* out(Int b) const { return reinterpret_cast<float*>(data + b * stride); }
  const Int* ints(Int b) const { return reinterpret_cast<const Int*>(data + b * stride); }
};

// What an operation sees while it runs.
struct Frame {
  Value* values;        // of the program, by number; an operation may point its own output elsewhere
  float* const* states; // state s of the block's first session; the next session's is state_sizes[s] on
  const Int* state_sizes;
  Int sessions;         // B
  Int turn;             // counts the runs; see Kernels::cell
  char* scratch;        // at least scratch() * B bytes, of the operation that runs

  float* state(Int s, Int b) const { return states[s] + b * state_sizes[s]; }
};

class Op {
 public:
  explicit Op(const NodeSpec& node) : inputs(node.inputs), output(node.output), states(node.states), every(node.every) {}
  virtual ~Op() = default;
  virtual void run(Frame& frame) const = 0;
  virtual Int scratch() const { return 0; }  // bytes a session needs while it runs

  const std::vector<Int> inputs;
  const Int output;
  const std::vector<Int> states;
  const bool every;
};

typedef std::unique_ptr<Op> (*Build)(const NodeSpec& node, const ProgramSpec& program);

template <class T>
std::unique_ptr<Op> build(const NodeSpec& node, const ProgramSpec& program) {
  return std::make_unique<T>(node, program);
}

// The kernels of the target that is chosen now.
const Kernels& chosen_kernels();

// The operation of a kind. Throws std::invalid_argument where there is none.
std::unique_ptr<Op> build_op(const NodeSpec& node, const ProgramSpec& program);

// Float32 numbers of memory that starts at a cache line; with room for a vector behind them.
class Aligned {
 public:
  explicit Aligned(Int bytes = 0);
  ~Aligned();
  Aligned(const Aligned&) = delete;
  Aligned(Aligned&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Aligned& operator=(Aligned&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }

  char* data() const { return data_; }
  float* floats() const { return reinterpret_cast<float*>(data_); }

 private:
  char* data_;
};

constexpr Int kLine = 64;
inline Int rounded(Int bytes) { return (bytes + kLine - 1) / kLine * kLine; }

// `count` numbers at an address; nothing where it is null.
inline std::vector<float> copied(Array from, Int count) {
  const float* start = static_cast<const float*>(from);
  return start ? std::vector<float>(start, start + count) : std::vector<float>();
}

}  // namespace stream
}  // namespace unrolled
