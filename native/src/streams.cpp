#include "streams.h"

#include <algorithm>

#include "isa.h"

namespace splatzip {
namespace {

constexpr int kSymbolBits = 5;  // nine tenths of a context's symbols stay below 2^kSymbolBits
constexpr int kLaneCodes[3] = {1, 4, 32};
constexpr int64_t kSymbolsFor4Lanes = 512;

}  // namespace

void write_stream_head(ByteWriter& out, const StreamHead& head) {
  int code = head.lanes == 32 ? 2 : head.lanes == 4 ? 1 : 0;
  out.byte(static_cast<uint8_t>(head.stream));
  out.varint(static_cast<uint64_t>(head.table_set) << 2 | static_cast<uint64_t>(code));
  out.varint(head.word_bytes);
  out.varint(head.raw_bytes);
}

bool read_stream_head(ByteReader& in, StreamHead* head) {
  head->stream = in.byte();
  uint64_t code = in.varint();
  head->word_bytes = in.varint();
  head->raw_bytes = in.varint();
  if (!in.ok() || (code & 3) == 3 || code >> 2 > 255) return false;
  head->table_set = static_cast<int>(code >> 2);
  head->lanes = kLaneCodes[code & 3];
  return true;
}

bool StreamReader::open(const StreamHead& head, const uint8_t* data, const TableSet* tables) {
  size_t state_bytes = static_cast<size_t>(head.lanes) * 4;
  ok_ = head.word_bytes == 0 || (head.word_bytes >= state_bytes && head.word_bytes % 2 == 0);
  if (!ok_) return false;
  tables_ = tables;
  lanes_ = head.lanes;
  std::fill(states_, states_ + kMaxLanes, kRansLow);
  const size_t words = head.word_bytes ? (head.word_bytes - state_bytes) / 2 : 0;
  copied_.resize(words + 1);  // one more, so that the words have an address even where there are none
  if (head.word_bytes) {
    std::memcpy(states_, data, state_bytes);
    if (words) std::memcpy(copied_.data(), data + state_bytes, words * 2);
  }
  for (int lane = 0; lane < lanes_; ++lane) ok_ = ok_ && states_[lane] >= kRansLow;
  words_ = copied_.data();
  words_end_ = words_ + words;
  bits_ = BitReader(data + head.word_bytes, head.raw_bytes);
  return ok_;
}

void StreamReader::plane(const uint8_t* contexts, int32_t* values, int64_t n, bool is_signed) {
  if (!ok_) {
    std::fill(values, values + n, 0);
    return;
  }
  const size_t size = static_cast<size_t>(n);
  if (symbols_.size() < size) symbols_.resize(size);
  if (!contexts) {
    if (zeros_.size() < size) zeros_.resize(size);
    contexts = zeros_.data();
  }
  words_ = kernels().rans_decode_plane(states_, lanes_, tables_->decoding(), contexts, symbols_.data(), n, words_,
                                       words_end_);
  if (!words_) {
    ok_ = false;
    std::fill(values, values + n, 0);
    return;
  }
  bool any_low = false;
  for (int c = 0; c < tables_->contexts; ++c) any_low |= tables_->low_bits[static_cast<size_t>(c)] > 0;
  kernels().widen_symbols(symbols_.data(), is_signed, values, n);
  auto complete = [&](int64_t i) {  // what the symbol could not say
    uint64_t u = symbols_[static_cast<size_t>(i)];
    const int low = tables_->low_bits[contexts[i]];
    if (u == kEscape && tables_->escapes) u += bits_.get_exp_golomb(0);
    if (low) u = u << low | bits_.get(low);
    if (u > INT32_MAX) ok_ = false, u = 0;
    values[i] = is_signed ? unzigzag(static_cast<uint32_t>(u)) : static_cast<int32_t>(u);
  };
  if (any_low || tables_->escapes) {
    uint8_t extra[256] = {};
    for (int c = 0; c < kMaxContexts; ++c) extra[c] = tables_->low_bits[static_cast<size_t>(c)] > 0;
    if (incomplete_.size() < size) incomplete_.resize(size);
    const int64_t count = kernels().find_incomplete(contexts, symbols_.data(), extra, tables_->escapes ? kEscape : 256,
                                                    n, incomplete_.data());
    for (int64_t k = 0; k < count; ++k) complete(incomplete_[static_cast<size_t>(k)]);
  }
  ok_ = ok_ && bits_.ok();
}

bool StreamReader::close() const {
  if (!ok() || words_ != words_end_ || !bits_.at_end()) return false;
  return std::all_of(states_, states_ + lanes_, [](uint32_t x) { return x == kRansLow; });
}

void StreamWriter::plane(const uint8_t* contexts, int32_t* values, int64_t n, bool is_signed) {
  size_t start = values_.size(), size = static_cast<size_t>(n);
  values_.resize(start + size);
  contexts_.resize(start + size);
  for (size_t i = 0; i < size; ++i) {
    values_[start + i] = is_signed ? zigzag(values[i]) : static_cast<uint32_t>(values[i]);
    contexts_[start + i] = contexts ? contexts[i] : 0;
  }
  plane_ends_.push_back(static_cast<int64_t>(values_.size()));
}

void StreamWriter::measure(std::vector<std::array<uint32_t, 33>>& lengths) const {
  for (size_t i = 0; i < values_.size(); ++i) ++lengths[contexts_[i]][bit_length(values_[i])];
}

void choose_low_bits(const std::vector<std::array<uint32_t, 33>>& lengths, Histogram* histogram) {
  for (size_t c = 0; c < lengths.size(); ++c) {
    uint64_t total = 0, below = 0;
    for (uint32_t n : lengths[c]) total += n;
    int length = 0;
    while (length < 32 && (below += lengths[c][length]) * 10 < total * 9) ++length;
    histogram->low_bits[c] = static_cast<uint8_t>(std::clamp(length - kSymbolBits, 0, 24));
  }
}

void StreamWriter::count(Histogram& histogram) const {
  for (size_t i = 0; i < values_.size(); ++i) {
    int c = contexts_[i];
    ++histogram.counts[c][std::min<uint32_t>(values_[i] >> histogram.low_bits[c], kEscape)];
  }
}

int64_t StreamWriter::payload_bytes(const TableSet& tables) const {
  std::vector<std::array<int64_t, 256>> cost(tables.tables.size());  // of a symbol, in 1/2^16 bits
  for (size_t t = 0; t < cost.size(); ++t)
    for (size_t s = 0; s < 256; ++s) {
      const uint32_t f = tables.tables[t][s];
      cost[t][s] = f ? (int64_t{kRansProbBits} << 16) - n_log2_n(f) / f : 0;
    }
  int64_t sum = 0;
  for (size_t k = 0; k < values_.size(); ++k) {
    const int c = contexts_[k];
    sum += cost[tables.map[c]][std::min<uint32_t>(values_[k] >> tables.low_bits[c], kEscape)];
  }
  return sum >> 19;
}

void StreamWriter::finish(const TableSet& tables, StreamHead* head, std::vector<uint8_t>& out, LaneRule lanes) const {
  const int64_t n = symbols();
  const bool wide = n >= lanes.many || (n >= lanes.fewer && payload_bytes(tables) >= lanes.bytes);
  head->lanes = wide ? 32 : n >= kSymbolsFor4Lanes ? 4 : 1;

  // Raw section: after each plane, its low bits and escapes; calls to `raw` where they were made.
  BitWriter bits;
  size_t next_raw = 0;
  auto flush_raws = [&](int64_t at) {
    for (; next_raw < raws_.size() && raws_[next_raw].at <= at; ++next_raw)
      bits.put(raws_[next_raw].value, raws_[next_raw].count);
  };
  flush_raws(0);
  int64_t i = 0;
  for (int64_t end : plane_ends_) {
    for (; i < end; ++i) {
      int low = tables.low_bits[contexts_[i]];
      uint32_t high = values_[i] >> low;
      if (tables.escapes && high >= kEscape) bits.put_exp_golomb(high - kEscape, 0);
      if (low) bits.put(values_[i], low);
    }
    flush_raws(end);
  }
  std::vector<uint8_t> raw = bits.finish();

  // Words: rANS runs backwards, from the last symbol of the last plane to the first.
  struct Code {
    uint32_t frequency, start;
  };
  std::vector<std::array<Code, 256>> codes(tables.tables.size());
  for (size_t t = 0; t < codes.size(); ++t) {
    uint32_t start = 0;
    for (int s = 0; s < 256; ++s) {
      codes[t][s] = {tables.tables[t][s], start};
      start += tables.tables[t][s];
    }
  }
  uint32_t states[kMaxLanes];
  std::fill(states, states + kMaxLanes, kRansLow);
  std::vector<uint16_t> words;
  words.reserve(static_cast<size_t>(n) / 2 + 16);
  for (size_t p = plane_ends_.size(); p-- > 0;) {
    int64_t begin = p ? plane_ends_[p - 1] : 0;
    for (int64_t k = plane_ends_[p] - 1; k >= begin; --k) {
      uint32_t& x = states[(k - begin) & (head->lanes - 1)];
      int c = contexts_[k];
      uint32_t symbol = std::min<uint32_t>(values_[k] >> tables.low_bits[c], kEscape);
      Code code = codes[tables.map[c]][symbol];
      if (x >= static_cast<uint64_t>(code.frequency) << (32 - kRansProbBits)) {
        words.push_back(static_cast<uint16_t>(x));
        x >>= 16;
      }
      x = (x / code.frequency) << kRansProbBits | (x % code.frequency + code.start);
    }
  }
  head->word_bytes = 0;
  if (n > 0) {
    const uint8_t* state_bytes = reinterpret_cast<const uint8_t*>(states);
    out.insert(out.end(), state_bytes, state_bytes + head->lanes * 4);
    std::reverse(words.begin(), words.end());
    const uint8_t* word_bytes = reinterpret_cast<const uint8_t*>(words.data());
    out.insert(out.end(), word_bytes, word_bytes + words.size() * 2);
    head->word_bytes = static_cast<size_t>(head->lanes) * 4 + words.size() * 2;
  }
  head->raw_bytes = raw.size();
  out.insert(out.end(), raw.begin(), raw.end());
}

}  // namespace splatzip
