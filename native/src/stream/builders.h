// One function for each kind of operation; machine.cpp holds the table.
#pragma once

#include "op.h"

namespace unrolled {
namespace stream {

#define UNROLLED_OPERATIONS(X)                                                                                  \
  X(move) X(embed) X(scale) X(unscale) X(add) X(multiply) X(mask) X(window) X(delay) X(pool_mean)               \
  X(carried_anchor) X(window_anchor) X(spread) X(time_features) X(dense) X(norm) X(activation) X(softmax)       \
  X(recurrent) X(scan) X(step) X(quantile_head) X(conformal) X(path_quantiles) X(rollout)             \
  X(cut) X(reverse) X(pool_steps) X(convolve) X(pool_max) X(pool_attention)

#define UNROLLED_DECLARE(name) std::unique_ptr<Op> build_##name(const NodeSpec& node, const ProgramSpec& program);
UNROLLED_OPERATIONS(UNROLLED_DECLARE)
#undef UNROLLED_DECLARE

}  // namespace stream
}  // namespace unrolled
