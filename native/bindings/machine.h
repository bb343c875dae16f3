// A program as the native stream runs it, on its way from Python.
#pragma once

#include <memory>

#include <nanobind/nanobind.h>

#include "unrolled/stream.h"

namespace unrolled {
namespace bindings {

// The machine in a capsule, which goes on owning it; null, with Python's error set, where there is none.
const std::shared_ptr<const stream::Machine>* machine_in(PyObject* capsule);

}  // namespace bindings
}  // namespace unrolled

void bind_machine(nanobind::module_& module);
