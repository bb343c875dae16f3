// The stream's kernels for the CPU target that this file is compiled for: once for each.
#include "cell_whole.h"
#include "dense.h"

namespace unrolled {
namespace stream {
namespace UNROLLED_TARGET {

template <class Use>
auto with_weights(const CellSpec& cell, const Use& use) {
  if (!cell.is_whole) return use(FloatCell(cell, nullptr));
  if (kHasVnni) return use(WholeCell<true>(cell, nullptr));
  return use(WholeCell<false>(cell, nullptr));
}

Int cell_bytes(const CellSpec& cell) {
  return with_weights(cell, [&](const auto& weights) { return weights.bytes(cell); });
}

void pack_cell(const CellSpec& cell, void* packed) {
  if (!cell.is_whole) return FloatCell::pack(cell, static_cast<float*>(packed));
  if (kHasVnni) return WholeCell<true>::pack(cell, static_cast<char*>(packed));
  WholeCell<false>::pack(cell, static_cast<char*>(packed));
}

Int cell_scratch(const CellSpec& cell) {
  return with_weights(cell, [&](const auto& weights) {
    return CellScratch::bytes(weights.width()) + weights.scratch(cell);
  });
}

void cell(const CellSpec& spec, const void* packed, const CellRow* rows, Int count, Int turn, char* scratch) {
  if (!spec.is_whole) return cell_all(FloatCell(spec, packed), rows, count, turn, scratch);
  if (kHasVnni) return cell_all(WholeCell<true>(spec, packed), rows, count, turn, scratch);
  cell_all(WholeCell<false>(spec, packed), rows, count, turn, scratch);
}

#define UNROLLED_TEXT(name) #name
#define UNROLLED_NAME(name) UNROLLED_TEXT(name)
extern const Kernels kernels;
const Kernels kernels = {UNROLLED_NAME(UNROLLED_TARGET),
                         dense_bytes,
                         pack_dense,
                         dense,
                         cell_bytes,
                         pack_cell,
                         cell_scratch,
                         cell,
                         activate,
                         softmax};

}  // namespace UNROLLED_TARGET
}  // namespace stream
}  // namespace unrolled
