// The loop of a decoder: a body that runs step after step and hands values on to its next step.
#include "builders.h"

namespace unrolled {
namespace stream {
namespace {

enum Wire { kFixed, kEach, kCarried };

struct BodyInput {
  Int wire;
  Int value;  // the body's input
  Int bytes;  // of one step
  Int next;   // kCarried: the body's output that is the input of the next step
};

// ints: steps, the body's result, its bytes, then (wire, value, bytes, next) for each input.
class Rollout : public Op {
 public:
  Rollout(const NodeSpec& node, const ProgramSpec& program)
      : Op(node), steps_(node.ints[0]), result_(node.ints[1]), bytes_(node.ints[2]) {
    for (std::size_t i = 3; i < node.ints.size(); i += 4)
      wires_.push_back({node.ints[i], node.ints[i + 1], node.ints[i + 2], node.ints[i + 3]});
    for (const NodeSpec& inner : node.body) body_.push_back(build_op(inner, program));
  }

  Int scratch() const override {
    Int most = 0;
    for (const auto& op : body_) most = op->scratch() > most ? op->scratch() : most;
    return most;
  }

  void run(Frame& frame) const override {
    for (std::size_t i = 0; i < wires_.size(); ++i) {
      if (wires_[i].wire == kFixed) frame.values[wires_[i].value] = frame.values[inputs[i]];
      if (wires_[i].wire == kCarried) hand_on(frame, frame.values[inputs[i]], wires_[i]);
    }
    for (Int s = 0; s < steps_; ++s) {
      for (std::size_t i = 0; i < wires_.size(); ++i)
        if (wires_[i].wire == kEach) {
          const Value& from = frame.values[inputs[i]];
          frame.values[wires_[i].value] = {from.data + s * wires_[i].bytes, from.stride};
        }
      ++frame.turn;
      for (const auto& op : body_) op->run(frame);
      for (const BodyInput& wire : wires_)
        if (wire.wire == kCarried) hand_on(frame, frame.values[wire.next], wire);
      for (Int b = 0; b < frame.sessions; ++b)
        std::memcpy(reinterpret_cast<char*>(frame.values[output].out(b)) + s * bytes_,
                    frame.values[result_].floats(b), bytes_);
    }
  }

 private:
  // A carried input has memory of its own: its next value is made while the last one is read.
  void hand_on(Frame& frame, const Value& from, const BodyInput& wire) const {
    for (Int b = 0; b < frame.sessions; ++b)
      std::memcpy(frame.values[wire.value].out(b), from.floats(b), wire.bytes);
  }

  Int steps_, result_, bytes_;
  std::vector<BodyInput> wires_;
  std::vector<std::unique_ptr<Op>> body_;
};

}  // namespace

std::unique_ptr<Op> build_rollout(const NodeSpec& n, const ProgramSpec& p) { return build<Rollout>(n, p); }

}  // namespace stream
}  // namespace unrolled
