// What a row of numbers may hold, column by column, and how it is looked at.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <Python.h>

#include "unrolled/stream.h"

namespace unrolled {
namespace bindings {

using stream::Int;

enum ColumnKind { kFinite, kMayMiss, kCode, kStamp };

// A column of a row of numbers: the input it goes to (-1: it is only checked) and its place there.
struct Column {
  Int value, place, kind, most;  // most: of a code
};

// A buffer for as long as it is looked at.
class View {
 public:
  View(PyObject* from, int flags) : held_(PyObject_GetBuffer(from, &view_, flags) == 0) {
    if (!held_) PyErr_Clear();
  }
  ~View() {
    if (held_) PyBuffer_Release(&view_);
  }
  View(const View&) = delete;

  bool is(int axes, const char* formats) const {
    return held_ && view_.ndim == axes && view_.format && !view_.format[1] && std::strchr(formats, view_.format[0]);
  }
  bool has_shape(int axes, const Py_ssize_t* shape) const {
    return is(axes, "f") && !std::memcmp(view_.shape, shape, axes * sizeof(Py_ssize_t));
  }
  const Py_buffer* operator->() const { return &view_; }

 private:
  Py_buffer view_;
  bool held_;
};

constexpr int kRead = PyBUF_FORMAT | PyBUF_STRIDES;
constexpr int kWrite = PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE;

// Whether a number may stand in its column, and then in the input it goes to.
template <class T>
bool accept(const Column& column, T given, void* input) {
  switch (column.kind) {
    case kFinite:
    case kMayMiss: {
      const float number = static_cast<float>(given);
      if (column.kind == kMayMiss ? std::isinf(number) : !std::isfinite(number)) return false;
      if (input) static_cast<float*>(input)[column.place] = number;
      return true;
    }
    case kCode: {
      const T code = std::isnan(given) ? 0 : given;
      if (!(code >= 0 && code <= static_cast<T>(column.most)) || code != std::floor(code)) return false;
      if (input) static_cast<Int*>(input)[column.place] = static_cast<Int>(code);
      return true;
    }
    default:
      if (sizeof(T) < 8 || !(std::fabs(given) < 9e18)) return false;  // float32 does not hold microseconds
      if (input) static_cast<Int*>(input)[column.place] = static_cast<Int>(given);
      return true;
  }
}

// Whether a plain row of float32 may be taken; kMayMiss alone takes a NaN.
inline bool accept_plain(const std::vector<Column>& columns, const char* row) {
  constexpr std::uint32_t infinite = 0x7f800000u;
  const bool may_miss = columns.front().kind == kMayMiss;
  bool is_wrong = false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, row + i * sizeof(float), sizeof bits);
    bits &= 0x7fffffffu;
    is_wrong |= may_miss ? bits == infinite : bits >= infinite;
  }
  return !is_wrong;
}

// Whether all columns are numbers of one input, in its order.
inline bool is_plain(const std::vector<Column>& columns) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Column &column = columns[i], &first = columns.front();
    if (column.kind > kMayMiss || column.kind != first.kind || column.value != first.value || column.value < 0 ||
        column.place != static_cast<Int>(i))
      return false;
  }
  return !columns.empty();
}

}  // namespace bindings
}  // namespace unrolled
