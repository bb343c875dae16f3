// What the common side hands to the code of one CPU target. Plain data only: this header is compiled with the
// flags of every target, and an inline function in it could be linked from the wrong one.
#pragma once

#include "unrolled/recurrent.h"

namespace unrolled {

struct Job {
  const Call* call;
  std::int64_t parts;           // the batch is cut in so many; part p has the sorted places p, p + parts, ...
  std::int64_t steps;           // the longest length
  std::int64_t rows;            // packed rows: all valid steps
  std::int64_t chunk;           // steps whose input product is made at once
  const std::int64_t* order;    // (B,), the row at each sorted place
  const std::int64_t* offsets;  // (steps + 1,), the first packed row of each running step; null: step * B
  char* shared;                 // packed weights that all parts read, the sums that each makes
  char* scratch;                // part p owns scratch_bytes from p * scratch_bytes
  std::int64_t scratch_bytes;
};

// The functions of one target.
struct Target {
  const char* name;
  // Bytes of `shared` and of one part's scratch.
  void (*sizes)(const Job& job, bool backward, std::int64_t* shared, std::int64_t* scratch);
  void (*pack_forward)(const Job& job);
  void (*forward)(const Job& job, std::int64_t part);
  void (*pack_backward)(const Job& job);
  void (*backward)(const Job& job, std::int64_t part);
  // After backward has run for all parts: their sums of the weights' gradients, a share for each part; then the rest,
  // once.
  void (*add_up_weights)(const Job& job, std::int64_t part);
  void (*add_up_rest)(const Job& job);
  // Multiply-adds in registers; returns how many floating-point operations it made.
  double (*multiply_adds)(std::int64_t rounds);
};

}  // namespace unrolled
