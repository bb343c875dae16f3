// The recurrence over whole sequences, forward and backward through time, for Elman networks, LSTMs and GRUs.
//
// Keys: B batch · T time · I input · H hidden · G gates (Elman 1, LSTM 4, GRU 3) · W = H rounded up to whole
// cache lines (16 floats, 8 doubles) · S column blocks a row of gates has (Elman 1, LSTM 4, GRU 4).
//
// A call is a list of 64-bit integers, sizes and addresses, in the order of the list below; 0 is "none".
// The caller owns every array, and no two of them overlap. Everything is float32 (or float64 where
// `is_double`), but for int64 `lengths`. Nothing is checked here: kernels/native.py does.
//
// Packed rows. What training saves has one row for every valid step of every sequence and none for padding. The
// sequences are sorted by length, longest first; row number offsets[s] + q belongs to running step s of the
// sequence at sorted place q.
#pragma once

#include <cstdint>
#include <string>

// clang-format off
#define UNROLLED_CALL_FIELDS(FIELD)                                                                               \
  /* What to run. cell: 0 Elman tanh, 1 Elman relu, 2 LSTM, 3 GRU, 4 GRU with the reset before the product. */    \
  /* is_bf16: float32 arrays, whose products are made of numbers rounded to bf16. */                             \
  FIELD(cell) FIELD(is_double) FIELD(is_bf16) FIELD(reverse) FIELD(threads)                                       \
  FIELD(time) FIELD(batch) FIELD(input) FIELD(hidden)                                                             \
  /* In, both ways. x (T, B, I) with the strides of its first two axes; h0, c0 (B, H), 0 for zeros; mask */       \
  /* (B, H); weights in the order of torch.nn; lengths (B,), each in 0..T; keep_h, keep_c (T, B, H) with */       \
  /* strides. */                                                                                                  \
  FIELD(x) FIELD(h0) FIELD(c0)                                                                                    \
  FIELD(weight_ih) FIELD(weight_hh) FIELD(bias_ih) FIELD(bias_hh) FIELD(gain_ih) FIELD(gain_hh)                   \
  FIELD(lengths) FIELD(mask) FIELD(keep_h) FIELD(keep_c)                                                          \
  FIELD(x_stride_t) FIELD(x_stride_b) FIELD(keep_h_stride_t) FIELD(keep_h_stride_b)                               \
  FIELD(keep_c_stride_t) FIELD(keep_c_stride_b)                                                                   \
  /* Out, forward: y (B, T, H), every element written; hn, cn (B, H). */                                          \
  FIELD(y) FIELD(hn) FIELD(cn)                                                                                    \
  /* Saved by forward for backward, each (T*B, ...), only the packed rows written; all 0 for inference. */        \
  /* gates (S*W) after activation; hs, cs (W) the state before a step; ms (W) the masked h, with a mask; */       \
  /* rs (W) the reset and masked h, for cell 4; with gains xs, us (G*W) the two normalised products and */        \
  /* scales (2*G) their 1/deviation. */                                                                           \
  FIELD(gates) FIELD(hs) FIELD(cs) FIELD(ms) FIELD(rs) FIELD(xs) FIELD(us) FIELD(scales)                          \
  /* In, backward: dy (T, B, H) with strides, dhn, dcn (B, H); each may be 0. */                                  \
  FIELD(dy) FIELD(dhn) FIELD(dcn) FIELD(dy_stride_t) FIELD(dy_stride_b)                                           \
  /* Out, backward: as what they are the gradients of, and 0 if not wanted (the two weights both or none); */     \
  /* dx (B, T, I), and dhs (B, T, H), dL/dh of every step, are 0 behind a length. */                              \
  FIELD(dx) FIELD(dh0) FIELD(dc0) FIELD(dweight_ih) FIELD(dweight_hh) FIELD(dbias_ih) FIELD(dbias_hh)             \
  FIELD(dgain_ih) FIELD(dgain_hh) FIELD(dhs)
// clang-format on

namespace unrolled {

struct Call {
#define UNROLLED_DECLARE(name) std::int64_t name;
  UNROLLED_CALL_FIELDS(UNROLLED_DECLARE)
#undef UNROLLED_DECLARE
};

// Run a call. `threads` is how many parts the batch is cut into; they run on torch's OpenMP where it is loaded,
// else one after the other, to the same bits.
void recurrent_forward(const Call& call);
void recurrent_backward(const Call& call);

// Floating-point operations a second of multiply-adds that touch no memory, of float32 or of pairs of bf16: what the
// target in use can reach.
double multiply_add_rate(std::int64_t threads, bool is_bf16);

// The name of the target in use. `choose_target` takes one of cpu_targets(); false if there is no such one here.
std::string recurrent_target();
bool choose_target(const std::string& name);

// The name of that part of the target in use that is not for bf16: avx512 where the target is avx512bf16.
std::string full_target();

// Whether the target in use has products from bf16. A call with `is_bf16` is not made where it has none.
bool has_bf16();

}  // namespace unrolled
