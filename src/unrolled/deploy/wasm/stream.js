// MODEL_NAME: a recurrent network as a stream. Written by unrolled.
//
//   import { open } from "./MODEL_NAME.js";
//   const stream = await open();
//   const answer = stream.step(row);   // row: { column: value, ... }; a Float32Array, or null while it waits
//
// Numbers are in the units of the training data; null is missing. A word is a string, a time a Date, an ISO text
// or microseconds since 1970. `model.shape` is the answer's shape, the last axis fastest.

export const model = MODEL_CARD;

/** Open a stream. `source`: the URL or the bytes of the .wasm file; `series`: whose rows will come. */
export async function open({ source = new URL("./MODEL_NAME.wasm", import.meta.url), series = null } = {}) {
  const { instance } = await WebAssembly.instantiate(await bytesOf(source), {});
  return new Stream(instance.exports, seriesCode(series));
}

async function bytesOf(source) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return source;
  const url = new URL(source, import.meta.url);
  if (url.protocol === "file:") return (await import("node:fs/promises")).readFile(url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: expected the model, got HTTP ${response.status}. Serve it beside the page.`);
  return response.arrayBuffer();
}

function seriesCode(series) {
  if (!model.needsSeries) return 0;
  const code = typeof series === "string" ? model.series.indexOf(series) : series;
  const known = model.series.length ? model.series.join(", ") : "a whole number";
  if (!Number.isInteger(code) || code < 0) throw new Error(`series: expected ${known}, got ${series}. Say whose rows these are.`);
  return code;
}

export class Stream {
  constructor(exports, series) {
    this.exports = exports;
    this.series = series;
    this.size = model.shape.reduce((a, b) => a * b, 1);
    this.reset();
  }

  /** Forget every row. */
  reset() {
    this.exports.init(this.series);
  }

  /** Take a row and answer. `ahead`: the known columns of the next rows, where the model has some. */
  step(row, ahead = null) {
    this.write(this.exports.row_at(), [row], model.columns);
    if (model.ahead.length) {
      if (ahead === null || ahead.length !== model.horizon) {
        const got = ahead === null ? "none" : ahead.length;
        throw new Error(`ahead: expected the next ${model.horizon} rows, got ${got}. Pass their known columns.`);
      }
      this.write(this.exports.ahead_at(), ahead, model.ahead);
    }
    const status = this.exports.step();
    if (status < 0) this.refuse(status, row);
    if (status === 0) return null;
    return new Float32Array(this.exports.memory.buffer, this.exports.answer_at(), this.size).slice();
  }

  /** The state as bytes, for `restore` on a stream of the same file. */
  get state() {
    return new Uint8Array(this.exports.memory.buffer, this.exports.state_at(), this.exports.state_bytes()).slice();
  }

  restore(bytes) {
    const size = this.exports.state_bytes();
    if (bytes.length !== size) throw new Error(`state: expected ${size} bytes, got ${bytes.length}. Pass what state gave.`);
    new Uint8Array(this.exports.memory.buffer, this.exports.state_at(), size).set(bytes);
  }

  write(place, rows, columns) {
    const numbers = new Float64Array(this.exports.memory.buffer, place, rows.length * columns.length);
    rows.forEach((row, r) => columns.forEach((column, c) => {
      numbers[r * columns.length + c] = asNumber(column, Array.isArray(row) ? row[c] : row[column.name]);
    }));
  }

  refuse(status, row) {
    const column = [...model.columns, ...model.ahead].find((one) => one.error === status);
    const got = Array.isArray(row) ? "" : `, got ${row[column.name]}`;
    throw new Error(`column '${column.name}': expected a value that the model was trained for${got}. Correct the row.`);
  }
}

function asNumber(column, value) {
  if (column.kind === "stamp") {
    const stamp = typeof value === "string" ? Date.parse(/Z|[+-]\d\d:?\d\d$/.test(value) ? value : value + "Z") * 1000
      : value instanceof Date ? value.getTime() * 1000 : value;
    if (!Number.isFinite(stamp)) throw new Error(`column '${column.name}': expected a time, got ${value}. Write 2024-05-01T06:00.`);
    return stamp;
  }
  if (column.kind === "word") return typeof value === "string" ? column.words.indexOf(value) + 1 : value ?? 0;
  return value === null || value === undefined ? NaN : Number(value);
}
