// The kernels of one CPU target. Compiled once for each, with UNROLLED_TARGET its name and its own flags; only
// headers of this folder and of C are included, so that no shared inline function is made with these flags.
#include "add_up.h"
#include "forward.h"

#if defined(__x86_64__)
#define UNROLLED_REGISTER "v"
#else
#define UNROLLED_REGISTER "w"
#endif

namespace unrolled {
namespace UNROLLED_TARGET {

// Run with a number of the call's type. Products from bf16 are for float32 alone.
template <class Run>
void typed([[maybe_unused]] const Job& job, const Run& run) {
#if !defined(UNROLLED_BF16)
  if (job.call->is_double) return run(double{});
#endif
  run(float{});
}

template <class T>
void sizes_of(const Job& job, bool backward, Int* shared, Int* scratch) {
  if (backward) {
    *shared = BackwardShared<T>(Layout<T>(job), Arena{nullptr}).bytes;
    *scratch = Backward<T>(job, 0).bytes;
  } else {
    *shared = ForwardShared<T>(Layout<T>(job), Arena{nullptr}).bytes;
    *scratch = Forward<T>(job, 0).bytes;
  }
}

void sizes(const Job& job, bool backward, Int* shared, Int* scratch) {
  typed(job, [&](auto zero) { sizes_of<decltype(zero)>(job, backward, shared, scratch); });
}

template <class T, template <class> class Shared>
void pack_of(const Job& job) {
  const Layout<T> layout(job);
  Shared<T>(layout, Arena{job.shared}).pack(layout);
}

void pack_forward(const Job& job) {
  typed(job, [&](auto zero) { pack_of<decltype(zero), ForwardShared>(job); });
}

void pack_backward(const Job& job) {
  typed(job, [&](auto zero) { pack_of<decltype(zero), BackwardShared>(job); });
}

void forward(const Job& job, Int part) {
  typed(job, [&](auto zero) { Forward<decltype(zero)>(job, part).run(); });
}

void backward(const Job& job, Int part) {
  typed(job, [&](auto zero) { Backward<decltype(zero)>(job, part).run(); });
}

void add_up_weights(const Job& job, Int part) {
  typed(job, [&](auto zero) { AddUp<decltype(zero)>(job).weights(part); });
}

void add_up_rest(const Job& job) {
  typed(job, [&](auto zero) { AddUp<decltype(zero)>(job).rest(); });
}

double multiply_adds(Int rounds) {
  constexpr int chains = 12;
#if defined(UNROLLED_BF16)
  constexpr int operations = 4;  // in one number of a vector: two products, two sums
  const F factor = all_pairs(0x3f003f00), term = all_pairs(0x3d003d00);  // 0.5 and 0.03125, twice
  const auto step = [&](F sum) { return add_pairs(sum, factor, term); };
#else
  constexpr int operations = 2;
  const F factor = all<float>(0.999f), term = all<float>(0.001f);
  const auto step = [&](F sum) { return fma(sum, factor, term); };
#endif
  F sum[chains] = {};
  for (Int round = 0; round < rounds; ++round)
#pragma GCC unroll 16
    for (F& s : sum) {
      s = step(s);
      __asm__ volatile("" : "+" UNROLLED_REGISTER (s));  // keep each chain in a register of its own
    }
  return 1.0 * operations * chains * Simd<float>::lanes * static_cast<double>(rounds);
}

#define UNROLLED_TEXT(name) #name
#define UNROLLED_NAME(name) UNROLLED_TEXT(name)

extern const Target target;
const Target target = {UNROLLED_NAME(UNROLLED_TARGET), sizes,   pack_forward, forward, pack_backward,
                       backward,                       add_up_weights, add_up_rest, multiply_adds};

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
