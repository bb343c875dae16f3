// The stream's part of the Python module.
#pragma once

#include <nanobind/nanobind.h>

void bind_stream(nanobind::module_& module);
