// Moving numbers without changing them: slices, transpositions, padding, joining; constants are values, not operations.
#include "builders.h"

namespace unrolled {
namespace stream {
namespace {

// Output elements from `to` on are elements `from` on of an input; input -1 stands for zeros.
struct Run {
  Int to, input, from, count;
};

// ints: bytes of an element, elements of the output, then (to, input, from, count) for each run.
class Move : public Op {
 public:
  Move(const NodeSpec& node, const ProgramSpec&) : Op(node), bytes_(node.ints[0]), size_(node.ints[1]) {
    for (std::size_t i = 2; i < node.ints.size(); i += 4)
      runs_.push_back({node.ints[i], node.ints[i + 1], node.ints[i + 2], node.ints[i + 3]});
    is_view_ = runs_.size() == 1 && runs_[0].input >= 0 && runs_[0].count == size_;
  }

  void run(Frame& frame) const override {
    if (is_view_) {
      const Value& from = frame.values[inputs[runs_[0].input]];
      frame.values[output] = {from.data + runs_[0].from * bytes_, from.stride};
      return;
    }
    for (Int b = 0; b < frame.sessions; ++b) {
      char* to = frame.values[output].data + b * frame.values[output].stride;
      for (const Run& run : runs_) copy(frame, run, b, to + run.to * bytes_);
    }
  }

 private:
  void copy(Frame& frame, const Run& run, Int b, char* to) const {
    if (run.input < 0) {
      std::memset(to, 0, run.count * bytes_);
      return;
    }
    const Value& value = frame.values[inputs[run.input]];
    const char* from = value.data + b * value.stride + run.from * bytes_;
    if (run.count == 1 && bytes_ == 4)
      std::memcpy(to, from, 4);
    else
      std::memcpy(to, from, run.count * bytes_);
  }

  Int bytes_, size_;
  std::vector<Run> runs_;
  bool is_view_;
};

// Row `code` of a table; row 0 for a code outside it. ints: codes of a row, rows of the table, width.
class Embed : public Op {
 public:
  Embed(const NodeSpec& node, const ProgramSpec&)
      : Op(node), codes_(node.ints[0]), rows_(node.ints[1]), width_(node.ints[2]),
        table_(copied(node.arrays[0], rows_ * width_)) {}

  void run(Frame& frame) const override {
    for (Int b = 0; b < frame.sessions; ++b) {
      const Int* codes = frame.values[inputs[0]].ints(b);
      float* to = frame.values[output].out(b);
      for (Int i = 0; i < codes_; ++i) {
        const Int code = codes[i] >= 0 && codes[i] < rows_ ? codes[i] : 0;
        std::memcpy(to + i * width_, table_.data() + code * width_, width_ * sizeof(float));
      }
    }
  }

 private:
  Int codes_, rows_, width_;
  std::vector<float> table_;
};

}  // namespace

std::unique_ptr<Op> build_move(const NodeSpec& node, const ProgramSpec& p) { return build<Move>(node, p); }
std::unique_ptr<Op> build_embed(const NodeSpec& node, const ProgramSpec& p) { return build<Embed>(node, p); }

}  // namespace stream
}  // namespace unrolled
