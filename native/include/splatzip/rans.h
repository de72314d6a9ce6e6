// Interleaved rANS: the arithmetic that every decoder (C++, CUDA, WebAssembly) shares.
//
// Part of the format (FORMAT.md 4). 32-bit states in [2^16, 2^32), renormalised by 16-bit words, 12-bit static
// tables. Symbol i of a plane belongs to row i / lanes and lane i % lanes; in each row the lanes that fall below
// 2^16 take one word each, lane 0 first. A plane ends its last row early; the states carry on to the next plane.
#pragma once
#include <cstdint>

#include "splatzip/exact_math.h"

namespace splatzip {

constexpr int kRansProbBits = 12;
constexpr uint32_t kRansTotal = 1u << kRansProbBits;
constexpr uint32_t kRansLow = 1u << 16;  // smallest legal state, and every lane's state after its last symbol
constexpr int kMaxContexts = 64;
constexpr int kMaxTables = 16;
constexpr int kMaxLanes = 32;
constexpr int kEscape = 255;  // the symbol that says: the value follows among the raw bits

// One decoding step without renormalisation: the symbol that the state's slot belongs to starts at `start` and ends
// before `end`.
SPLZ_HD uint32_t rans_step(uint32_t state, uint32_t start, uint32_t end) {
  return (end - start) * (state >> kRansProbBits) + (state & (kRansTotal - 1)) - start;
}

}  // namespace splatzip
