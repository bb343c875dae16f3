// One row of a batch at one step, as a cell's equations see it. All arrays have W numbers (`gates` and `dgates`
// S*W), whole vectors; the numbers behind H are 0 and stay 0.
#pragma once

#include "activation.h"

namespace unrolled {
namespace UNROLLED_TARGET {

typedef std::int64_t Int;

template <class T>
struct Row {
  T* gates;         // in: the sums before activation; out: the gates, where they are saved
  const T* h;       // in: h' and c' before the step
  const T* c;
  T* h_next;        // out
  T* c_next;
  const T* keep_h;  // in: zoneout's shares of the old state; null without
  const T* keep_c;
};

template <class T>
struct RowBack {
  const T* gates;   // in: as saved
  const T* h;       // in: h' and c' before the step
  const T* c;
  const T* dy;      // in: may be null
  const T* keep_h;  // in: may be null
  const T* keep_c;
  T* dh;            // in: the gradient of h from later steps; out: that part of the gradient of h' that passes by
  T* dc;            //     the recurrent product; dc in the same way
  T* dgates;        // out: the gradients of the sums before activation
  T* dhs;           // out: the whole gradient of h at this step; may be null
};

template <class T>
UNROLLED_INLINE Vec<T> mixed(const T* keep, Int j, Vec<T> before, Vec<T> after) {
  if (!keep) return after;
  const Vec<T> k = load(keep + j);
  return k * before + (T(1) - k) * after;
}

// The whole gradient of h at j, and after it the two shares of a mix: what passes to the old value, what to the new.
template <class T>
UNROLLED_INLINE Vec<T> whole_dh(const RowBack<T>& row, Int j) {
  const Vec<T> dh = row.dy ? load(row.dh + j) + load(row.dy + j) : load(row.dh + j);
  if (row.dhs) store(row.dhs + j, dh);
  return dh;
}

template <class T>
UNROLLED_INLINE void share(const T* keep, Int j, Vec<T> whole, Vec<T>& before, Vec<T>& after) {
  const Vec<T> k = keep ? load(keep + j) : Vec<T>{};
  before = keep ? k * whole : Vec<T>{};
  after = keep ? whole - before : whole;
}

template <class T>
UNROLLED_INLINE void put(const RowBack<T>& row, Int at, Vec<T> gradient) {
  store(row.dgates + at, gradient);
}

}  // namespace UNROLLED_TARGET
}  // namespace unrolled
