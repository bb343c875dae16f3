// The kernels of one CPU target. Compiled once for each, with UNROLLED_TARGET its name and its own flags; only
// headers of this folder and of C are included, so that no shared inline function is made with these flags.
#include "backward.h"
#include "forward.h"
#include "outer.h"

namespace unrolled {
namespace UNROLLED_TARGET {

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

template <class T>
void outer_of(const OuterProduct& call, Int part) {
  const Int lanes = Simd<T>::lanes, columns = (call.columns + lanes - 1) / lanes * lanes;
  void* memory = __builtin_malloc((kDepth * (columns + kRows)) * sizeof(T) + 64);
  char* aligned = reinterpret_cast<char*>((reinterpret_cast<Int>(memory) + 63) / 64 * 64);
  outer_product_part<T>(call, part, reinterpret_cast<T*>(aligned));
  __builtin_free(memory);
}

void outer_product(const OuterProduct& call, Int part) {
  call.is_double ? outer_of<double>(call, part) : outer_of<float>(call, part);
}

#define UNROLLED_TEXT(name) #name
#define UNROLLED_NAME(name) UNROLLED_TEXT(name)

extern const Target target;
const Target target = {UNROLLED_NAME(UNROLLED_TARGET), sizes,   pack_forward, forward, pack_backward,
                       backward,                       outer_product};

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
