// Sorting by depth.
#pragma once
#include <cstdint>

#include "buffer.h"

namespace splatzip {

// Kept from call to call.
struct SortScratch {
  Buffer<uint32_t> keys, values, counts;
};

// Sorts `count` pairs by key, stable; the result is in `keys` and `values`.
void radix_sort(Buffer<uint32_t>* keys, Buffer<uint32_t>* values, int64_t count, SortScratch* scratch, int threads);

}  // namespace splatzip
