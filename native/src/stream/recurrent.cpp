// The three ways to run a cell: over the rows of the stream, over an axis of a value, one step alone.
// Keys: L vectors of a row that run side by side · I input · H hidden · S states (LSTM 2: h then c).
#include "recurrent.h"

#include "builders.h"

namespace unrolled {
namespace stream {
namespace {

// ints: those of Cell, then L, 1 for the full state as the value. States: h, c where there is one, and with an input 1,
// the full state to start from, `started`.
class Recurrent : public Op {
 public:
  Recurrent(const NodeSpec& node, const ProgramSpec&) : Op(node), cell_(node), vectors_(node.ints[3]), full_(node.ints[4]) {}

  Int scratch() const override { return cell_.scratch(); }

  void run(Frame& frame) const override {
    const Int H = cell_.hidden();
    if (inputs.size() > 1) begin(frame);
    {
      CellBatch batch(cell_, frame.turn, frame.scratch);
      for (Int b = 0; b < frame.sessions; ++b)
        for (Int v = 0; v < vectors_; ++v) {
          float* h = frame.state(states[0], b) + v * H;
          float* c = cell_.has_c() ? frame.state(states[1], b) + v * H : nullptr;
          batch.add({frame.values[inputs[0]].floats(b) + v * cell_.inputs(), h, c, h, c});
        }
    }
    if (!full_ || !cell_.has_c()) {  // the value is the state itself
      const Int stride = frame.state_sizes[states[0]] * sizeof(float);
      frame.values[output] = {reinterpret_cast<char*>(frame.state(states[0], 0)), stride};
      return;
    }
    for (Int b = 0; b < frame.sessions; ++b)
      for (Int v = 0; v < vectors_; ++v) {
        float* to = frame.values[output].out(b) + v * 2 * H;
        std::memcpy(to, frame.state(states[0], b) + v * H, H * sizeof(float));
        std::memcpy(to + H, frame.state(states[1], b) + v * H, H * sizeof(float));
      }
  }

 private:
  void begin(Frame& frame) const {
    const Int H = cell_.hidden(), full = cell_.states() * H;
    for (Int b = 0; b < frame.sessions; ++b) {
      float* started = frame.state(states.back(), b);
      if (*started > 0) continue;
      *started = 1;
      for (Int v = 0; v < vectors_; ++v)
        for (Int s = 0; s < cell_.states(); ++s)
          std::memcpy(frame.state(states[s], b) + v * H, frame.values[inputs[1]].floats(b) + v * full + s * H,
                      H * sizeof(float));
    }
  }

  Cell cell_;
  Int vectors_;
  bool full_;
};

// ints: those of Cell, then L, steps, 1 for the full state as the value, 1 for backward. Input 1: the state to start from.
class Scan : public Op {
 public:
  Scan(const NodeSpec& node, const ProgramSpec&)
      : Op(node), cell_(node), vectors_(node.ints[3]), steps_(node.ints[4]), full_(node.ints[5]), backward_(node.ints[6]) {}

  // The cell's own, then zeros (S*H) and a full state for each vector of a session.
  Int scratch() const override { return cell_.scratch() + rounded((vectors_ + 1) * full() * 4); }

  void run(Frame& frame) const override {
    const Int H = cell_.hidden(), width = full_ ? full() : H;
    // a block's scratch is B times scratch(): the states of session b lie behind the cell's own
    float* zeros = reinterpret_cast<float*>(frame.scratch + cell_.scratch());
    float* carried = zeros + full();
    std::memset(zeros, 0, full() * sizeof(float));
    for (Int n = 0; n < steps_; ++n) {
      const Int s = backward_ ? steps_ - 1 - n : n;
      CellBatch batch(cell_, n, frame.scratch);
      for (Int b = 0; b < frame.sessions; ++b)
        for (Int v = 0; v < vectors_; ++v) {
          float* own = carried + (b * vectors_ + v) * full();
          const float* first = inputs.size() > 1 ? frame.values[inputs[1]].floats(b) + v * full() : zeros;
          float* y = frame.values[output].out(b) + (v * steps_ + s) * width;
          const float* before = backward_ ? y + width : y - width;
          const float* h = n ? before : first;
          const float* c = !cell_.has_c() ? nullptr : n == 0 ? first + H : full_ ? before + H : own;
          float* c_next = !cell_.has_c() ? nullptr : full_ ? y + H : own;
          batch.add({frame.values[inputs[0]].floats(b) + (v * steps_ + s) * cell_.inputs(), h, c, y, c_next});
        }
    }
  }

 private:
  Int full() const { return cell_.states() * cell_.hidden(); }

  Cell cell_;
  Int vectors_, steps_;
  bool full_, backward_;
};

// ints: those of Cell, then L.
class Step : public Op {
 public:
  Step(const NodeSpec& node, const ProgramSpec&) : Op(node), cell_(node), vectors_(node.ints[3]) {}

  Int scratch() const override { return cell_.scratch(); }

  void run(Frame& frame) const override {
    const Int H = cell_.hidden(), full = cell_.states() * H;
    CellBatch batch(cell_, frame.turn, frame.scratch);
    for (Int b = 0; b < frame.sessions; ++b)
      for (Int v = 0; v < vectors_; ++v) {
        const float* state = frame.values[inputs[1]].floats(b) + v * full;
        float* next = frame.values[output].out(b) + v * full;
        batch.add({frame.values[inputs[0]].floats(b) + v * cell_.inputs(), state, state + full - H, next, next + full - H});
      }
  }

 private:
  Cell cell_;
  Int vectors_;
};

}  // namespace

std::unique_ptr<Op> build_recurrent(const NodeSpec& n, const ProgramSpec& p) { return build<Recurrent>(n, p); }
std::unique_ptr<Op> build_scan(const NodeSpec& n, const ProgramSpec& p) { return build<Scan>(n, p); }
std::unique_ptr<Op> build_step(const NodeSpec& n, const ProgramSpec& p) { return build<Step>(n, p); }

}  // namespace stream
}  // namespace unrolled
