// Codec STEPPED: rows of codes that are made of codebooks' entries (FORMAT.md 5.6).
#pragma once
#include <cstdint>
#include <vector>

#include "codebooks.h"
#include "isa.h"
#include "stepped_tile.h"

namespace splatzip {

class BookSearch;

// planes[v] = the sum of the entries' numbers v; no index is outside its book.
void sum_entries(const Codebooks& books, const std::vector<Plane<int32_t>>& indices, int64_t n,
                 const std::vector<int32_t*>& planes);

// The encoder's choice for rows that are predicted from rows before them (5.3), errors diffused as by `encode_rows`;
// r.steps are those of codes from books. Without a search nothing is chosen: `rest` becomes what prediction from the
// targets themselves would leave, (n, width), to train books on.
void choose_entries(const PredictedRows& r, const BookSearch* search, std::vector<Plane<int32_t>>* indices,
                    int16_t* rest);

}  // namespace splatzip
