// Large pieces of memory that are used again. What a forward pass saves is as large in every training step and lives
// until its backward pass; taken from malloc it is given back to the system and touched anew, page by page, which took
// a fifth of a training step at H = 256 (measured).
#pragma once

#include <cstddef>

namespace unrolled {

// Room for `bytes` bytes, at a huge page's boundary where it is that large; throws std::bad_alloc. Any thread may call.
void* pool_take(std::size_t bytes);

// Give back what pool_take gave. Free pieces are kept up to 256 MB together, then the oldest go back to the system.
void pool_give(void* piece);

// Bytes in free pieces.
std::size_t pool_free_bytes();

}  // namespace unrolled
