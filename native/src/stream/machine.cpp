#include <algorithm>
#include <new>
#include <stdexcept>

#include "builders.h"
#include "unrolled/philox.h"
#include "unrolled/recurrent.h"

namespace unrolled {
namespace stream {

#define UNROLLED_DECLARE_TARGET(name) \
  namespace name {                    \
  extern const Kernels kernels;       \
  }
UNROLLED_DECLARE_TARGET(baseline)
#if defined(__x86_64__)
UNROLLED_DECLARE_TARGET(avx2)
UNROLLED_DECLARE_TARGET(avx512)
#endif
#undef UNROLLED_DECLARE_TARGET

const Kernels& chosen_kernels() {
#if defined(__x86_64__)
  const std::string name = full_target();
  for (const Kernels* kernels : {&avx512::kernels, &avx2::kernels})
    if (name == kernels->name) return *kernels;
#endif
  return baseline::kernels;
}

std::unique_ptr<Op> build_op(const NodeSpec& node, const ProgramSpec& program) {
  static const struct {
    const char* kind;
    Build make;
  } table[] = {
#define UNROLLED_ROW(name) {#name, &build_##name},
      UNROLLED_OPERATIONS(UNROLLED_ROW)
#undef UNROLLED_ROW
  };
  for (const auto& row : table)
    if (node.kind == row.kind) return row.make(node, program);
  throw std::invalid_argument(node.kind);
}

Aligned::Aligned(Int bytes) {
  // a vector may be read behind the last number
  const Int whole = rounded(bytes) + kLine;
  data_ = static_cast<char*>(::operator new(whole, std::align_val_t(kLine)));
  std::memset(data_, 0, whole);
}

Aligned::~Aligned() { ::operator delete(data_, std::align_val_t(kLine)); }

Machine::Machine(const ProgramSpec& spec) : spec_(spec) {
  for (ValueSpec& value : spec_.values) {
    constants_.push_back(copied(value.constant, value.constant ? value.size : 0));
    constants_.back().resize(constants_.back().size() + kLine / sizeof(float));  // room for a vector behind
  }
  for (const NodeSpec& node : spec_.nodes) {
    ops_.push_back(build_op(node, spec_));
    scratch_ = std::max(scratch_, ops_.back()->scratch());
  }
  spec_.nodes.clear();  // it names arrays that are not held
}

Machine::~Machine() = default;

struct Runner::Memory {
  std::vector<Aligned> owned;
  std::vector<Value> values;
  std::vector<float*> states;  // of all sessions
  std::vector<float*> block;   // of those that run
  std::vector<Int> state_sizes;
  Aligned scratch;
  std::vector<std::uint64_t> rows;
  std::vector<std::uint64_t> series;

  char* take(Int bytes) {
    owned.emplace_back(bytes);
    return owned.back().data();
  }
};

Runner::Runner(std::shared_ptr<const Machine> machine, Int sessions, Int block)
    : machine_(std::move(machine)), memory_(std::make_unique<Memory>()) {
  Memory& memory = *memory_;
  const ProgramSpec& spec = machine_->spec_;
  for (std::size_t v = 0; v < spec.values.size(); ++v) {
    const ValueSpec& value = spec.values[v];
    const Int bytes = value.size * (value.is_int ? 8 : 4);
    if (value.constant)
      memory.values.push_back({reinterpret_cast<char*>(const_cast<float*>(machine_->constants_[v].data())), 0});
    else
      memory.values.push_back({memory.take(block * bytes), bytes});
  }
  for (const Int size : spec.states) {
    memory.states.push_back(reinterpret_cast<float*>(memory.take(sessions * size * 4)));
    memory.state_sizes.push_back(size);
  }
  memory.block = memory.states;
  memory.scratch = Aligned(block * machine_->scratch_);
  memory.rows.resize(sessions);
  memory.series.resize(sessions);
}

Runner::~Runner() = default;

void* Runner::input(Int value, Int place) const {
  const Value& found = memory_->values[value];
  return found.data + place * found.stride;
}

Int Runner::input_size(Int value) const { return machine_->spec_.values[value].size; }

void Runner::run(Int first, Int count, bool wanted) {
  Memory& memory = *memory_;
  const ProgramSpec& spec = machine_->spec_;
  for (std::size_t s = 0; s < memory.states.size(); ++s) memory.block[s] = memory.states[s] + first * memory.state_sizes[s];
  for (Int b = 0; b < count; ++b) {
    const std::uint64_t seen = ++memory.rows[first + b];
    if (spec.series >= 0) *static_cast<Int*>(input(spec.series, b)) = static_cast<Int>(memory.series[first + b]);
    if (spec.noise >= 0 && wanted)
      philox_normal(spec.seed, seen, static_cast<float*>(input(spec.noise, b)), spec.values[spec.noise].size);
  }
  Frame frame{memory.values.data(), memory.block.data(), memory.state_sizes.data(), count,
              static_cast<Int>(memory.rows[first]), memory.scratch.data()};
  for (const auto& op : machine_->ops_)
    if (wanted || op->every) op->run(frame);
}

const float* Runner::answer(Int place) const { return memory_->values[machine_->spec_.output].floats(place); }

Int Runner::answer_size() const { return machine_->spec_.values[machine_->spec_.output].size; }

Int Runner::state_size() const {
  Int total = 0;
  for (const Int size : memory_->state_sizes) total += size;
  return total;
}

void Runner::save(Int session, float* out) const {
  for (std::size_t s = 0; s < memory_->states.size(); ++s) {
    const Int size = memory_->state_sizes[s];
    std::memcpy(out, memory_->states[s] + session * size, size * sizeof(float));
    out += size;
  }
}

void Runner::load(Int session, const float* from, std::uint64_t rows, std::uint64_t series) {
  for (std::size_t s = 0; s < memory_->states.size(); ++s) {
    const Int size = memory_->state_sizes[s];
    std::memcpy(memory_->states[s] + session * size, from, size * sizeof(float));
    from += size;
  }
  memory_->rows[session] = rows;
  memory_->series[session] = series;
}

std::uint64_t Runner::rows(Int session) const { return memory_->rows[session]; }
std::uint64_t Runner::series(Int session) const { return memory_->series[session]; }

}  // namespace stream
}  // namespace unrolled
