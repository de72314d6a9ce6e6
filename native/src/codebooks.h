// Codebooks: vectors from which rows of codes are built (FORMAT.md 5.6).
//
// A splat's row is a sum: each book adds one of its entries to its own span of the row. Books over the same span are
// the stages of residual VQ, books side by side are sub-vector VQ; a decoder need not know which.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "bits.h"
#include "isa.h"

namespace splatzip {

constexpr int kMostBooks = 8;            // of an attribute
constexpr int kMostBookEntries = 65536;  // of a book
constexpr int kMostEntryValue = 4095;    // of a number, so that sums fit 16 bits and the encoder's products 32
constexpr int kMostNumbersPerByte = 64;  // of books: what a hostile chunk may make us allocate
constexpr int kBookFraction = 4;         // a code from a book counts in 1/4 of the step
constexpr int kLevels = 8;               // contexts of an index; sizes of an entry

enum BookedAttribute { kShBooks, kScaleBooks, kRotationBooks, kBookedAttributes };  // ids of CODEBOOKS chunks

struct Codebook {
  int first = 0, count = 0;  // its span of the row
  int entries = 0;
  std::vector<int16_t> values;  // (count, entries)
  std::vector<int32_t> sizes;   // by entry, 0..kLevels - 1: half the bits of the sum of its numbers' sizes
  std::array<int16_t, kSizeTerms> expect{};

  int16_t& at(int d, size_t entry) { return values[static_cast<size_t>(d) * static_cast<size_t>(entries) + entry]; }
  void measure();  // fills in `sizes`
};

struct Codebooks {
  // Rows of SH whose step is fewer half octaves above its base than this are coded number by number (VecTree).
  int from_step = -kMaxHalfOctaves;
  std::vector<Codebook> books;
  bool all() const { return from_step == -kMaxHalfOctaves; }
  bool empty() const { return books.empty(); }
};

// A CODEBOOKS chunk, for rows of `width` values; may_split: whether it may leave rows out. False: not a legal one.
bool read_codebooks(const uint8_t* data, size_t size, int width, bool may_split, Codebooks* out);
std::vector<uint8_t> write_codebooks(const Codebooks& books);

}  // namespace splatzip
