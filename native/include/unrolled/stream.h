// A Program at work: a machine that was built once, and runners that hold states and step them.
//
// Key: B sessions that are stepped at once. Every value has one row a session; a row's shape was known before the first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace unrolled {
namespace stream {

typedef std::int64_t Int;

// A weight or a constant: an address of float32 numbers (int8 in a matrix of an int8 cell), or null. What a machine
// needs of it is copied while it is built.
typedef const void* Array;

struct ValueSpec {
  Int size;       // numbers of a row
  bool is_int;    // int64, else float32
  Array constant; // the number at every row; null where it is computed
};

// One operation; what the numbers mean is said where each operation is built.
struct NodeSpec {
  std::string kind;
  std::vector<Int> inputs;    // values
  Int output = 0;             // a value
  std::vector<Int> states;    // of the program's states
  std::vector<Int> ints;
  std::vector<double> floats;
  std::vector<Array> arrays;
  bool every = true;          // runs at every row, else only where an answer is wanted
  std::vector<NodeSpec> body; // of a rollout
};

struct ProgramSpec {
  std::vector<ValueSpec> values;
  std::vector<NodeSpec> nodes;  // in running order
  std::vector<Int> states;      // numbers of each state
  Int output = 0;               // a value
  Int noise = -1, series = -1;  // the values that a runner fills itself; -1 for none
  std::uint64_t seed = 0;
};

class Op;
struct Kernels;

// Nothing of it changes after it was built: any number of runners may share one.
class Machine {
 public:
  // Throws std::invalid_argument for an operation that it does not know.
  explicit Machine(const ProgramSpec& spec);
  ~Machine();
  Machine(const Machine&) = delete;

 private:
  friend class Runner;
  ProgramSpec spec_;
  std::vector<std::unique_ptr<Op>> ops_;
  std::vector<std::vector<float>> constants_;
  Int scratch_ = 0;  // bytes of a block of one session
};

// Sessions of one program: their states, and the memory for the values of a block of them.
class Runner {
 public:
  Runner(std::shared_ptr<const Machine> machine, Int sessions, Int block);
  ~Runner();
  Runner(const Runner&) = delete;

  // Where the caller writes input `value` of the row `place` of the block before `run`.
  void* input(Int value, Int place) const;
  Int input_size(Int value) const;  // numbers

  // One row for the sessions first .. first + count - 1; count <= block. Their inputs must have been written. Rows seen
  // are counted; the answer is computed where it is wanted. Allocates nothing.
  void run(Int first, Int count, bool wanted);
  // The answer of the row `place` of the block after a wanted run, float32 (output size,).
  const float* answer(Int place) const;
  Int answer_size() const;

  // The states of one session, float32 one after another in the program's order.
  Int state_size() const;
  void save(Int session, float* out) const;
  void load(Int session, const float* from, std::uint64_t rows, std::uint64_t series);

  std::uint64_t rows(Int session) const;
  std::uint64_t series(Int session) const;

 private:
  struct Memory;
  std::shared_ptr<const Machine> machine_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace stream
}  // namespace unrolled
