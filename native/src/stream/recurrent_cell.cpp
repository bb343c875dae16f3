#include "recurrent.h"

#include <algorithm>
#include <cmath>

namespace unrolled {
namespace stream {
namespace {

constexpr float kEpsilon = 1e-5f;

CellSpec spec_of(const NodeSpec& node) {
  const auto floats = [&](int i) { return static_cast<const float*>(node.arrays[i]); };
  return {static_cast<int>(node.ints[0]),
          node.ints[1],
          node.ints[2],
          node.arrays[0],
          node.arrays[1],
          floats(2),
          floats(3),
          static_cast<float>(node.floats[0]),
          static_cast<float>(node.floats[1]),
          node.arrays[6] != nullptr,
          floats(6),
          floats(7),
          static_cast<float>(node.floats[2]),
          static_cast<float>(node.floats[3])};
}

std::vector<std::int8_t> bytes_of(const void* from, Int count) {
  const std::int8_t* start = static_cast<const std::int8_t*>(from);
  return std::vector<std::int8_t>(start, start + count);
}

}  // namespace

Int Cell::gates() const { return spec_.kind == kLstm ? 4 : spec_.kind == kGruAfter || spec_.kind == kGruBefore ? 3 : 1; }

Cell::Cell(const NodeSpec& node)
    : spec_(spec_of(node)), kernels_(chosen_kernels()), packed_(kernels_.cell_bytes(spec_)),
      is_normalised_(node.arrays[4] || node.arrays[5]) {
  const Int I = spec_.inputs, H = spec_.hidden, outputs = gates() * H;
  if (!is_normalised_) {
    kernels_.pack_cell(spec_, packed_.data());
  } else {
    bias_ih_ = copied(node.arrays[2], outputs);
    bias_hh_ = copied(node.arrays[3], outputs);
    gain_ih_ = copied(node.arrays[4], outputs);
    gain_hh_ = copied(node.arrays[5], outputs);
    scale_ih_ = copied(node.arrays[6], outputs);
    scale_hh_ = copied(node.arrays[7], outputs);
    if (!spec_.is_whole) {
      const float *w = static_cast<const float*>(spec_.weight_ih), *u = static_cast<const float*>(spec_.weight_hh);
      const Int beside = spec_.kind == kGruBefore ? 2 * H : outputs;  // a product with h', not with r * h'
      packed_ih_ = Aligned(kernels_.dense_bytes(outputs, I));
      packed_hh_ = Aligned(kernels_.dense_bytes(beside, H));
      packed_new_ = Aligned(kernels_.dense_bytes(outputs - beside, H));
      kernels_.pack_dense(w, nullptr, outputs, I, packed_ih_.data());
      kernels_.pack_dense(u, nullptr, beside, H, packed_hh_.data());
      kernels_.pack_dense(u + beside * H, nullptr, outputs - beside, H, packed_new_.data());
    } else {
      whole_ih_ = bytes_of(spec_.weight_ih, outputs * I);
      whole_hh_ = bytes_of(spec_.weight_hh, outputs * H);
    }
  }
  // the program's arrays are not held: what is needed of them is packed
  spec_.weight_ih = spec_.weight_hh = nullptr;
  spec_.bias_ih = spec_.bias_hh = spec_.scale_ih = spec_.scale_hh = nullptr;
}

Int Cell::scratch() const {
  return is_normalised_ ? rounded((2 * gates() + 1) * spec_.hidden * 4) : rounded(kernels_.cell_scratch(spec_));
}

void Cell::step(const CellRow* rows, Int count, Int turn, char* scratch) const {
  if (!is_normalised_) return kernels_.cell(spec_, packed_.data(), rows, count, turn, scratch);
  for (Int r = 0; r < count; ++r) step_normalised(rows[r], reinterpret_cast<float*>(scratch));
}

// Outputs first .. last - 1 of W x or U h', without bias, as whole numbers.
void Cell::whole_product(bool is_hidden, const float* v, Int first, Int last, float* to) const {
  const Int depth = is_hidden ? spec_.hidden : spec_.inputs;
  const std::int8_t* w = is_hidden ? whole_hh_.data() : whole_ih_.data();
  const float range = is_hidden ? spec_.h_range : spec_.x_range, factor = range ? 127.0f / range : 0;
  for (Int o = first; o < last; ++o) {
    const float scale = is_hidden ? scale_hh_[o] : scale_ih_[o];
    float plain = 0;
    std::int32_t whole = 0;
    for (Int k = 0; k < depth; ++k) {
      const float weight = w[o * depth + k];
      if (!range) {
        plain = std::fma(weight, v[k], plain);
        continue;
      }
      const float number = v[k] * factor;
      const float kept = number < -127 ? -127 : number > 127 ? 127 : number;
      whole += static_cast<std::int32_t>(weight) * static_cast<std::int32_t>(std::isnan(kept) ? 0 : std::nearbyint(kept));
    }
    to[o - first] = range ? static_cast<float>(whole) * (scale * (range / 127.0f)) : plain * scale;
  }
}

// The same of any matrix; with gains normalised, and with its bias.
void Cell::product(bool is_hidden, const float* v, Int first, Int last, float* to) const {
  const Int H = spec_.hidden, count = last - first;
  if (spec_.is_whole) {
    whole_product(is_hidden, v, first, last, to);
  } else {
    const Aligned& packed = !is_hidden ? packed_ih_ : first ? packed_new_ : packed_hh_;
    kernels_.dense(packed.data(), count, is_hidden ? H : spec_.inputs, &v, &to, 1);
  }
  normalise(is_hidden, first, last, to);
}

void Cell::normalise(bool is_hidden, Int first, Int last, float* v) const {
  const Int H = spec_.hidden;
  const std::vector<float>&gain = is_hidden ? gain_hh_ : gain_ih_, &bias = is_hidden ? bias_hh_ : bias_ih_;
  for (Int from = first; from < last; from += H, v += H) {
    if (!gain.empty()) {
      float sum = 0, squares = 0;
      for (Int j = 0; j < H; ++j) sum += v[j];
      const float mean = sum / static_cast<float>(H);
      for (Int j = 0; j < H; ++j) squares += (v[j] - mean) * (v[j] - mean);
      const float deviation = std::sqrt(squares / static_cast<float>(H) + kEpsilon);
      for (Int j = 0; j < H; ++j) v[j] = gain[from + j] * (v[j] - mean) / deviation;
    }
    for (Int j = 0; j < H && !bias.empty(); ++j) v[j] += bias[from + j];
  }
}

// The equations gate by gate. scratch: (2G + 1) * H numbers.
void Cell::step_normalised(const CellRow& row, float* a) const {
  const Int H = spec_.hidden, outputs = gates() * H;
  float *u = a + outputs, *h = u + outputs;
  product(false, row.x, 0, outputs, a);
  product(true, row.h, 0, spec_.kind == kGruBefore ? 2 * H : outputs, u);
  const auto add = [&](Int from, Int to) {
    for (Int i = from; i < to; ++i) a[i] += u[i];
  };
  const auto activate = [&](Function function, float* v, Int count) { kernels_.activate(function, v, v, count); };
  float keep_h = spec_.keep_h, keep_c = spec_.keep_c;
  if (spec_.kind == kLstm) {
    add(0, outputs);
    activate(kSigmoid, a, 2 * H);
    activate(kTanh, a + 2 * H, H);
    activate(kSigmoid, a + 3 * H, H);
    for (Int j = 0; j < H; ++j) u[j] = h[j] = std::fma(a[H + j], row.c[j], a[j] * a[2 * H + j]);
    activate(kTanh, h, H);
    for (Int j = 0; j < H; ++j) {
      h[j] = a[3 * H + j] * h[j];
      row.c_next[j] = keep_c == 0 ? u[j] : keep_c * row.c[j] + (1 - keep_c) * u[j];
    }
  } else if (gates() == 1) {
    add(0, H);
    activate(spec_.kind == kElmanTanh ? kTanh : kRelu, a, H);
    std::copy(a, a + H, h);
  } else {
    add(0, 2 * H);
    activate(kSigmoid, a, 2 * H);
    float *r = a, *z = a + H, *n = a + 2 * H;
    if (spec_.kind == kGruAfter) {
      for (Int j = 0; j < H; ++j) n[j] = std::fma(r[j], u[2 * H + j], n[j]);
    } else {
      for (Int j = 0; j < H; ++j) h[j] = r[j] * row.h[j];
      product(true, h, 2 * H, 3 * H, u);
      for (Int j = 0; j < H; ++j) n[j] += u[j];
    }
    activate(kTanh, n, H);
    for (Int j = 0; j < H; ++j) h[j] = std::fma(z[j], row.h[j] - n[j], n[j]);
  }
  for (Int j = 0; j < H; ++j) row.h_next[j] = keep_h == 0 ? h[j] : keep_h * row.h[j] + (1 - keep_h) * h[j];
}

}  // namespace stream
}  // namespace unrolled
