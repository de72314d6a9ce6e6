// The rows of a quantized source, block after block, for any of its formats.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "float_mode.h"
#include "parallel.h"

namespace splatzip {

// body(begin, end) of rows; no result depends on how many are done together.
template <class Body>
void for_blocks(size_t rows, int threads, Body body) {
  constexpr size_t kBlock = 1 << 14;
  parallel_for(static_cast<int64_t>((rows + kBlock - 1) / kBlock), threads, [&](int64_t block) {
    const size_t begin = static_cast<size_t>(block) * kBlock;
    body(begin, std::min(begin + kBlock, rows));
  });
}

// The first row whose codes name what does not exist; `rows`: there is none.
template <class Codes>
size_t first_illegal(const Codes& codes, size_t rows) {
  size_t row = 0;
  while (row < rows && is_legal(codes, row)) ++row;
  return row;
}

template <class Codes, class Lookup, class Floats>
void dequantize_rows(const Codes& codes, const Lookup& lookup, size_t rows, int threads, const Floats& out) {
  for_blocks(rows, threads, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) dequantize_row(codes, lookup, row, row, out);
  });
}

}  // namespace splatzip
