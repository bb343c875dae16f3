// The one Python module of the native side. Arguments were checked by the Python code that calls in here.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "unrolled/cpu.h"
#include "unrolled/philox.h"

namespace nb = nanobind;

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
}
