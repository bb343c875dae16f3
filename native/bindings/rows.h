// The native half of a stream, and how rows of numbers go into it: one by one, or many in a sweep.
#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include <Python.h>

#include "columns.h"

namespace unrolled {
namespace bindings {

using stream::Runner;

struct Stream {
  PyObject_HEAD
  Runner* runner;       // null: Python runs it
  std::vector<Column>* columns;
  Int history, block, sessions;
  bool takes_rows;      // rows of numbers are all that a step needs
  bool is_running;      // the interpreter's lock was given up while it runs
  bool is_plain;        // all columns are numbers of one input, in its order
  PyObject* answer;     // an array of the answer's shape, float32; copied for each answer
  PyObject* given[2];   // the last answers: one that the caller has let go of serves again
  float* answer_data;
  Py_ssize_t answer_count;
  int answer_axes;
  Py_ssize_t answer_shape[4];
};

inline Stream* of(PyObject* self) { return reinterpret_cast<Stream*>(self); }

// One row into the inputs of the block's row `place`; with `check` only look at it.
template <class T>
bool read_row(const Stream* stream, const char* row, Py_ssize_t step, Int place, bool check) {
  for (const Column& column : *stream->columns) {
    void* input = check || column.value < 0 ? nullptr : stream->runner->input(column.value, place);
    if (!accept(column, *reinterpret_cast<const T*>(row), input)) return false;
    row += step;
  }
  return true;
}

inline bool read_any(const Stream* stream, char format, const char* row, Py_ssize_t step, Int place, bool check) {
  if (stream->is_plain && format == 'f' && step == sizeof(float)) {
    if (!accept_plain(*stream->columns, row)) return false;
    const std::size_t bytes = stream->columns->size() * sizeof(float);
    if (!check) std::memcpy(stream->runner->input(stream->columns->front().value, place), row, bytes);
    return true;
  }
  return format == 'f' ? read_row<float>(stream, row, step, place, check)
                       : read_row<double>(stream, row, step, place, check);
}

inline Py_ssize_t count_of(const Stream* stream) { return static_cast<Py_ssize_t>(stream->columns->size()); }

// The rows of one or more sessions one after the other, or nothing at all if one cannot be read.
struct Sweep {
  Stream* stream;
  const char* rows;
  Py_ssize_t row_step, step;
  char format;
  float* answers;

  bool can_read(Py_ssize_t count) const {
    for (Py_ssize_t t = 0; t < count; ++t)
      if (!read_any(stream, format, rows + t * row_step, step, 0, true)) return false;
    return true;
  }

  void answer(Int place, Py_ssize_t to, bool wanted) const {
    float* out = answers + to * stream->answer_count;
    if (wanted)
      std::memcpy(out, stream->runner->answer(place), stream->answer_count * sizeof(float));
    else
      for (Py_ssize_t i = 0; i < stream->answer_count; ++i) out[i] = NAN;
  }

  // A row that can be read into the inputs of the block's row `place`.
  void read(Py_ssize_t t, Int place) const {
    const char* row = rows + t * row_step;
    if (stream->is_plain && format == 'f' && step == sizeof(float))
      std::memcpy(stream->runner->input(stream->columns->front().value, place), row,
                  stream->columns->size() * sizeof(float));
    else
      read_any(stream, format, row, step, place, false);
  }

  // Row t of one session at its t-th step.
  void along(Py_ssize_t count) const {
    Runner& runner = *stream->runner;
    const Int seen = static_cast<Int>(runner.rows(0));
    for (Py_ssize_t t = 0; t < count; ++t) {
      read(t, 0);
      const bool wanted = seen + t + 1 >= stream->history;
      runner.run(0, 1, wanted);
      answer(0, t, wanted);
    }
  }

  // Row t of session numbers[t], or of session t without numbers; neighbours are stepped together.
  void across(Py_ssize_t count, const Int* numbers) const {
    Runner& runner = *stream->runner;
    for (Py_ssize_t t = 0; t < count;) {
      const Int first = numbers ? numbers[t] : t;
      Int many = 0;
      bool wanted = false;
      while (t + many < count && many < stream->block && (!numbers || numbers[t + many] == first + many)) {
        read(t + many, many);
        wanted = wanted || static_cast<Int>(runner.rows(first + many)) + 1 >= stream->history;
        ++many;
      }
      runner.run(first, many, wanted);
      for (Int i = 0; i < many; ++i) answer(i, t + i, static_cast<Int>(runner.rows(first + i)) >= stream->history);
      t += many;
    }
  }
};

}  // namespace bindings
}  // namespace unrolled
