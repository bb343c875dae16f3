// A cell with int8 matrices: the products are sums of whole numbers, four k at a time. Packed, for each group of units:
// the biases of its slots; the factors of W x and U h' for each gate; what the sums are too large by where h' is
// read as h' + 128; the weights of x, of h', and for kGruBefore of r * h'. Included by target.cpp only.
#pragma once

#include "cell_float.h"

namespace unrolled {
namespace stream {
namespace UNROLLED_TARGET {

typedef std::int8_t LooseBytes __attribute__((vector_size(kLanes), aligned(1), may_alias));
typedef std::int32_t LooseI32 __attribute__((vector_size(kBytes), aligned(4), may_alias));

#if defined(__AVX512F__)
inline const bool kHasVnni = __builtin_cpu_supports("avx512vnni");
#else
constexpr bool kHasVnni = false;
#endif
constexpr Int kOffset = 128;  // vpdpbusd takes one side without a sign

UNROLLED_INLINE I32 load_whole(const char* from) { return *reinterpret_cast<const LooseI32*>(from); }

// Whole numbers from and to bytes; GCC takes a generic conversion of vectors apart, number by number.
UNROLLED_INLINE I32 widened(const char* from) {
#if defined(__AVX512F__)
  return (I32)_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#elif defined(__AVX2__)
  return (I32)_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
#else
  return __builtin_convertvector(*reinterpret_cast<const LooseBytes*>(from), I32);
#endif
}

UNROLLED_INLINE void narrow(char* to, I32 whole) {
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8((__m512i)whole));
#else
  for (int i = 0; i < kLanes; ++i) to[i] = static_cast<char>(whole[i]);
#endif
}

UNROLLED_INLINE F as_floats(I32 whole) {
#if defined(__AVX512F__)
  return (F)_mm512_cvtepi32_ps((__m512i)whole);
#else
  return __builtin_convertvector(whole, F);
#endif
}

// Four k of one vector as a dot product takes them: with VNNI bytes q + 128; else int16 in the order 0, 2, 1, 3.
constexpr Int kQuad = 8;  // bytes of the larger form

template <bool kVnni>
UNROLLED_INLINE I32 add_dot(I32 sum, const char* quad, I32 weight) {
#if defined(__AVX512F__)
  if (kVnni) {
    std::int32_t four;
    std::memcpy(&four, quad, 4);
    // the assembler knows it, whatever this file is compiled for; kHasVnni says that it runs here
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(_mm512_set1_epi32(four)), "v"(weight));
    return sum;
  }
#endif
#if defined(__AVX2__)
  std::int32_t even, odd;
  std::memcpy(&even, quad, 4);
  std::memcpy(&odd, quad + 4, 4);
#if defined(__AVX512F__)
  const __m512i w = (__m512i)weight;
  sum += (I32)_mm512_madd_epi16(_mm512_srai_epi16(_mm512_slli_epi16(w, 8), 8), _mm512_set1_epi32(even));
  return sum + (I32)_mm512_madd_epi16(_mm512_srai_epi16(w, 8), _mm512_set1_epi32(odd));
#else
  const __m256i w = (__m256i)weight;
  sum += (I32)_mm256_madd_epi16(_mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8), _mm256_set1_epi32(even));
  return sum + (I32)_mm256_madd_epi16(_mm256_srai_epi16(w, 8), _mm256_set1_epi32(odd));
#endif
#else
  std::int16_t q[4];
  std::memcpy(q, quad, 8);
  sum += ((weight << 24) >> 24) * q[0] + ((weight << 8) >> 24) * q[1];
  return sum + ((weight << 16) >> 24) * q[2] + (weight >> 24) * q[3];
#endif
}

UNROLLED_INLINE Int quads_of(Int depth) { return (depth + 3) / 4; }

// A vector of `depth` numbers as quads. factor = 127 / range.
template <bool kVnni>
inline void quantise(const float* v, Int depth, float factor, char* to) {
  constexpr float magic = 12582912.0f;  // adding it rounds to a whole number, whose low byte stands in the low bits
  const F most = all<float>(127.0f);
  for (Int k = 0; k < depth; k += kLanes) {
    F number = load(v + k) * factor;
    number = number == number ? larger(-most, smaller(most, number)) : F{};
    const I32 whole = (I32)(number + magic);
    if (kVnni) {
      narrow(to + k, whole ^ std::int32_t(kOffset));
      continue;
    }
    std::int16_t* quad = reinterpret_cast<std::int16_t*>(to) + k;
    for (int i = 0; i < kLanes; ++i) {
      const int place = (i & 3) == 1 ? 2 : (i & 3) == 2 ? 1 : i & 3;
      quad[(i & ~3) + place] = static_cast<std::int8_t>(whole[i]);
    }
  }
}

