// The work of a stream that is compiled once for each CPU target. Plain data only: this header is compiled with the
// flags of every target, and an inline function in it could be linked from the wrong one.
//
// All arithmetic is that of docs/program.md, "One arithmetic for the native stream and C": a target's vectors are
// outputs side by side, so every target that has a fused multiply-add gives the same bits.
#pragma once

#include <cstdint>

namespace unrolled {
namespace stream {

enum CellKind { kElmanTanh, kElmanRelu, kLstm, kGruAfter, kGruBefore };
enum Function { kTanh, kRelu, kSigmoid, kExp, kSoftplus };

// A cell with its weights. Matrices (G*H, I) and (G*H, H), row by row as in the file; biases may be null.
// H hidden · I input · G gates.
struct CellSpec {
  int kind;
  std::int64_t inputs, hidden;
  const void* weight_ih;  // float32 or int8
  const void* weight_hh;
  const float* bias_ih;
  const float* bias_hh;
  float keep_h, keep_c;   // zoneout
  bool is_whole;          // int8 matrices, with scales (G*H,)
  const float* scale_ih;
  const float* scale_hh;
  float x_range, h_range; // of what is quantised; x_range 0: x stays float32
};

// One step of one vector. Where a pointer equals its `next`, the step is in place; else no two overlap.
// Reads up to a vector behind the ends of x, h and c.
struct CellRow {
  const float* x;  // (I,)
  const float* h;  // (H,)
  const float* c;  // (H,); LSTM only
  float* h_next;   // (H,) out
  float* c_next;   // (H,) out; LSTM only
};

struct Kernels {
  const char* name;

  // y[r] = b + W x[r] for each row. Bytes of W and b packed; packing them (b may be null); the product.
  std::int64_t (*dense_bytes)(std::int64_t outputs, std::int64_t inputs);
  void (*pack_dense)(const float* w, const float* b, std::int64_t outputs, std::int64_t inputs, void* packed);
  void (*dense)(const void* packed, std::int64_t outputs, std::int64_t inputs, const float* const* x, float* const* y,
                std::int64_t rows);

  // One step of a cell. `scratch` has cell_scratch bytes. Where steps follow one another, `turn` counts them: every
  // other one reads the weights from their end, which the one before has left in the cache.
  std::int64_t (*cell_bytes)(const CellSpec& cell);
  void (*pack_cell)(const CellSpec& cell, void* packed);
  std::int64_t (*cell_scratch)(const CellSpec& cell);
  void (*cell)(const CellSpec& cell, const void* packed, const CellRow* rows, std::int64_t count, std::int64_t turn,
               char* scratch);

  // y = function(x), element by element; y may be x.
  void (*activate)(int function, const float* x, float* y, std::int64_t count);
  // Of one vector; y may be x.
  void (*softmax)(const float* x, float* y, std::int64_t count, bool is_log);
};

}  // namespace stream
}  // namespace unrolled
