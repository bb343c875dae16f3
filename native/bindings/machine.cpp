#include "machine.h"

#include <string>
#include <tuple>
#include <vector>

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;

namespace {

using unrolled::stream::Int;
using unrolled::stream::Machine;
using unrolled::stream::NodeSpec;
using unrolled::stream::ProgramSpec;

constexpr const char* kMachine = "unrolled.stream.machine";
typedef std::shared_ptr<const Machine> Shared;

// (kind, inputs, output, states, ints, floats, addresses, every, body)
NodeSpec node_of(nb::handle item) {
  const nb::tuple fields = nb::cast<nb::tuple>(item);
  NodeSpec node;
  node.kind = nb::cast<std::string>(fields[0]);
  node.inputs = nb::cast<std::vector<Int>>(fields[1]);
  node.output = nb::cast<Int>(fields[2]);
  node.states = nb::cast<std::vector<Int>>(fields[3]);
  node.ints = nb::cast<std::vector<Int>>(fields[4]);
  node.floats = nb::cast<std::vector<double>>(fields[5]);
  for (const Int address : nb::cast<std::vector<Int>>(fields[6])) node.arrays.push_back(reinterpret_cast<const void*>(address));
  node.every = nb::cast<bool>(fields[7]);
  for (nb::handle inner : nb::cast<nb::list>(fields[8])) node.body.push_back(node_of(inner));
  return node;
}

nb::object make_machine(const std::vector<std::tuple<Int, bool, Int>>& values, nb::list nodes,
                        const std::vector<Int>& states, const std::tuple<Int, Int, Int>& places, std::uint64_t seed) {
  ProgramSpec spec;
  for (const auto& [size, is_int, address] : values)
    spec.values.push_back({size, is_int, reinterpret_cast<const void*>(address)});
  for (nb::handle node : nodes) spec.nodes.push_back(node_of(node));
  spec.states = states;
  std::tie(spec.output, spec.noise, spec.series) = places;
  spec.seed = seed;
  auto* shared = new Shared(std::make_shared<Machine>(spec));
  return nb::steal(PyCapsule_New(shared, kMachine, [](PyObject* capsule) {
    delete static_cast<Shared*>(PyCapsule_GetPointer(capsule, kMachine));
  }));
}

}  // namespace

const Shared* unrolled::bindings::machine_in(PyObject* capsule) {
  return static_cast<const Shared*>(PyCapsule_GetPointer(capsule, kMachine));
}

void bind_machine(nb::module_& module) {
  module.def("stream_machine", &make_machine, nb::arg("values"), nb::arg("nodes"), nb::arg("states"), nb::arg("places"),
             nb::arg("seed"), "A program as the native stream runs it; see unrolled/runtime/machine.py.");
}
