// The one Python module of the native side. Arguments were checked by the Python code that calls in here.
#include <cstring>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "parallel.h"
#include "stream.h"
#include "unrolled/cpu.h"
#include "unrolled/philox.h"
#include "unrolled/pool.h"
#include "unrolled/recurrent.h"

namespace nb = nanobind;

namespace {

// A list of whole numbers, as the struct of 64-bit fields that it stands for.
template <class Struct>
Struct from_numbers(const std::vector<std::int64_t>& numbers) {
  Struct call;
  if (numbers.size() * sizeof(std::int64_t) != sizeof call) throw nb::value_error("wrong count of fields");
  std::memcpy(&call, numbers.data(), sizeof call);
  return call;
}

// Memory of the pool as a tensor; it goes back when the tensor's storage does.
template <class T>
nb::ndarray<nb::pytorch, T, nb::ndim<1>> from_pool(std::size_t count) {
  T* memory = static_cast<T*>(unrolled::pool_take(count * sizeof(T)));
  const nb::capsule owner(memory, [](void* piece) noexcept { unrolled::pool_give(piece); });
  return {memory, {count}, owner};
}

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "Native kernels of unrolled.";
  module.def("cpu_targets", &unrolled::cpu_targets,
             "Names of the kernel targets this CPU runs, best first.");
  module.def("philox4x32", &unrolled::philox4x32, nb::arg("counter"), nb::arg("key"),
             "One block of Philox4x32-10: four 32-bit words.");
  module.def(
      "philox_normal",
      [](std::uint64_t seed, std::uint64_t row, nb::ndarray<float, nb::ndim<1>, nb::c_contig, nb::device::cpu> out) {
        unrolled::philox_normal(seed, row, out.data(), out.size());
      },
      nb::arg("seed"), nb::arg("row"), nb::arg("out"),
      "Fill `out`, float32 (count,), with the standard normal numbers of (seed, row).");

  // Sizes and addresses only: an array made of a torch tensor costs 1.8 us, its address 0.06.
  module.def("call_fields", [] {
#define UNROLLED_FIELD_NAME(name) #name,
    return std::vector<std::string>{UNROLLED_CALL_FIELDS(UNROLLED_FIELD_NAME)};
#undef UNROLLED_FIELD_NAME
  }, "The names of what a recurrent call is made of, in order.");
  module.def(
      "recurrent_forward",
      [](const std::vector<std::int64_t>& fields) {
        const auto call = from_numbers<unrolled::Call>(fields);
        nb::gil_scoped_release release;
        unrolled::recurrent_forward(call);
      },
      nb::arg("fields"), "Run a cell over whole sequences; see native/include/unrolled/recurrent.h.");
  module.def(
      "recurrent_backward",
      [](const std::vector<std::int64_t>& fields) {
        const auto call = from_numbers<unrolled::Call>(fields);
        nb::gil_scoped_release release;
        unrolled::recurrent_backward(call);
      },
      nb::arg("fields"), "Backward through time; see native/include/unrolled/recurrent.h.");
  module.def("has_threads", &unrolled::has_threads, "Whether an OpenMP runtime is in this process; torch brings one.");
  module.def("pooled_float32", &from_pool<float>, nb::arg("count"), nb::rv_policy::reference,
             "A torch tensor of `count` float32 numbers, not set to anything, in memory that is used again.");
  module.def("pooled_float64", &from_pool<double>, nb::arg("count"), nb::rv_policy::reference,
             "The same for float64.");
  module.def("pool_free_bytes", &unrolled::pool_free_bytes, "Bytes the pool holds that no tensor uses.");
  module.def("multiply_add_rate", &unrolled::multiply_add_rate, nb::arg("threads"), nb::arg("is_bf16") = false,
             nb::call_guard<nb::gil_scoped_release>(),
             "Floating-point operations a second of multiply-adds in registers: the peak of this target.");
  module.def("has_bf16", &unrolled::has_bf16, "Whether the target in use has products from bf16.");
  bind_stream(module);
  module.def("recurrent_target", &unrolled::recurrent_target, "The name of the target that kernels run on.");
  module.def("choose_target", &unrolled::choose_target, nb::arg("name"),
             "Take another target; False if it is not here.");
}
