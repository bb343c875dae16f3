// The stream's Python side. `StreamBase` is a plain CPython type, not one of nanobind: a step costs a microsecond, so
// its path is one C call with the buffer protocol. What is not the plain case (rows by name, text, futures, anything
// wrong) goes to the Python method `_step`, which reads and explains it; nothing has changed by then.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "columns.h"
#include "stream.h"

namespace nb = nanobind;

namespace {

using unrolled::bindings::accept;
using unrolled::bindings::accept_plain;
using unrolled::bindings::Column;
using unrolled::bindings::is_plain;
using unrolled::bindings::kMayMiss;
using unrolled::bindings::kRead;
using unrolled::bindings::kWrite;
using unrolled::bindings::View;
using unrolled::stream::Int;
using unrolled::stream::Machine;
using unrolled::stream::NodeSpec;
using unrolled::stream::ProgramSpec;
using unrolled::stream::Runner;
using unrolled::stream::ValueSpec;

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

Stream* of(PyObject* self) { return reinterpret_cast<Stream*>(self); }

PyObject* g_step = nullptr;  // names of Python methods
PyObject* g_copy = nullptr;

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

bool read_any(const Stream* stream, char format, const char* row, Py_ssize_t step, Int place, bool check) {
  if (stream->is_plain && format == 'f' && step == sizeof(float)) {
    if (!accept_plain(*stream->columns, row)) return false;
    const std::size_t bytes = stream->columns->size() * sizeof(float);
    if (!check) std::memcpy(stream->runner->input(stream->columns->front().value, place), row, bytes);
    return true;
  }
  return format == 'f' ? read_row<float>(stream, row, step, place, check)
                       : read_row<double>(stream, row, step, place, check);
}

Py_ssize_t count_of(const Stream* stream) { return static_cast<Py_ssize_t>(stream->columns->size()); }

bool is_busy(const Stream* stream) {
  if (stream->is_running) PyErr_SetString(PyExc_RuntimeError, "stream: expected one thread at a time, got a second. Give each its own stream.");
  return stream->is_running;
}

PyObject* step_in_python(PyObject* self, PyObject* row, PyObject* future, PyObject* out) {
  PyObject* const given[] = {self, row, future, out};
  return PyObject_VectorcallMethod(g_step, given, 4 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
}

// An array with the answer: one of the last two if nobody else holds it any more, else a new one.
PyObject* new_answer(Stream* stream) {
  const float* from = stream->runner->answer(0);
  for (PyObject* held : stream->given)
    if (held && Py_REFCNT(held) == 1) {
      const View to(held, kWrite);
      if (!to.has_shape(stream->answer_axes, stream->answer_shape)) continue;
      std::memcpy(to->buf, from, stream->answer_count * sizeof(float));
      return Py_NewRef(held);
    }
  std::memcpy(stream->answer_data, from, stream->answer_count * sizeof(float));
  PyObject* made = PyObject_CallMethodNoArgs(stream->answer, g_copy);
  if (!made) return nullptr;
  Py_XDECREF(stream->given[1]);
  stream->given[1] = stream->given[0];
  stream->given[0] = Py_NewRef(made);
  return made;
}

// Whether the row could be read and the answer, if there is one, could go where it is wanted.
bool step_natively(Stream* stream, PyObject* row, PyObject* out, PyObject** answer) {
  const View view(row, kRead);
  if (!view.is(1, "fd") || view->shape[0] != count_of(stream)) return false;
  const char* start = static_cast<const char*>(view->buf);
  Runner& runner = *stream->runner;
  if (out != Py_None) {
    const View to(out, kWrite);
    if (!to.has_shape(stream->answer_axes, stream->answer_shape) || !read_any(stream, view->format[0], start, view->strides[0], 0, false)) return false;
    const bool wanted = static_cast<Int>(runner.rows(0)) + 1 >= stream->history;
    runner.run(0, 1, wanted);
    if (wanted) std::memcpy(to->buf, runner.answer(0), stream->answer_count * sizeof(float));
    *answer = Py_NewRef(wanted ? out : Py_None);
    return true;
  }
  if (!read_any(stream, view->format[0], start, view->strides[0], 0, false)) return false;
  if (static_cast<Int>(runner.rows(0)) + 1 < stream->history) {
    runner.run(0, 1, false);
    *answer = Py_NewRef(Py_None);
    return true;
  }
  runner.run(0, 1, true);
  *answer = new_answer(stream);
  return true;
}

// step(row, future=None, out=None)
PyObject* step(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* names) {
  PyObject* row = nullptr;
  PyObject* future = Py_None;
  PyObject* out = Py_None;
  PyObject** const places[] = {&row, &future, &out};
  if (count > 3) return PyErr_Format(PyExc_TypeError, "step() takes 1 to 3 arguments, got %zd", count);
  for (Py_ssize_t i = 0; i < count; ++i) *places[i] = given[i];
  for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
    PyObject* name = PyTuple_GET_ITEM(names, i);
    const int place = PyUnicode_CompareWithASCIIString(name, "out") == 0      ? 2
                      : PyUnicode_CompareWithASCIIString(name, "future") == 0 ? 1
                      : PyUnicode_CompareWithASCIIString(name, "row") == 0    ? 0
                                                                              : -1;
    if (place < 0 || place < count) return PyErr_Format(PyExc_TypeError, "step() got an unexpected argument '%U'", name);
    *places[place] = given[count + i];
  }
  if (!row) return PyErr_Format(PyExc_TypeError, "step() needs a row");
  Stream* stream = of(self);
  if (is_busy(stream)) return nullptr;
  PyObject* answer = nullptr;
  if (stream->takes_rows && future == Py_None && step_natively(stream, row, out, &answer)) return answer;
  return step_in_python(self, row, future, out);
}

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

// _sweep(rows, out, sessions): whether the rows could be read; with sessions None they are of session 0, one after the
// other; with an empty array of each session; else of the sessions it numbers (each once; checked by the caller).
PyObject* sweep(PyObject* self, PyObject* const* given, Py_ssize_t count) {
  Stream* stream = of(self);
  if (count != 3) return PyErr_Format(PyExc_TypeError, "_sweep() takes 3 arguments");
  if (is_busy(stream)) return nullptr;
  const View rows(given[0], kRead), out(given[1], kWrite);
  if (!stream->takes_rows || !rows.is(2, "fd") || rows->shape[1] != count_of(stream)) Py_RETURN_FALSE;
  const Sweep work{stream,           static_cast<const char*>(rows->buf), rows->strides[0], rows->strides[1],
                   rows->format[0], static_cast<float*>(out->buf)};
  const Py_ssize_t length = rows->shape[0];
  bool is_done = false;
  if (given[2] == Py_None) {
    stream->is_running = true;
    Py_BEGIN_ALLOW_THREADS;
    is_done = work.can_read(length);
    if (is_done) work.along(length);
    Py_END_ALLOW_THREADS;
  } else {
    const View numbers(given[2], PyBUF_FORMAT | PyBUF_C_CONTIGUOUS);
    stream->is_running = true;
    Py_BEGIN_ALLOW_THREADS;
    is_done = work.can_read(length);
    if (is_done) work.across(length, numbers->len ? static_cast<const Int*>(numbers->buf) : nullptr);
    Py_END_ALLOW_THREADS;
  }
  stream->is_running = false;
  return PyBool_FromLong(is_done);
}

// _advance_rows(inputs, count, every, out): rows of session 0 out of arrays, one for each input: (value, address, bytes of a
// row, bytes to the next row). With `every` an answer for each row goes to `out`, else that of the last row.
PyObject* advance(PyObject* self, PyObject* const* given, Py_ssize_t count) {
  Stream* stream = of(self);
  if (count != 4) return PyErr_Format(PyExc_TypeError, "_advance_rows() takes 4 arguments");
  if (is_busy(stream)) return nullptr;
  struct Source {
    Int value, address, bytes, stride;
  };
  std::vector<Source> sources;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given[0]); ++i) {
    Source source;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(given[0], i), "LLLL", &source.value, &source.address, &source.bytes, &source.stride))
      return nullptr;
    sources.push_back(source);
  }
  const Py_ssize_t rows = PyLong_AsSsize_t(given[1]);
  const bool every = PyObject_IsTrue(given[2]);
  const View out(given[3], kWrite);
  float* to = static_cast<float*>(out->buf);
  Runner& runner = *stream->runner;
  stream->is_running = true;
  Py_BEGIN_ALLOW_THREADS;
  for (Py_ssize_t t = 0; t < rows; ++t) {
    for (const Source& source : sources)
      std::memcpy(runner.input(source.value, 0), reinterpret_cast<const char*>(source.address) + t * source.stride,
                  source.bytes);
    const bool wanted = (every || t == rows - 1) && static_cast<Int>(runner.rows(0)) + 1 >= stream->history;
    runner.run(0, 1, wanted);
    float* answer = every ? to + t * stream->answer_count : to;
    if (wanted)
      std::memcpy(answer, runner.answer(0), stream->answer_count * sizeof(float));
    else if (every)
      for (Py_ssize_t i = 0; i < stream->answer_count; ++i) answer[i] = NAN;
  }
  Py_END_ALLOW_THREADS;
  stream->is_running = false;
  Py_RETURN_NONE;
}

