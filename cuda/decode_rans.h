// Streams of interleaved rANS by one warp (FORMAT.md 4.3): 32 symbols at once where a stream has 32 lanes, four or
// one where it has fewer; then all threads of the warp follow the same few states, each keeps the symbol of its own
// row.
#pragma once
#include "decode_job.h"
#include "splatzip/rans.h"
#include "warp.h"

namespace splatzip::cuda {

// Decoding tables as TableSet::prepare lays them out (native/src/isa.h).
constexpr uint32_t kHintsOfTable = 1024, kStartsOfTable = 260;
constexpr uint32_t kNoRawLimit = 0x7FFFFFFFu;  // largest value

template <class Warp>
struct Stream {
  typename Warp::template Lanes<uint32_t> x;  // state of lane (own lane mod lanes)
  // Words ahead of their use: the lane's of the 32 that next_word is among and of the 32 behind those, 16 bits each,
  // and of the next 32. Which words a group takes is known last of all; then they are a shuffle away.
  typename Warp::template Lanes<uint32_t> window, coming;
  const uint8_t *words, *raw;
  const uint32_t* table_of;
  const uint8_t* hints;
  const uint16_t* starts;
  uint32_t word_count, next_word;
  uint64_t raw_bits, next_bit;
  int lanes;
  bool escapes, any_raw, ok;
};

SPLZ_ON_WARP uint32_t word_at(const uint8_t* words, uint32_t index) {
  return words[2 * static_cast<uint64_t>(index)] | static_cast<uint32_t>(words[2 * static_cast<uint64_t>(index) + 1])
                                                       << 8;
}

// `count` (0..32) of `size` bits from `at` on, lowest first; what lies beyond the end is 0.
SPLZ_ON_WARP uint32_t bits_at(const uint8_t* bytes, uint64_t size, uint64_t at, int count) {
  uint64_t found = 0;
  const uint64_t first = at >> 3, end = (size + 7) >> 3;
  for (int k = 0; k < 5; ++k)
    if (first + static_cast<uint64_t>(k) < end)
      found |= static_cast<uint64_t>(bytes[first + static_cast<uint64_t>(k)]) << (8 * k);
  return static_cast<uint32_t>(found >> (at & 7) & ((uint64_t{1} << count) - 1));
}

// A stream but for where it stands: its lanes' states, the next word, the next bit.
template <class Warp, class Job>
SPLZ_ON_WARP Stream<Warp> stream_at(const Warp&, const Job& job, const StreamPlace& place) {
  Stream<Warp> s;
  s.lanes = place.lanes;
  const RansSet& set = job.sets[place.set];
  s.table_of = reinterpret_cast<const uint32_t*>(job.constants + set.table_of);
  s.hints = job.constants + set.hints;
  s.starts = reinterpret_cast<const uint16_t*>(job.constants + set.starts);
  s.escapes = set.escapes, s.any_raw = set.any_raw;
  const uint32_t state_bytes = place.word_bytes ? static_cast<uint32_t>(place.lanes) * 4 : 0;
  s.words = place.bytes + state_bytes;
  s.word_count = (place.word_bytes - state_bytes) / 2;
  s.raw = place.bytes + place.word_bytes;
  s.raw_bits = static_cast<uint64_t>(place.raw_bytes) * 8;
  s.ok = true;
  return s;
}

// A word of the stream; what lies beyond the end is 0.
template <class Warp>
SPLZ_ON_WARP uint32_t word_of(const Stream<Warp>& s, uint32_t index) {
  return index < s.word_count ? word_at(s.words, index) : 0;
}

// Words from where the stream stands.
template <class Warp>
SPLZ_ON_WARP void read_words(const Warp& warp, Stream<Warp>& s) {
  warp.own([&](int lane) {
    const uint32_t at = s.next_word / kLanes * kLanes + static_cast<uint32_t>(lane);
    s.window[lane] = word_of(s, at) | word_of(s, at + kLanes) << 16;
    s.coming[lane] = word_of(s, at + 2 * kLanes);
  });
}

// So many were taken.
template <class Warp>
SPLZ_ON_WARP void pass_words(const Warp& warp, Stream<Warp>& s, uint32_t taken) {
  const uint32_t block = s.next_word / kLanes;
  s.next_word += taken;
  if (s.next_word / kLanes == block) return;
  warp.own([&](int lane) {
    s.window[lane] = s.window[lane] >> 16 | s.coming[lane] << 16;
    s.coming[lane] = word_of(s, (block + 3) * kLanes + static_cast<uint32_t>(lane));
  });
}

// The plan saw to it that the states are there and large enough.
template <class Warp, class Job>
SPLZ_ON_WARP Stream<Warp> open_stream(const Warp& warp, const Job& job, const StreamPlace& place) {
  Stream<Warp> s = stream_at(warp, job, place);
  s.next_word = 0;
  s.next_bit = 0;
  warp.each([&](int lane) {
    s.x[lane] = kRansLow;
    if (place.word_bytes) {
      const uint32_t own = static_cast<uint32_t>(lane & (place.lanes - 1));
      s.x[lane] = word_at(place.bytes, 2 * own) | word_at(place.bytes, 2 * own + 1) << 16;
    }
  });
  read_words(warp, s);
  return s;
}

// Every lane back at kRansLow, every word and bit taken but the last byte's padding, which is 0.
template <class Warp>
SPLZ_ON_WARP bool close_stream(const Warp& warp, const Stream<Warp>& s) {
  typename Warp::template Lanes<bool> open;
  warp.each([&](int lane) { open[lane] = s.x[lane] != kRansLow; });
  const bool states_done = warp.ballot(open) == 0;
  return s.ok && states_done && s.next_word == s.word_count && s.next_bit <= s.raw_bits &&
         s.raw_bits - s.next_bit < 8 && bits_at(s.raw, s.raw_bits, s.next_bit, 8) == 0;
}

// The symbol of a state's slot, or one a little below, mostly by less than three.
template <class Warp>
SPLZ_ON_WARP uint32_t hint_of(const Stream<Warp>& s, uint32_t table, uint32_t x) {
  return s.hints[table * kHintsOfTable + (x & (kRansTotal - 1)) * kHintsOfTable / kRansTotal];
}

// One symbol, from that hint. The starts it may take are read at once: a stream is one chain of look-ups, and each that
// waits for another adds to the time of all.
template <class Warp>
SPLZ_ON_WARP uint32_t decode_symbol(const Stream<Warp>& s, uint32_t table, uint32_t hint, uint32_t x,
                                    uint32_t* symbol) {
  const uint32_t slot = x & (kRansTotal - 1);
  const uint16_t* starts = s.starts + (table * kStartsOfTable + hint);
  const uint32_t first = starts[0], second = starts[1], third = starts[2], fourth = starts[3];
  uint32_t start = slot >= third ? third : slot >= second ? second : first;
  uint32_t end = slot >= third ? fourth : slot >= second ? third : second;
  uint32_t found = hint + (slot >= second) + (slot >= third);
  while (slot >= end) {
    start = end;
    ++found;
    end = s.starts[table * kStartsOfTable + found + 1];
  }
  *symbol = found;
  return rans_step(x, start, end);
}

// Symbols of `active` rows, one a lane, by what table_of has of the lanes' contexts. meanwhile(): what can be done
// until the first look-up comes back.
template <class Warp, class Meanwhile>
SPLZ_ON_WARP void decode_group(const Warp& warp, Stream<Warp>& s, int active,
                               const typename Warp::template Lanes<uint32_t>& tables,
                               typename Warp::template Lanes<uint32_t>& symbols, const Meanwhile& meanwhile) {
  const int lanes = s.lanes;
  const uint32_t own_lanes = lanes == kLanes ? kAllLanes : (1u << lanes) - 1;
  for (int first = 0; first < active; first += lanes) {
    auto table = tables;
    if (lanes < kLanes) table = warp.shuffle(tables, [=](int lane) { return first + (lane & (lanes - 1)); });
    typename Warp::template Lanes<uint32_t> hint, place;
    typename Warp::template Lanes<bool> below;
    warp.own([&](int lane) {
      table[lane] &= kTableMask;
      hint[lane] = hint_of(s, table[lane], s.x[lane]);
    });
    if (first == 0) meanwhile();
    warp.own([&](int lane) {
      const int row = first + (lane & (lanes - 1));
      uint32_t symbol = 0;
      if (row < active) s.x[lane] = decode_symbol(s, table[lane], hint[lane], s.x[lane], &symbol);
      if (row == lane) symbols[lane] = symbol;
      below[lane] = row < active && s.x[lane] < kRansLow;
    });
    const uint32_t takers = warp.ballot(below) & own_lanes;
    warp.own([&](int lane) {
      const uint32_t before = takers & ((1u << (lane & (lanes - 1))) - 1);
      place[lane] = s.next_word % kLanes + static_cast<uint32_t>(count_bits(before));
    });
    const auto words = warp.shuffle(s.window, [&](int lane) { return static_cast<int>(place[lane] % kLanes); });
    warp.own([&](int lane) {
      const uint32_t word = words[lane] >> (place[lane] < kLanes ? 0 : 16) & 0xFFFF;
      if (below[lane]) s.x[lane] = s.x[lane] << 16 | word;
    });
    pass_words(warp, s, static_cast<uint32_t>(count_bits(takers)));
    if (s.next_word > s.word_count) {
      s.ok = false;
      return;
    }
  }
}

// Exponential Golomb of order 0 at bit `at`: its value, and how many bits it has; 0 bits: it is none.
template <class Warp>
SPLZ_ON_WARP uint32_t golomb_at(const Stream<Warp>& s, uint64_t at, int* length) {
  int zeros = 0;
  while (zeros <= 30 && at + static_cast<uint64_t>(zeros) < s.raw_bits &&
         bits_at(s.raw, s.raw_bits, at + static_cast<uint64_t>(zeros), 1) == 0)
    ++zeros;
  *length = 0;
  if (zeros > 30 || at + static_cast<uint64_t>(2 * zeros + 1) > s.raw_bits) return 0;
  *length = 2 * zeros + 1;
  return (1u << zeros) - 1 + bits_at(s.raw, s.raw_bits, at + static_cast<uint64_t>(zeros + 1), zeros);
}

// What symbols of a group cannot say: the rows' raw bits follow each other.
template <class Warp>
SPLZ_ON_WARP void complete_group(const Warp& warp, Stream<Warp>& s, int active,
                                 const typename Warp::template Lanes<uint32_t>& tables,
                                 typename Warp::template Lanes<uint32_t>& values) {
  typename Warp::template Lanes<uint32_t> low, moved(0u), added(0u);
  typename Warp::template Lanes<bool> escaped, unfinished, large;
  warp.each([&](int lane) {
    low[lane] = lane < active ? tables[lane] >> kLowBitsShift : 0;
    escaped[lane] = lane < active && s.escapes && values[lane] == static_cast<uint32_t>(kEscape);
    unfinished[lane] = low[lane] || escaped[lane];
  });
  if (warp.ballot(unfinished) == 0) return;
  uint32_t low_total = 0, golomb_total = 0;
  const auto low_before = warp.sums_before(low, &low_total);
  for (uint32_t left = warp.ballot(escaped); left; left &= left - 1) {
    const int escapes = count_bits((left & (0u - left)) - 1);  // the lane of the lowest bit
    int length = 0;
    const uint32_t value = golomb_at(s, s.next_bit + warp.of_lane(low_before, escapes) + golomb_total, &length);
    if (length == 0) {
      s.ok = false;
      return;
    }
    warp.each([&](int lane) {
      if (lane >= escapes) moved[lane] += static_cast<uint32_t>(length);
      if (lane == escapes) added[lane] = value;
    });
    golomb_total += static_cast<uint32_t>(length);
  }
  warp.each([&](int lane) {
    const uint64_t at = s.next_bit + low_before[lane] + moved[lane];
    const int count = static_cast<int>(low[lane]);
    const uint64_t whole = static_cast<uint64_t>(values[lane]) + added[lane];
    const uint64_t value = whole << count | bits_at(s.raw, s.raw_bits, at, count);
    large[lane] = value > kNoRawLimit;
    values[lane] = static_cast<uint32_t>(value);
  });
  s.next_bit += low_total + golomb_total;
  if (warp.ballot(large) != 0 || s.next_bit > s.raw_bits) s.ok = false;
}

// A plane of n values, in groups of 32: known = load(i), context_of(i, known), take(i, known, value), all called by the
// lane that row i belongs to. Two of them run ahead, for a group is waited for several times: while it is, the next
// one's contexts are found, and rows of the one behind that are read. After a failure (s.ok) nothing more is taken.
template <class Warp, class Load, class ContextOf, class Take>
SPLZ_ON_WARP void decode_plane(const Warp& warp, Stream<Warp>& s, int n, const Load& load, const ContextOf& context_of,
                               const Take& take) {
  typename Warp::template Lanes<decltype(load(0))> known, next, later;
  typename Warp::template Lanes<uint32_t> tables, next_tables(0u), values;
  const auto look_ahead = [&](int first) {
    warp.own([&](int lane) {
      if (first + lane < n) {
        next[lane] = later[lane];
        next_tables[lane] = s.table_of[context_of(first + lane, next[lane])];
      }
      if (first + kLanes + lane < n) later[lane] = load(first + kLanes + lane);
    });
  };
  warp.own([&](int lane) {
    if (lane < n) later[lane] = load(lane);
  });
  look_ahead(0);
  for (int first = 0; first < n && s.ok; first += kLanes) {
    const int active = n - first < kLanes ? n - first : kLanes;
    warp.own([&](int lane) { known[lane] = next[lane], tables[lane] = next_tables[lane], values[lane] = 0; });
    decode_group(warp, s, active, tables, values, [&] { look_ahead(first + kLanes); });
    if (s.ok && s.any_raw) complete_group(warp, s, active, tables, values);
    if (!s.ok) return;
    warp.each([&](int lane) {
      if (lane < active) take(first + lane, known[lane], values[lane]);
    });
  }
}

// The same where a context needs what is known only then: context_of(i), take(i, value).
struct Nothing {};
template <class Warp, class ContextOf, class Take>
SPLZ_ON_WARP void decode_plane(const Warp& warp, Stream<Warp>& s, int n, const ContextOf& context_of,
                               const Take& take) {
  decode_plane(
      warp, s, n, [](int) { return Nothing{}; }, [&](int i, Nothing) { return context_of(i); },
      [&](int i, Nothing, uint32_t value) { take(i, value); });
}

SPLZ_ON_WARP int32_t signed_of(uint32_t value) {
  return static_cast<int32_t>(value >> 1) ^ -static_cast<int32_t>(value & 1);
}

}  // namespace splatzip::cuda
