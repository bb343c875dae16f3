// The kernels of one CPU target. Compiled once for each, with UNROLLED_TARGET its name and its own flags; only
// headers of this folder and of C are included, so that no shared inline function is made with these flags.
#include "forward.h"
#include "gradients.h"

#if defined(__x86_64__)
#define UNROLLED_REGISTER "v"
#else
#define UNROLLED_REGISTER "w"
#endif

namespace unrolled {
namespace UNROLLED_TARGET {

template <class T>
void sizes_of(const Job& job, bool backward, Int* shared, Int* scratch) {
  if (backward) {
    *shared = BackwardShared<T>(Layout<T>(job), Arena{nullptr}).bytes;
    const Int time = Backward<T>(job, 0).bytes, products = Gradients<T>(job, 0).bytes;
    *scratch = time > products ? time : products;
  } else {
    *shared = ForwardShared<T>(Layout<T>(job), Arena{nullptr}).bytes;
    *scratch = Forward<T>(job, 0).bytes;
  }
}

void sizes(const Job& job, bool backward, Int* shared, Int* scratch) {
  job.call->is_double ? sizes_of<double>(job, backward, shared, scratch)
                      : sizes_of<float>(job, backward, shared, scratch);
}

template <class T, template <class> class Shared>
void pack_of(const Job& job) {
  const Layout<T> layout(job);
  Shared<T>(layout, Arena{job.shared}).pack(layout);
}

void pack_forward(const Job& job) {
  job.call->is_double ? pack_of<double, ForwardShared>(job) : pack_of<float, ForwardShared>(job);
}

void pack_backward(const Job& job) {
  job.call->is_double ? pack_of<double, BackwardShared>(job) : pack_of<float, BackwardShared>(job);
}

void forward(const Job& job, Int part) {
  job.call->is_double ? Forward<double>(job, part).run() : Forward<float>(job, part).run();
}

void backward(const Job& job, Int part) {
  job.call->is_double ? Backward<double>(job, part).run() : Backward<float>(job, part).run();
}

void gradients(const Job& job, Int part) {
  job.call->is_double ? Gradients<double>(job, part).run() : Gradients<float>(job, part).run();
}

void add_up(const Job& job) {
  job.call->is_double ? Gradients<double>(job, 0).add_up() : Gradients<float>(job, 0).add_up();
}

double multiply_adds(Int rounds) {
  constexpr int chains = 12;
  F sum[chains] = {}, factor = all<float>(0.999f), term = all<float>(0.001f);
  for (Int round = 0; round < rounds; ++round)
#pragma GCC unroll 16
    for (F& s : sum) {
      s = fma(s, factor, term);
      __asm__ volatile("" : "+" UNROLLED_REGISTER (s));  // keep each chain in a register of its own
    }
  return 2.0 * chains * Simd<float>::lanes * static_cast<double>(rounds);
}

#define UNROLLED_TEXT(name) #name
#define UNROLLED_NAME(name) UNROLLED_TEXT(name)

extern const Target target;
const Target target = {UNROLLED_NAME(UNROLLED_TARGET), sizes,   pack_forward, forward, pack_backward,
                       backward,                       gradients, add_up, multiply_adds};

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