// _bind(machine, columns, history, sessions, block, takes_rows, answer)
PyObject* bind(PyObject* self, PyObject* arguments) {
  Stream* stream = of(self);
  PyObject *machine, *columns, *answer;
  long long history, sessions, block;
  int takes_rows;
  if (!PyArg_ParseTuple(arguments, "OOLLLpO", &machine, &columns, &history, &sessions, &block, &takes_rows, &answer))
    return nullptr;
  const auto* shared = static_cast<Shared*>(PyCapsule_GetPointer(machine, kMachine));
  if (!shared || is_busy(stream)) return nullptr;
  const View view(answer, kWrite);
  if (!view.is(view->ndim, "f") || view->ndim > 4) return PyErr_Format(PyExc_ValueError, "answer");
  auto* list = new std::vector<Column>;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(columns); ++i) {
    Column column;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(columns, i), "LLLL", &column.value, &column.place, &column.kind, &column.most)) {
      delete list;
      return nullptr;
    }
    list->push_back(column);
  }
  delete stream->runner;
  delete stream->columns;
  stream->runner = new Runner(*shared, sessions, block);
  stream->columns = list;
  stream->history = history;
  stream->sessions = sessions;
  stream->block = block;
  stream->takes_rows = takes_rows;
  stream->is_plain = is_plain(*list);
  Py_XSETREF(stream->answer, Py_NewRef(answer));
  stream->answer_data = static_cast<float*>(view->buf);
  stream->answer_count = view->len / static_cast<Py_ssize_t>(sizeof(float));
  stream->answer_axes = view->ndim;
  std::memcpy(stream->answer_shape, view->shape, view->ndim * sizeof(Py_ssize_t));
  Py_RETURN_NONE;
}

