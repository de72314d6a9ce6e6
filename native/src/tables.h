// Static tables of a stream: up to 64 contexts mapped onto up to 16 tables of 12-bit frequencies (FORMAT.md 4.2).
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "bits.h"
#include "isa.h"
#include "splatzip/rans.h"

namespace splatzip {

// Frequencies of one table; they sum to kRansTotal.
using Frequencies = std::array<uint16_t, 256>;

struct TableSet {
  int stream = 0;                                // the id of the streams that it serves
  bool escapes = true;                           // symbol 255 announces a larger value (else it is the value 255)
  int contexts = 1;                              // 1..64
  std::array<uint8_t, kMaxContexts> map{};       // context -> table
  std::array<uint8_t, kMaxContexts> low_bits{};  // bits of a value that go raw, below its symbol
  std::vector<Frequencies> tables;               // 1..16

  // Decoding side: built by `prepare`; `tables` have served then and are gone.
  std::vector<uint8_t> hints;
  std::vector<uint16_t> starts;
  std::array<uint32_t, kMaxContexts> table_of{};
  std::array<uint16_t, kLikelySymbols * kMaxTables> likely{};
  void prepare();
  RansTables decoding() const { return {table_of.data(), hints.data(), starts.data(), likely.data()}; }
};

void write_table_set(ByteWriter& out, const TableSet& set);
bool read_table_set(ByteReader& in, TableSet* set);  // false: not a legal table set

// A TABLES chunk, one set a stream, however many it holds; empty where a file has no chunk of that id.
struct TableChunk {
  std::vector<TableSet> sets;
  const TableSet* find(int stream) const;  // null: it has none for that stream
};
bool read_table_chunk(const uint8_t* data, size_t size, TableChunk* out);  // false: not a legal one

// What an encoder counted, context by context.
struct Histogram {
  int contexts = 1;
  std::vector<std::array<uint32_t, 256>> counts;  // by context and symbol
  std::array<uint8_t, kMaxContexts> low_bits{};
};

// Merges contexts while that makes tables and payload together smaller. Integers only: the same on every machine.
TableSet build_table_set(int stream, bool escapes, const Histogram& histogram);

// n log2(n) in 1/2^16 bits, n < 2^31.
int64_t n_log2_n(uint32_t n);

}  // namespace splatzip
