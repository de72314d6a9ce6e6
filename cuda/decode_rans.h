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
  const uint8_t *words, *raw;
  const RansSet* set;
  const uint32_t* table_of;
  const uint8_t* hints;
  const uint16_t* starts;
  uint32_t word_count, next_word;
  uint64_t raw_bits, next_bit;
  int lanes;
  bool ok;
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
  s.set = job.sets + place.set;
  s.table_of = reinterpret_cast<const uint32_t*>(job.constants + s.set->table_of);
  s.hints = job.constants + s.set->hints;
  s.starts = reinterpret_cast<const uint16_t*>(job.constants + s.set->starts);
  const uint32_t state_bytes = place.word_bytes ? static_cast<uint32_t>(place.lanes) * 4 : 0;
  s.words = place.bytes + state_bytes;
  s.word_count = (place.word_bytes - state_bytes) / 2;
  s.raw = place.bytes + place.word_bytes;
  s.raw_bits = static_cast<uint64_t>(place.raw_bytes) * 8;
  s.ok = true;
  return s;
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

// One symbol: the hint is it or a little below, mostly by less than three. Those starts are read at once: a stream is
// one chain of look-ups, and each that waits for another adds to the time of all.
template <class Warp>
SPLZ_ON_WARP uint32_t decode_symbol(const Stream<Warp>& s, uint32_t table, uint32_t x, uint32_t* symbol) {
  const uint32_t slot = x & (kRansTotal - 1);
  uint32_t found = s.hints[table * kHintsOfTable + slot * kHintsOfTable / kRansTotal];
  const uint16_t* starts = s.starts + table * kStartsOfTable + found;
  const uint32_t first = starts[0], second = starts[1], third = starts[2], fourth = starts[3];
  uint32_t start = slot >= third ? third : slot >= second ? second : first;
  uint32_t end = slot >= third ? fourth : slot >= second ? third : second;
  found += (slot >= second) + (slot >= third);
  while (slot >= end) {
    start = end;
    ++found;
    end = s.starts[table * kStartsOfTable + found + 1];
  }
  *symbol = found;
  return rans_step(x, start, end);
}

// Symbols of `active` rows, one a lane, under the lanes' contexts.
template <class Warp>
SPLZ_ON_WARP void decode_group(const Warp& warp, Stream<Warp>& s, int active,
                               const typename Warp::template Lanes<uint32_t>& contexts,
                               typename Warp::template Lanes<uint32_t>& symbols) {
  const int lanes = s.lanes;
  const uint32_t own_lanes = lanes == kLanes ? kAllLanes : (1u << lanes) - 1;
  typename Warp::template Lanes<uint32_t> tables;  // before anything waits for a state
  warp.own([&](int lane) { tables[lane] = s.table_of[contexts[lane]]; });
  for (int first = 0; first < active; first += lanes) {
    auto table = tables;
    if (lanes < kLanes) table = warp.shuffle(tables, [=](int lane) { return first + (lane & (lanes - 1)); });
    typename Warp::template Lanes<bool> below;
    warp.own([&](int lane) {
      const int row = first + (lane & (lanes - 1));
      uint32_t symbol = 0;
      if (row < active) s.x[lane] = decode_symbol(s, table[lane], s.x[lane], &symbol);
      if (row == lane) symbols[lane] = symbol;
      below[lane] = row < active && s.x[lane] < kRansLow;
    });
    const uint32_t takers = warp.ballot(below) & own_lanes;
    const uint32_t taken = static_cast<uint32_t>(count_bits(takers));
    if (taken > s.word_count - s.next_word) {
      s.ok = false;
      return;
    }
    warp.own([&](int lane) {
      const uint32_t before = takers & ((1u << (lane & (lanes - 1))) - 1);
      if (below[lane])
        s.x[lane] = s.x[lane] << 16 | word_at(s.words, s.next_word + static_cast<uint32_t>(count_bits(before)));
    });
    s.next_word += taken;
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
                                 const typename Warp::template Lanes<uint32_t>& contexts,
                                 typename Warp::template Lanes<uint32_t>& values) {
  typename Warp::template Lanes<uint32_t> low, moved(0u), added(0u);
  typename Warp::template Lanes<bool> escaped, unfinished, large;
  warp.each([&](int lane) {
    low[lane] = lane < active ? s.set->low_bits[contexts[lane]] : 0;
    escaped[lane] = lane < active && s.set->escapes && values[lane] == static_cast<uint32_t>(kEscape);
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
// lane that row i belongs to. Loads run ahead, before the 32 rows in front of them are taken, so that none is waited
// for. After a failure (s.ok) nothing more is taken.
template <class Warp, class Load, class ContextOf, class Take>
SPLZ_ON_WARP void decode_plane(const Warp& warp, Stream<Warp>& s, int n, const Load& load, const ContextOf& context_of,
                               const Take& take) {
  typename Warp::template Lanes<decltype(load(0))> known, next;
  const bool any_raw = s.set->any_raw;
  warp.own([&](int lane) {
    if (lane < n) next[lane] = load(lane);
  });
  for (int first = 0; first < n; first += kLanes) {
    const int active = n - first < kLanes ? n - first : kLanes;
    typename Warp::template Lanes<uint32_t> contexts, values;
    warp.each([&](int lane) {
      known[lane] = next[lane];
      contexts[lane] = lane < active ? context_of(first + lane, known[lane]) : 0u;
      values[lane] = 0;
    });
    warp.own([&](int lane) {
      if (first + kLanes + lane < n) next[lane] = load(first + kLanes + lane);
    });
    if (s.ok) decode_group(warp, s, active, contexts, values);
    if (s.ok && any_raw) complete_group(warp, s, active, contexts, values);
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
