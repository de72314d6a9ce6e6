// Codec STEPPED: rows of codes that are made of codebooks' entries (FORMAT.md 5.6).
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "codebooks.h"
#include "isa.h"
#include "stepped_tile.h"

namespace splatzip {

class BookSearch;

// The plane of indices of book b; levels: (n) 0..kLevels - 1. False: an index is outside its book.
template <class Io>
bool code_index(Io& io, const Codebook& book, size_t b, const uint8_t* levels, int64_t n, Plane<int32_t>* index);

// planes[v][row] = the sum of the entries' numbers v, for the i-th of n rows (nullptr: rows 0..n - 1); no index is
// outside its book.
void sum_entries(const Codebooks& books, const std::vector<Plane<int32_t>>& indices, int64_t n, const int32_t* rows,
                 const std::vector<int32_t*>& planes);

// Both, for attributes whose books all have the same levels. False, too, if there are no books.
template <class Io>
bool code_rows(Io& io, const Codebooks& books, const uint8_t* levels, int64_t n, std::vector<Plane<int32_t>>* indices,
               const std::vector<int32_t*>& planes) {
  if (books.empty()) return false;
  indices->resize(books.books.size());
  for (size_t b = 0; b < books.books.size(); ++b)
    if (!code_index(io, books.books[b], b, levels, n, &(*indices)[b])) return false;
  sum_entries(books, *indices, n, nullptr, planes);
  return true;
}

// The encoder's choice for planes that kernels predict. Block by block of rows, `code(first, end, false)` puts what
// should be coded into the planes; entries are chosen; `code(first, end, true)` decodes what they came to. Without a
// search the first is all that happens, and `rest` receives the rows (n, planes), to train books on.
void choose_blocks(int64_t n, int64_t block, const BookSearch* search, std::vector<Plane<int32_t>>* indices,
                   const std::vector<int32_t*>& planes, int16_t* rest,
                   const std::function<void(int64_t, int64_t, bool)>& code);

// The encoder's choice for rows that are predicted from rows before them (5.3), errors diffused as by `encode_rows`.
// by_books: (n) whether a row is coded by books; for others the codes go to r.codes. Indices and `rest` are those of
// rows by books alone. Without a search nothing is chosen: `rest` becomes what prediction from the targets themselves
// would leave, (rows by books, width), to train books on.
void choose_entries(const PredictedRows& r, const uint8_t* by_books, const BookSearch* search,
                    std::vector<Plane<int32_t>>* indices, int16_t* rest);

}  // namespace splatzip