template <bool kVnni>
struct WholeCell {
  const CellSpec& cell;
  const char* packed;
  float x_factor, h_factor;
  const float* plain_x[kTall];
  char* x[kTall];
  char* h[kTall];
  char* reset_h[kTall];

  WholeCell(const CellSpec& spec, const void* from)
      : cell(spec), packed(static_cast<const char*>(from)), x_factor(spec.x_range ? 127.0f / spec.x_range : 0),
        h_factor(127.0f / spec.h_range) {}

  static constexpr int widest(int) { return 4; }  // groups of units side by side

  Int width() const { return groups_of(cell.hidden) * kLanes; }

  // Bytes of the parts of a group's panel.
  static Int head(const CellSpec& cell) { return (slots_of(cell.kind) + 4 * gates_of(cell.kind)) * kBytes; }
  static Int x_part(const CellSpec& cell) {
    return gates_of(cell.kind) * (cell.x_range ? quads_of(cell.inputs) * kBytes : cell.inputs * kLanes);
  }
  static Int gate_part(const CellSpec& cell) { return quads_of(cell.hidden) * kBytes; }
  static Int panel_bytes(const CellSpec& cell) {
    return head(cell) + x_part(cell) + gates_of(cell.kind) * gate_part(cell);
  }
  static Int bytes(const CellSpec& cell) { return groups_of(cell.hidden) * panel_bytes(cell); }
  static Int quad_bytes(Int depth) { return (depth + kLanes) * 2; }
  static Int scratch(const CellSpec& cell) {
    return kTall * (quad_bytes(cell.inputs) + 2 * quad_bytes(cell.hidden)) + kBytes;
  }

  // Weights of outputs g * H + j for gates first .. last - 1, in quads from `to` on. Returns the byte behind them.
  static char* pack_quads(const CellSpec& cell, const std::int8_t* w, Int depth, Int j, int first, int last, char* to) {
    for (Int k = 0; k < quads_of(depth) * 4; ++k)
      for (int g = first; g < last; ++g)
        if (k < depth)
          to[(k / 4 * (last - first) + g - first) * kBytes + j % kLanes * 4 + k % 4] = w[(g * cell.hidden + j) * depth + k];
    return to + quads_of(depth) * (last - first) * kBytes;
  }

  static std::int32_t excess(const std::int8_t* row, Int depth) {
    std::int32_t sum = 0;
    for (Int k = 0; k < depth; ++k) sum += row[k];
    return kVnni ? sum * static_cast<std::int32_t>(kOffset) : 0;
  }

  static void pack_unit(const CellSpec& cell, Int j, char* panel) {
    const Int H = cell.hidden, I = cell.inputs, lane = j % kLanes;
    const int gates = gates_of(cell.kind), beside = hidden_gates_of(cell.kind), slots = slots_of(cell.kind);
    const std::int8_t* w = static_cast<const std::int8_t*>(cell.weight_ih);
    const std::int8_t* u = static_cast<const std::int8_t*>(cell.weight_hh);
    float* bias = reinterpret_cast<float*>(panel) + lane;
    for (int s = 0; s < slots; ++s) bias[s * kLanes] = slot_bias(cell, s, j);
    float* factor = bias + slots * kLanes;
    std::int32_t* more = reinterpret_cast<std::int32_t*>(factor + 2 * gates * kLanes);
    for (int g = 0; g < gates; ++g) {
      const Int row = g * H + j;
      factor[g * kLanes] = cell.x_range ? cell.scale_ih[row] * (cell.x_range / 127.0f) : cell.scale_ih[row];
      factor[(gates + g) * kLanes] = cell.scale_hh[row] * (cell.h_range / 127.0f);
      more[g * kLanes] = excess(w + row * I, I);
      more[(gates + g) * kLanes] = excess(u + row * H, H);
    }
    char* at = panel + head(cell);
    if (cell.x_range)
      at = pack_quads(cell, w, I, j, 0, gates, at);
    else
      for (Int k = 0; k < I; ++k)
        for (int g = 0; g < gates; ++g, at += kLanes) at[lane] = w[(g * H + j) * I + k];
    at = pack_quads(cell, u, H, j, 0, beside, at);
    pack_quads(cell, u, H, j, beside, gates, at);
  }

