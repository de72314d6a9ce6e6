// Streams: the planes of one attribute in one chunk, coded by interleaved rANS beside a section of raw bits.
//
// A plane is one value a splat. Its symbols are coded under a context each (what the decoder already knows of the
// splat); what a symbol cannot say (low bits, escaped values) follows in the raw section, splat by splat, after
// the plane. Writer and reader have the same calls in the same order; `model_*.h` are templates over the two.
#pragma once
#include <cstdint>
#include <vector>

#include "bits.h"
#include "tables.h"
#include "uninitialised.h"

namespace splatzip {

// How a stream stands in a chunk's head (FORMAT.md 4.1).
struct StreamHead {
  int stream = 0;
  int table_set = 0;
  int lanes = 1;  // 1, 4 or 32
  size_t word_bytes = 0;
  size_t raw_bytes = 0;
};
void write_stream_head(ByteWriter& out, const StreamHead& head);
bool read_stream_head(ByteReader& in, StreamHead* head);

constexpr int kFirstOptionalStream = 128;  // skipped when unknown
// A stream's head, and where its words and raw bits are.
struct StreamBytes {
  StreamHead head;
  const uint8_t* data = nullptr;
};
// The streams up to the end of a chunk, without those to be skipped. False: the heads are damaged, a stream comes
// twice, or the chunk does not end with the last one. Ids, tables and sizes are checked when a
// stream is opened.
bool read_streams(ByteReader& in, std::vector<StreamBytes>* streams);

// The set that a stream is decoded with, by the id of its TABLES chunk; null: the file does not have it.
const TableSet* find_table_set(const std::vector<TableChunk>& tables, const StreamHead& head);

class StreamReader {
 public:
  static constexpr bool kReading = true;
  // `data` holds head.word_bytes of words, then head.raw_bytes of raw bits. False: the sizes cannot be.
  bool open(const StreamHead& head, const uint8_t* data, const TableSet* tables);
  // contexts: n bytes, or nullptr for context 0 throughout. Signed values are coded zigzag.
  void plane(const uint8_t* contexts, int32_t* values, int64_t n, bool is_signed);
  // A plane by its symbols. True: they say it all; else `complete` must follow, which takes what they could not say.
  bool symbols(const uint8_t* contexts, uint8_t* symbols, int64_t n);
  void complete(const uint8_t* contexts, const uint8_t* symbols, int32_t* values, int64_t n, bool is_signed);
  uint32_t raw(int count) { return bits_.get(count); }
  BitReader& raw_bits() { return bits_; }
  bool ok() const { return ok_ && bits_.ok(); }
  bool close() const;  // every lane back at kRansLow, every byte taken

 private:
  const TableSet* tables_ = nullptr;
  int lanes_ = 1;
  uint32_t states_[kMaxLanes];
  Uninitialised<uint16_t> copied_;  // words, aligned
  const uint16_t* words_ = nullptr;
  const uint16_t* words_end_ = nullptr;
  BitReader bits_;
  Uninitialised<uint8_t> symbols_;
  std::vector<uint8_t> zeros_;
  Uninitialised<int32_t> incomplete_;  // places of symbols that raw bits complete
  int64_t incomplete_count_ = 0;
  bool ok_ = false;
};

// More lanes decode faster and cost 4 bytes each: a stream gets 32 when it has many symbols, or fewer but so many
// bytes that the lanes are below 1 % of them.
struct LaneRule {
  int64_t many = 65536;
  int64_t fewer = 16384;
  int64_t bytes = 16384;
};

class StreamWriter {
 public:
  static constexpr bool kReading = false;
  void plane(const uint8_t* contexts, int32_t* values, int64_t n, bool is_signed);
  void raw(uint32_t value, int count) { raws_.push_back({symbols_, value, count}); }
  bool ok() const { return true; }

  // First pass over all chunks: how large the values of each context are, then how often each symbol comes (with
  // `histogram.low_bits`, 0 unless the lengths say more).
  void measure(std::vector<std::array<uint32_t, 33>>& lengths) const;
  void count(Histogram& histogram) const;
  // Second pass, when the tables are known: the head's sizes are filled in, the bytes appended.
  void finish(const TableSet& tables, StreamHead* head, std::vector<uint8_t>& out, LaneRule lanes = {}) const;
  bool empty() const { return planes_.empty() && raws_.empty(); }
  int64_t symbols() const { return symbols_; }

 private:
  int64_t payload_bytes(const TableSet& tables) const;  // about; without states and raw bits
  struct Raw {
    int64_t at;  // after so many values
    uint32_t value;
    int count;
  };
  struct Plane {
    Uninitialised<uint32_t> values;
    Uninitialised<uint8_t> contexts;
  };
  std::vector<Plane> planes_;
  int64_t symbols_ = 0;
  std::vector<Raw> raws_;
};

// A stream as it stands in a chunk: its head, its bytes. The streams of a chunk: how many, their heads, their bytes.
struct FinishedStream {
  StreamHead head;
  std::vector<uint8_t> bytes;
};
void write_streams(ByteWriter& out, const FinishedStream* streams, size_t count);

// What a table set is to be: `escapes` for values that are mostly small; `octets` for symbols that are values below
// 256; `indices` for numbers of entries, most frequent first: what 8 bits cannot say goes raw, nothing escapes.
enum class SymbolRule { escapes, octets, indices };
TableSet tables_for(int stream, SymbolRule rule, int contexts, const std::vector<const StreamWriter*>& streams);

// low_bits of each context from what `measure` counted: symbols stay below about 2 * 2^kSymbolBits.
void choose_low_bits(const std::vector<std::array<uint32_t, 33>>& lengths, Histogram* histogram);
// Whether choose_low_bits would choose none, by what was counted without any: then the histogram stands as it is.
bool needs_no_low_bits(const Histogram& histogram);

}  // namespace splatzip
