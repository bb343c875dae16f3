// Activations of whole vectors of a stream. Included by target.cpp only.
#pragma once

#include "activation.h"

namespace unrolled {
namespace stream {
namespace UNROLLED_TARGET {

// sum of s^(2k+1) / (2k+1), doubled: the logarithm of (1 + s) / (1 - s).
template <int Terms>
UNROLLED_INLINE F twice_artanh(F s) {
  const F q = s * s;
  F p = all<float>(1.0f / (2 * Terms - 1));
#pragma GCC unroll 8
  for (int k = Terms - 1; k >= 1; --k) p = fma(p, q, all<float>(1.0f / (2 * k - 1)));
  return (s + s) * p;
}

UNROLLED_INLINE F softplus(F x) {
  const I32 sign = (I32)all<float>(-0.0f);
  const F e = exponential((F)((I32)x | sign));
  const F zero{}, above = x > zero ? x : (x <= zero ? zero : x);  // a NaN stays one
  return above + twice_artanh<8>(e / (e + 2.0f));
}

// Of v >= 1.
UNROLLED_INLINE F logarithm(F v) {
  const I32 half = (I32)all<float>(0.70710677f);
  const I32 bits = (I32)v - half;
  const I32 n = bits >> 23;
  const F m = (F)((bits & 0x7fffff) + half);
  return fma(__builtin_convertvector(n, F), all<float>(0.6931472f), twice_artanh<5>((m - 1.0f) / (m + 1.0f)));
}

UNROLLED_INLINE F applied(int function, F x) {
  switch (function) {
    case kTanh: return tanh(x);
    case kSigmoid: return sigmoid(x);
    case kExp: return exponential(x);
    case kSoftplus: return softplus(x);
    default: return x <= F{} ? F{} : x;
  }
}

void activate(int function, const float* x, float* y, Int count) {
  Int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, applied(function, load(x + i)));
  if (i == count) return;
  alignas(64) float rest[kLanes] = {};
  for (Int j = i; j < count; ++j) rest[j - i] = x[j];
  store(rest, applied(function, load(rest)));
  for (Int j = i; j < count; ++j) y[j] = rest[j - i];
}

void softmax(const float* x, float* y, Int count, bool is_log) {
  float most = x[0];
  for (Int i = 1; i < count; ++i) most = x[i] > most || x[i] != x[i] ? x[i] : most;
  float sum = 0;
  for (Int i = 0; i < count; i += kLanes) {
    const Int many = count - i < kLanes ? count - i : kLanes;
    alignas(64) float part[kLanes] = {};
    for (Int j = 0; j < many; ++j) part[j] = x[i + j] - most;
    const F shifted = load(part);
    store(part, exponential(shifted));
    for (Int j = 0; j < many; ++j) sum += part[j];
    if (is_log) store(part, shifted);
    for (Int j = 0; j < many; ++j) y[i + j] = part[j];
  }
  const float log_sum = is_log ? logarithm(all<float>(sum))[0] : 0;
  for (Int i = 0; i < count; ++i) y[i] = is_log ? y[i] - log_sum : y[i] / sum;
}

}  // namespace UNROLLED_TARGET
}  // namespace stream
}  // namespace unrolled
