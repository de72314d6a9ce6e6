#include "streams.h"

#include <algorithm>
#include <numeric>

#include "isa.h"

namespace splatzip {
namespace {

constexpr int kSymbolBits = 5;  // nine tenths of a context's symbols stay below 2^kSymbolBits
constexpr int kLaneCodes[3] = {1, 4, 32};
constexpr uint64_t kMostStreams = 64;  // of a chunk
constexpr int64_t kSymbolsFor4Lanes = 512;

}  // namespace

void write_stream_head(ByteWriter& out, const StreamHead& head) {
  int code = head.lanes == 32 ? 2 : head.lanes == 4 ? 1 : 0;
  out.byte(static_cast<uint8_t>(head.stream));
  out.varint(static_cast<uint64_t>(head.table_set) << 2 | static_cast<uint64_t>(code));
  out.varint(head.word_bytes);
  out.varint(head.raw_bytes);
}

void write_streams(ByteWriter& out, const FinishedStream* streams, size_t count) {
  out.varint(count);
  for (size_t s = 0; s < count; ++s) write_stream_head(out, streams[s].head);
  for (size_t s = 0; s < count; ++s) out.append(streams[s].bytes.data(), streams[s].bytes.size());
}

bool read_stream_head(ByteReader& in, StreamHead* head) {
  head->stream = in.byte();
  uint64_t code = in.varint();
  head->word_bytes = in.size();
  head->raw_bytes = in.size();
  if (!in.ok() || (code & 3) == 3 || code >> 2 > 255) return false;
  head->table_set = static_cast<int>(code >> 2);
  head->lanes = kLaneCodes[code & 3];
  return true;
}

bool read_streams(ByteReader& in, std::vector<StreamBytes>* streams) {
  streams->clear();
  const uint64_t count = in.varint();
  if (!in.ok() || count > kMostStreams) return false;
  streams->resize(count);
  for (StreamBytes& stream : *streams)
    if (!read_stream_head(in, &stream.head)) return false;
  bool seen[kFirstOptionalStream] = {};
  size_t kept = 0;
  for (const StreamBytes& stream : *streams) {
    const StreamHead& head = stream.head;
    if (head.word_bytes > in.left() || head.raw_bytes > in.left()) return false;  // their sum does not overflow
    const uint8_t* data = in.take(head.word_bytes + head.raw_bytes);
    if (!data) return false;
    if (head.stream >= kFirstOptionalStream) continue;
    if (seen[head.stream]) return false;
    seen[head.stream] = true;
    (*streams)[kept++] = {head, data};
  }
  streams->resize(kept);
  return in.at_end();
}

const TableSet* find_table_set(const std::vector<TableChunk>& tables, const StreamHead& head) {
  const size_t id = static_cast<size_t>(head.table_set);
  return id < tables.size() ? tables[id].find(head.stream) : nullptr;
}

bool StreamReader::open(const StreamHead& head, const uint8_t* data, const TableSet* tables) {
  size_t state_bytes = static_cast<size_t>(head.lanes) * 4;
  ok_ = head.word_bytes == 0 || (head.word_bytes >= state_bytes && head.word_bytes % 2 == 0);
  if (!ok_) return false;
  tables_ = tables;
  lanes_ = head.lanes;
  std::fill(states_, states_ + kMaxLanes, kRansLow);
  const size_t words = head.word_bytes ? (head.word_bytes - state_bytes) / 2 : 0;
  copied_.resize(words + kSpareWords);
  std::fill(copied_.end() - kSpareWords, copied_.end(), uint16_t{0});
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
  const size_t size = static_cast<size_t>(n);
  if (symbols_.size() < size) symbols_.resize(size);
  if (!contexts) {
    if (zeros_.size() < size) zeros_.resize(size);
    contexts = zeros_.data();
  }
  if (symbols(contexts, symbols_.data(), n)) {
    kernels().widen_symbols(symbols_.data(), is_signed, values, n);
  } else {
    complete(contexts, symbols_.data(), values, n, is_signed);
  }
}

bool StreamReader::symbols(const uint8_t* contexts, uint8_t* symbols, int64_t n) {
  if (ok_)
    words_ =
        kernels().rans_decode_plane(states_, lanes_, tables_->decoding(), contexts, symbols, n, words_, words_end_);
  ok_ = ok_ && words_;
  if (!ok_) std::fill(symbols, symbols + n, uint8_t{0});
  incomplete_count_ = 0;
  uint8_t extra[256] = {};
  for (size_t c = 0; c < static_cast<size_t>(tables_->contexts); ++c) extra[c] = tables_->low_bits[c] > 0;
  if (ok_ && (tables_->escapes || std::any_of(extra, extra + kMaxContexts, [](uint8_t e) { return e > 0; }))) {
    if (incomplete_.size() < static_cast<size_t>(n)) incomplete_.resize(static_cast<size_t>(n));
    incomplete_count_ =
        kernels().find_incomplete(contexts, symbols, extra, tables_->escapes ? kEscape : 256, n, incomplete_.data());
  }
  if (incomplete_count_ == 0) incomplete_ = {};
  return incomplete_count_ == 0;
}

void StreamReader::complete(const uint8_t* contexts, const uint8_t* symbols, int32_t* values, int64_t n,
                            bool is_signed) {
  kernels().widen_symbols(symbols, is_signed, values, n);
  for (int64_t k = 0; k < incomplete_count_; ++k) {
    const int64_t i = incomplete_[static_cast<size_t>(k)];
    uint64_t u = symbols[i];
    const int low = tables_->low_bits[contexts[i]];
    if (u == kEscape && tables_->escapes) u += bits_.get_exp_golomb(0);
    if (low) u = u << low | bits_.get(low);
    if (u > INT32_MAX) ok_ = false, u = 0;
    values[i] = is_signed ? unzigzag(static_cast<uint32_t>(u)) : static_cast<int32_t>(u);
  }
  incomplete_ = {};
  ok_ = ok_ && bits_.ok();
}

bool StreamReader::close() const {
  if (!ok() || words_ != words_end_ || !bits_.at_end()) return false;
  return std::all_of(states_, states_ + lanes_, [](uint32_t x) { return x == kRansLow; });
}

void StreamWriter::plane(const uint8_t* contexts, int32_t* values, int64_t n, bool is_signed) {
  const size_t size = static_cast<size_t>(n);
  Plane& plane = planes_.emplace_back();
  plane.values.resize(size);
  plane.contexts.resize(size);
  for (size_t i = 0; i < size; ++i) plane.values[i] = is_signed ? zigzag(values[i]) : static_cast<uint32_t>(values[i]);
  if (contexts) std::copy(contexts, contexts + n, plane.contexts.begin());
  if (!contexts) std::fill(plane.contexts.begin(), plane.contexts.end(), uint8_t{0});
  symbols_ += n;
}

void StreamWriter::measure(std::vector<std::array<uint32_t, 33>>& lengths) const {
  for (const Plane& plane : planes_)
    for (size_t i = 0; i < plane.values.size(); ++i) ++lengths[plane.contexts[i]][bit_length(plane.values[i])];
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

bool needs_no_low_bits(const Histogram& histogram) {
  return std::all_of(histogram.counts.begin(), histogram.counts.end(), [](const std::array<uint32_t, 256>& counts) {
    const uint64_t small = std::accumulate(counts.begin(), counts.begin() + (1 << kSymbolBits), uint64_t{0});
    return small * 10 >= std::accumulate(counts.begin(), counts.end(), uint64_t{0}) * 9;
  });
}

TableSet tables_for(int stream, SymbolRule rule, int contexts, const std::vector<const StreamWriter*>& streams) {
  Histogram histogram;
  histogram.contexts = contexts;
  histogram.counts.resize(static_cast<size_t>(contexts));
  auto count = [&] {
    for (auto& c : histogram.counts) c.fill(0);
    for (const StreamWriter* each : streams) each->count(histogram);
  };
  count();
  if (rule == SymbolRule::indices || (rule == SymbolRule::escapes && !needs_no_low_bits(histogram))) {
    std::vector<std::array<uint32_t, 33>> lengths(static_cast<size_t>(contexts));
    for (auto& l : lengths) l.fill(0);
    for (const StreamWriter* each : streams) each->measure(lengths);
    if (rule == SymbolRule::indices) {
      for (size_t c = 0; c < lengths.size(); ++c) {
        int length = 32;
        while (length > 8 && lengths[c][static_cast<size_t>(length)] == 0) --length;
        histogram.low_bits[c] = static_cast<uint8_t>(length - 8);
      }
    } else {
      choose_low_bits(lengths, &histogram);
    }
    count();
  }
  return build_table_set(stream, rule == SymbolRule::escapes, histogram);
}

void StreamWriter::count(Histogram& histogram) const {
  for (const Plane& plane : planes_)
    for (size_t i = 0; i < plane.values.size(); ++i) {
      const int c = plane.contexts[i];
      ++histogram.counts[c][std::min<uint32_t>(plane.values[i] >> histogram.low_bits[c], kEscape)];
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
  for (const Plane& plane : planes_)
    for (size_t k = 0; k < plane.values.size(); ++k) {
      const int c = plane.contexts[k];
      sum += cost[tables.map[c]][std::min<uint32_t>(plane.values[k] >> tables.low_bits[c], kEscape)];
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
  const bool any_low = std::any_of(tables.low_bits.begin(), tables.low_bits.end(), [](uint8_t low) { return low > 0; });
  int64_t end = 0;
  for (const Plane& plane : planes_) {
    const size_t size = plane.values.size();
    uint32_t most = 0;
    for (uint32_t value : plane.values) most = std::max(most, value);
    const bool complete = !any_low && (!tables.escapes || most < kEscape);  // the symbols say it all
    for (size_t i = complete ? size : 0; i < size; ++i) {
      int low = tables.low_bits[plane.contexts[i]];
      uint32_t high = plane.values[i] >> low;
      if (tables.escapes && high >= kEscape) bits.put_exp_golomb(high - kEscape, 0);
      if (low) bits.put(plane.values[i], low);
    }
    flush_raws(end += static_cast<int64_t>(size));
  }
  std::vector<uint8_t> raw = bits.finish();

  // Words: rANS runs backwards, from the last symbol of the last plane to the first.
  struct Code {
    uint64_t inverse;  // x / frequency = x * inverse >> 44 for x < frequency << 20: exact, and it fits 64 bits
    uint32_t frequency, start;
  };
  std::vector<std::array<Code, 256>> codes(tables.tables.size());
  for (size_t t = 0; t < codes.size(); ++t) {
    uint32_t start = 0;
    for (int s = 0; s < 256; ++s) {
      const uint32_t frequency = tables.tables[t][s];
      codes[t][s] = {frequency ? (uint64_t{1} << 44) / frequency + 1 : 0, frequency, start};
      start += frequency;
    }
  }
  static_assert(kRansProbBits == 12);
  uint32_t states[kMaxLanes];
  std::fill(states, states + kMaxLanes, kRansLow);
  Uninitialised<uint16_t> words(static_cast<size_t>(n) + 1);  // at most one a symbol
  uint16_t* word = words.data() + n;
  for (size_t p = planes_.size(); p-- > 0;) {
    const Plane& plane = planes_[p];
    for (size_t k = plane.values.size(); k-- > 0;) {
      uint32_t& state = states[k & (static_cast<size_t>(head->lanes) - 1)];
      const int c = plane.contexts[k];
      const uint32_t symbol = std::min<uint32_t>(plane.values[k] >> tables.low_bits[c], kEscape);
      const Code& code = codes[tables.map[c]][symbol];
      uint32_t x = state;
      const bool full = x >= static_cast<uint64_t>(code.frequency) << (32 - kRansProbBits);
      *word = static_cast<uint16_t>(x);  // no branch: it is overwritten unless it counts
      word -= full;
      x = full ? x >> 16 : x;
      const uint32_t quotient = static_cast<uint32_t>(x * code.inverse >> 44);
      state = x + code.start + quotient * (kRansTotal - code.frequency);
    }
  }
  ++word;
  const size_t word_bytes = static_cast<size_t>(words.data() + n + 1 - word) * 2;
  head->word_bytes = 0;
  if (n > 0) {
    const uint8_t* state_bytes = reinterpret_cast<const uint8_t*>(states);
    out.insert(out.end(), state_bytes, state_bytes + head->lanes * 4);
    const uint8_t* first = reinterpret_cast<const uint8_t*>(word);
    out.insert(out.end(), first, first + word_bytes);
    head->word_bytes = static_cast<size_t>(head->lanes) * 4 + word_bytes;
  }
  head->raw_bytes = raw.size();
  out.insert(out.end(), raw.begin(), raw.end());
}

}  // namespace splatzip
