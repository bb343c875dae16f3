#include "unrolled/recurrent.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <vector>

#include "parallel.h"
#include "recurrent/job.h"
#include "unrolled/cpu.h"
#include "unrolled/pool.h"

namespace unrolled {

#define UNROLLED_DECLARE_TARGET(name) \
  namespace name {                    \
  extern const Target target;         \
  }
UNROLLED_DECLARE_TARGET(baseline)
#if defined(__x86_64__)
UNROLLED_DECLARE_TARGET(avx2)
UNROLLED_DECLARE_TARGET(avx512)
UNROLLED_DECLARE_TARGET(avx512bf16)
#endif

namespace {

using Int = std::int64_t;

// What a CPU runs: the kernels of one target, and those whose products are made from bf16, where it has them.
struct Choice {
  const char* name;
  const Target* full;
  const Target* bf16;
};

const Choice kChoices[] = {
#if defined(__x86_64__)
    {"avx512bf16", &avx512::target, &avx512bf16::target},
    {"avx512", &avx512::target, nullptr},
    {"avx2", &avx2::target, nullptr},
#endif
    {"baseline", &baseline::target, nullptr},
};

const Choice* find_choice(const std::string& name) {
  const auto here = cpu_targets();
  if (std::find(here.begin(), here.end(), name) == here.end()) return nullptr;
  for (const Choice& choice : kChoices)
    if (name == choice.name) return &choice;
  return nullptr;
}

const Choice* g_choice = find_choice(cpu_targets().front());

const Target& target_of(const Call& call) { return call.is_bf16 ? *g_choice->bf16 : *g_choice->full; }

// The batch sorted by length, longest first, and where each running step begins in the packed rows.
struct Plan {
  std::vector<Int> order, offsets;
  Int steps, rows;

  explicit Plan(const Call& call) : order(call.batch), steps(call.time), rows(call.time * call.batch) {
    std::iota(order.begin(), order.end(), Int{0});
    if (!call.lengths) return;
    const Int* lengths = reinterpret_cast<const Int*>(call.lengths);
    std::stable_sort(order.begin(), order.end(), [&](Int a, Int b) { return lengths[a] > lengths[b]; });
    steps = call.batch ? lengths[order[0]] : 0;
    offsets.resize(steps + 1);
    Int active = call.batch, total = 0;
    for (Int s = 0; s <= steps; ++s) {
      offsets[s] = total;
      while (active && lengths[order[active - 1]] <= s) --active;
      total += active;
    }
    rows = total;
  }
};

// Steps whose input product is made at once: enough rows to pay for reading the weights, few enough for the cache.
Int chunk_of(const Call& call) {
  const Int rows = std::max<Int>(1, call.batch / call.threads);
  const Int columns = (call.cell < 2 ? 1 : 4) * call.hidden;
  const Int cached = (Int{1} << 16) / std::max<Int>(1, rows * columns), enough = 48 / rows;
  return std::clamp(std::max(cached, enough), Int{1}, std::max<Int>(1, call.time));
}

// A job with its memory, which goes back to the pool at the end: a call allocates nothing that the last one had.
class WholeJob {
 public:
  WholeJob(const Call& call, const Plan& plan, bool backward)
      : job_{&call,     call.threads,   plan.steps,
             plan.rows, chunk_of(call), plan.order.data(),
             call.lengths ? plan.offsets.data() : nullptr, nullptr, nullptr, 0} {
    Int shared = 0;
    target_of(call).sizes(job_, backward, &shared, &job_.scratch_bytes);
    job_.shared = static_cast<char*>(pool_take(shared + job_.parts * job_.scratch_bytes));
    job_.scratch = job_.shared + shared;
  }
  WholeJob(const WholeJob&) = delete;
  ~WholeJob() { pool_give(job_.shared); }

  const Job& get() const { return job_; }

 private:
  Job job_;
};

Int length_of(const Call& call, Int b) {
  return call.lengths ? reinterpret_cast<const Int*>(call.lengths)[b] : call.time;
}

// 0 behind every length of a sequence (B, T, width).
void clear_padding(const Call& call, Int sequence, Int width) {
  if (!sequence || !call.lengths) return;
  const Int row = width * (call.is_double ? 8 : 4);
  for (Int b = 0; b < call.batch; ++b) {
    const Int length = length_of(call, b);
    std::memset(reinterpret_cast<char*>(sequence) + (b * call.time + length) * row, 0, (call.time - length) * row);
  }
}

// Rows without a step keep their state, or its gradient (0 where there is none).
void keep_state(const Call& call, Int out, Int in) {
  if (!out || (!call.lengths && call.time)) return;
  const Int row = call.hidden * (call.is_double ? 8 : 4);
  for (Int b = 0; b < call.batch; ++b) {
    if (length_of(call, b)) continue;
    char* to = reinterpret_cast<char*>(out) + b * row;
    if (in)
      std::memcpy(to, reinterpret_cast<const char*>(in) + b * row, row);
    else
      std::memset(to, 0, row);
  }
}

}  // namespace

void recurrent_forward(const Call& call) {
  clear_padding(call, call.y, call.hidden);
  keep_state(call, call.hn, call.h0);
  keep_state(call, call.cn, call.c0);
  const Plan plan(call);
  const WholeJob whole(call, plan, false);
  const Job& job = whole.get();
  const Target& target = target_of(call);
  target.pack_forward(job);
  in_parallel(job.parts, [&](Int part) { target.forward(job, part); });
}

void recurrent_backward(const Call& call) {
  clear_padding(call, call.dhs, call.hidden);
  clear_padding(call, call.dx, call.input);
  keep_state(call, call.dh0, call.dhn);
  keep_state(call, call.dc0, call.dcn);
  const Plan plan(call);
  const WholeJob whole(call, plan, true);
  const Job& job = whole.get();
  const Target& target = target_of(call);
  target.pack_backward(job);
  in_parallel(job.parts, [&](Int part) { target.backward(job, part); });
  in_parallel(job.parts, [&](Int part) { target.add_up_weights(job, part); });
  target.add_up_rest(job);
}

double multiply_add_rate(Int threads, bool is_bf16) {
  const Target& target = is_bf16 ? *g_choice->bf16 : *g_choice->full;
  constexpr Int rounds = 2000000;
  std::vector<double> operations(threads);
  const auto begin = std::chrono::steady_clock::now();
  in_parallel(threads, [&](Int part) { operations[part] = target.multiply_adds(rounds); });
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return std::accumulate(operations.begin(), operations.end(), 0.0) / taken.count();
}

std::string recurrent_target() { return g_choice->name; }

bool choose_target(const std::string& name) {
  const Choice* found = find_choice(name);
  if (found) g_choice = found;
  return found != nullptr;
}

std::string full_target() { return g_choice->full->name; }

bool has_bf16() { return g_choice->bf16 != nullptr; }

}  // namespace unrolled