// _save(session) -> (rows, series, bytes)
PyObject* save(PyObject* self, PyObject* number) {
  Stream* stream = of(self);
  const Py_ssize_t session = PyLong_AsSsize_t(number);
  if (is_busy(stream)) return nullptr;
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, stream->runner->state_size() * sizeof(float));
  if (!bytes) return nullptr;
  stream->runner->save(session, reinterpret_cast<float*>(PyBytes_AS_STRING(bytes)));
  return Py_BuildValue("(KKN)", stream->runner->rows(session), stream->runner->series(session), bytes);
}

// _load(session, rows, series, bytes)
PyObject* load(PyObject* self, PyObject* arguments) {
  Stream* stream = of(self);
  Py_ssize_t session;
  unsigned long long rows, series;
  Py_buffer bytes;
  if (is_busy(stream) || !PyArg_ParseTuple(arguments, "nKKy*", &session, &rows, &series, &bytes)) return nullptr;
  std::vector<float> numbers(bytes.len / sizeof(float) + 1);
  std::memcpy(numbers.data(), bytes.buf, bytes.len);
  const bool fits = bytes.len == static_cast<Py_ssize_t>(stream->runner->state_size() * sizeof(float));
  PyBuffer_Release(&bytes);
  if (!fits) return PyErr_Format(PyExc_ValueError, "state");
  stream->runner->load(session, numbers.data(), rows, series);
  Py_RETURN_NONE;
}

PyObject* rows_seen(PyObject* self, PyObject* number) {
  return PyLong_FromUnsignedLongLong(of(self)->runner->rows(PyLong_AsSsize_t(number)));
}

void dealloc(PyObject* self) {
  Stream* stream = of(self);
  PyTypeObject* type = Py_TYPE(self);
  delete stream->runner;
  delete stream->columns;
  Py_XDECREF(stream->answer);
  for (PyObject* held : stream->given) Py_XDECREF(held);
  type->tp_free(self);
  Py_DECREF(type);
}

const char kStepDoc[] =
    "step(row, future=None, out=None)\n--\n\n"
    "Take one row and answer; None while the first window is not full.\n\n"
    "`future` holds the next `horizon` rows of the known columns, a mapping or an array; it is needed only\n"
    "where the model has known columns, and not before the stream is ready. `out`, where given, receives\n"
    "the answer. A row as a float32 array in the order of `columns` is the fastest.\n"
    "Raises: DataError, ShapeError; the state is then as it was.";

PyMethodDef kMethods[] = {
    {"step", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(step)), METH_FASTCALL | METH_KEYWORDS, kStepDoc},
    {"_sweep", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(sweep)), METH_FASTCALL, nullptr},
    {"_advance_rows", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(advance)), METH_FASTCALL, nullptr},
    {"_bind", bind, METH_VARARGS, nullptr},
    {"_save", save, METH_O, nullptr},
    {"_load", load, METH_VARARGS, nullptr},
    {"_rows_seen", rows_seen, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("What a stream does natively; see unrolled.runtime.Stream.")},
    {Py_tp_methods, kMethods},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_new, reinterpret_cast<void*>(PyType_GenericNew)},
    {0, nullptr},
};

PyType_Spec kSpec = {"unrolled._native.StreamBase", sizeof(Stream), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kSlots};

}  // namespace

void bind_stream(nb::module_& module) {
  g_step = PyUnicode_InternFromString("_step");
  g_copy = PyUnicode_InternFromString("copy");
  module.def("stream_machine", &make_machine, nb::arg("values"), nb::arg("nodes"), nb::arg("states"), nb::arg("places"),
             nb::arg("seed"), "A program as the native stream runs it; see unrolled/runtime/machine.py.");
  module.attr("StreamBase") = nb::steal(PyType_FromModuleAndSpec(module.ptr(), &kSpec, nullptr));
}