  static void pack(const CellSpec& cell, char* to) {
    std::memset(to, 0, bytes(cell));
    for (Int j = 0; j < cell.hidden; ++j) pack_unit(cell, j, to + j / kLanes * panel_bytes(cell));
  }

  template <int R>
  void read(const CellRow* rows, const CellScratch& scratch) {
    char* at = scratch.whole;
    for (int r = 0; r < R; ++r) {
      plain_x[r] = rows[r].x;
      x[r] = at;
      h[r] = at + quad_bytes(cell.inputs);
      reset_h[r] = h[r] + quad_bytes(cell.hidden);
      at = reset_h[r] + quad_bytes(cell.hidden);
      if (cell.x_range) quantise<kVnni>(rows[r].x, cell.inputs, x_factor, x[r]);
      quantise<kVnni>(rows[r].h, cell.hidden, h_factor, h[r]);
    }
  }
  template <int R>
  void read_reset(const CellScratch& scratch) {
    for (int r = 0; r < R; ++r)
      quantise<kVnni>(scratch.reset_h + r * width(), cell.hidden, h_factor, reset_h[r]);
  }

  // sum += the whole product of N gates from `gate` on of one matrix; `part` is 0 for W x, 1 for U h'.
  template <int N, class Slot, int R, int U, int S>
  UNROLLED_INLINE void add_whole(Sums<R, U, S>& sum, char* const* v, Int depth, const char* panel, const char* w, int part,
                                 int gate) const {
    constexpr Int step = kVnni ? 4 : kQuad;
    const Int size = panel_bytes(cell), gates = gates_of(cell.kind);
    I32 whole[R][U][N] = {};
    for (Int k = 0; k < quads_of(depth); ++k, w += N * kBytes)
#pragma GCC unroll 8
      for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) {
          const I32 weight = load_whole(w + u * size + n * kBytes);
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r) whole[r][u][n] = add_dot<kVnni>(whole[r][u][n], v[r] + k * step, weight);
        }
    const char* factor = panel + (slots_of(cell.kind) + part * gates + gate) * kBytes;
    const char* more = factor + 2 * gates * kBytes;
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n)
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          I32 exact = whole[r][u][n];
          if (kVnni) exact -= load_whole(more + u * size + n * kBytes);
          F& to = sum.at[r][u][Slot::of(n)];
          to = fma(as_floats(exact), (F)load_whole(factor + u * size + n * kBytes), to);
        }
  }

  // sum += W x * scale, with x in float32.
  template <int N, int R, int U, int S>
  UNROLLED_INLINE void add_plain(Sums<R, U, S>& sum, const char* panel, const char* w) const {
    const Int size = panel_bytes(cell);
    F part[R][U][N] = {};
    for (Int k = 0; k < cell.inputs; ++k, w += N * kLanes)
#pragma GCC unroll 8
      for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) {
          const F weight = as_floats(widened(w + u * size + n * kLanes));
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r) part[r][u][n] = fma(weight, all<float>(plain_x[r][k]), part[r][u][n]);
        }
    const char* factor = panel + slots_of(cell.kind) * kBytes;
#pragma GCC unroll 8
    for (int u = 0; u < U; ++u)
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n)
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
          sum.at[r][u][n] = fma(part[r][u][n], (F)load_whole(factor + u * size + n * kBytes), sum.at[r][u][n]);
  }

  template <int Kind, int R, int U, int S>
  UNROLLED_INLINE void sums(Sums<R, U, S>& sum, Int group) const {
    constexpr int gates = gates_of(Kind);
    const Int size = panel_bytes(cell);
    const char* panel = packed + group * size;
    start(sum, reinterpret_cast<const float*>(panel), size / 4);
    const char* w = panel + head(cell);
    if (cell.x_range)
      add_whole<gates, SameSlot>(sum, x, cell.inputs, panel, w, 0, 0);
    else
      add_plain<gates>(sum, panel, w);
    add_whole<hidden_gates_of(Kind), HiddenSlot<Kind>>(sum, h, cell.hidden, panel, w + x_part(cell), 1, 0);
  }

  template <int R, int U>
  UNROLLED_INLINE void new_sums(Sums<R, U, 1>& sum, Int group) const {
    const char* panel = packed + group * panel_bytes(cell);
    const char* w = panel + panel_bytes(cell) - gate_part(cell);
    add_whole<1, NewSlot>(sum, reset_h, cell.hidden, panel, w, 1, 2);
  }
};

}  // namespace UNROLLED_TARGET
}  // namespace stream
}  // namespace unrolled
