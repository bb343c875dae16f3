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
  bool is_read_late;  // kCarried: `next` is itself a carried input, and may be overwritten before it is read
};

// ints: steps, the body's result, its bytes, then (wire, value, bytes, next) for each input.
class Rollout : public Op {
 public:
  Rollout(const NodeSpec& node, const ProgramSpec& program)
      : Op(node), steps_(node.ints[0]), result_(node.ints[1]), bytes_(node.ints[2]) {
    for (std::size_t i = 3; i < node.ints.size(); i += 4)
      wires_.push_back({node.ints[i], node.ints[i + 1], node.ints[i + 2], node.ints[i + 3], false});
    for (BodyInput& wire : wires_) {
      wire.is_read_late = wire.wire == kCarried && is_carried(wire.next);
      if (wire.is_read_late) kept_ += rounded(wire.bytes);
    }
    for (const NodeSpec& inner : node.body) body_.push_back(build_op(inner, program));
  }

  Int scratch() const override { return body_scratch() + kept_; }

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
      for (Int b = 0; b < frame.sessions; ++b)
        std::memcpy(reinterpret_cast<char*>(frame.values[output].out(b)) + s * bytes_,
                    frame.values[result_].floats(b), bytes_);
      hand_all_on(frame);
    }
  }

 private:
  Int body_scratch() const {
    Int most = 0;
    for (const auto& op : body_) most = op->scratch() > most ? op->scratch() : most;
    return rounded(most);
  }

  bool is_carried(Int value) const {
    for (const BodyInput& wire : wires_)
      if (wire.wire == kCarried && wire.value == value) return true;
    return false;
  }

  // All at once: what is read late is put aside before anything is overwritten.
  void hand_all_on(Frame& frame) const {
    char* const begin = frame.scratch + body_scratch() * frame.sessions;
    char* aside = begin;
    for (const BodyInput& wire : wires_)
      if (wire.is_read_late)
        for (Int b = 0; b < frame.sessions; ++b, aside += rounded(wire.bytes))
          std::memcpy(aside, frame.values[wire.next].floats(b), wire.bytes);
    aside = begin;
    for (const BodyInput& wire : wires_) {
      if (wire.wire != kCarried) continue;
      hand_on(frame, wire.is_read_late ? Value{aside, rounded(wire.bytes)} : frame.values[wire.next], wire);
      if (wire.is_read_late) aside += rounded(wire.bytes) * frame.sessions;
    }
  }

  // A carried input has memory of its own: its next value is made while the last one is read.
  void hand_on(Frame& frame, const Value& from, const BodyInput& wire) const {
    for (Int b = 0; b < frame.sessions; ++b)
      std::memcpy(frame.values[wire.value].out(b), from.floats(b), wire.bytes);
  }

  Int steps_, result_, bytes_, kept_ = 0;
  std::vector<BodyInput> wires_;
  std::vector<std::unique_ptr<Op>> body_;
};

}  // namespace

std::unique_ptr<Op> build_rollout(const NodeSpec& n, const ProgramSpec& p) { return build<Rollout>(n, p); }

}  // namespace stream
}  // namespace unrolled
