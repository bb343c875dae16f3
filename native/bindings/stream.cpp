// The stream's Python side. `StreamBase` is a plain CPython type, not one of nanobind: a step costs a microsecond, so
// its path is one C call with the buffer protocol. What is not the plain case (rows by name, text, futures, anything
// wrong) goes to the Python method `_step`, which reads and explains it; nothing has changed by then.
#include "stream.h"

#include "machine.h"
#include "rows.h"

namespace nb = nanobind;

namespace {

using unrolled::bindings::Column;
using unrolled::bindings::count_of;
using unrolled::bindings::is_plain;
using unrolled::bindings::kRead;
using unrolled::bindings::kWrite;
using unrolled::bindings::of;
using unrolled::bindings::read_any;
using unrolled::bindings::Stream;
using unrolled::bindings::Sweep;
using unrolled::bindings::View;
using unrolled::stream::Int;
using unrolled::stream::Runner;

PyObject* g_step = nullptr;  // names of Python methods
PyObject* g_copy = nullptr;

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
  const auto* shared = unrolled::bindings::machine_in(machine);
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
  bind_machine(module);
  module.attr("StreamBase") = nb::steal(PyType_FromModuleAndSpec(module.ptr(), &kSpec, nullptr));
}
