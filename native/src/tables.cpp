#include "tables.h"

#include <algorithm>
#include <numeric>

namespace splatzip {
namespace {

// log2(1 + i / 4096) in 1/2^16, from the exact functions: the same on every machine.
struct LogTable {
  std::array<uint32_t, 4097> log2;
  LogTable() {
    for (int i = 0; i <= 4096; ++i)
      log2[i] = static_cast<uint32_t>(exact_log(1.0 + i / 4096.0) * kInvLn2 * 65536.0 + 0.5);
  }
};

const LogTable kLogTable;

inline int64_t log2_fixed(uint32_t n) {
  if (n <= 1) return 0;
  int e = bit_length(n) - 1;
  uint32_t mantissa = e >= 12 ? (n >> (e - 12)) - 4096 : (n << (12 - e)) - 4096;
  return (static_cast<int64_t>(e) << 16) + kLogTable.log2[mantissa];
}

int last_used(const Frequencies& f) {
  int last = 255;
  while (last > 0 && f[last] == 0) --last;
  return last;
}

// What the neighbours of a symbol make of its frequency: the order of the exponential Golomb code follows.
int predicted(const Frequencies& f, int symbol) {
  if (symbol == 0) return 512;
  if (symbol == 1) return f[0];
  return (f[symbol - 1] + f[symbol - 2] + 1) / 2;
}

int golomb_order(int prediction) { return std::max(0, bit_length(static_cast<uint64_t>(prediction)) - 2); }

// The symbol whose frequency may change by `step` (+1 or -1) at the least cost in bits.
int cheapest_step(const std::array<uint32_t, 256>& counts, const Frequencies& f, int step) {
  int best = -1;
  int64_t best_cost = 0;
  for (int s = 0; s < 256; ++s) {
    if (counts[s] == 0 || f[s] + step < 1) continue;
    int64_t cost = counts[s] * (log2_fixed(f[s]) - log2_fixed(static_cast<uint32_t>(f[s] + step)));
    if (best < 0 || cost < best_cost) best = s, best_cost = cost;
  }
  return best;
}

Frequencies normalised(const std::array<uint32_t, 256>& counts) {
  Frequencies f{};
  uint64_t total = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  if (total == 0) {
    f[0] = kRansTotal;
    return f;
  }
  int64_t sum = 0;
  for (int s = 0; s < 256; ++s) {
    if (counts[s] == 0) continue;
    uint64_t scaled = (static_cast<uint64_t>(counts[s]) * kRansTotal + total / 2) / total;
    f[s] = static_cast<uint16_t>(std::max<uint64_t>(1, scaled));
    sum += f[s];
  }
  // The rounding error goes where a step gains most (or costs least) bits.
  for (; sum < kRansTotal; ++sum) ++f[cheapest_step(counts, f, +1)];
  for (; sum > kRansTotal; --sum) --f[cheapest_step(counts, f, -1)];
  return f;
}

struct Cluster {
  std::array<uint32_t, 256> counts;
  int last;  // no symbol above it was seen
  int64_t cost = 0;
  std::vector<int> members;
};

// In 1/2^16 bits: symbols counted under the best table for them, and that table's own size, estimated: about 6 bits a
// used symbol and 1 an unused one below the last.
template <class CountOf>
int64_t whole_cost(int last, CountOf&& count_of) {
  uint32_t total = 0;
  int64_t cost = 0;
  int used = 0;
  for (int s = 0; s <= last; ++s) {
    const uint32_t n = count_of(static_cast<size_t>(s));
    total += n;
    used += n > 0;
    cost -= n * log2_fixed(n);
  }
  return cost + total * log2_fixed(total) + (static_cast<int64_t>(8 + 6 * used + (last + 1 - used)) << 16);
}

int64_t cost_of(const Cluster& a) {
  return whole_cost(a.last, [&](size_t s) { return a.counts[s]; });
}

int64_t cost_of_both(const Cluster& a, const Cluster& b) {
  return whole_cost(std::max(a.last, b.last), [&](size_t s) { return a.counts[s] + b.counts[s]; });
}

}  // namespace

int64_t n_log2_n(uint32_t n) { return n * log2_fixed(n); }

void TableSet::prepare() {
  constexpr int kSlotsOfHint = kRansTotal / kHints;
  hints.assign(tables.size() * kHints + 3, 0);
  starts.assign(tables.size() * kStartStride, kRansTotal);
  for (size_t t = 0; t < tables.size(); ++t) {
    uint16_t* start = starts.data() + t * kStartStride;
    uint8_t* hint = hints.data() + t * kHints;
    int next = 0;  // slot
    for (int s = 0; s < 256; ++s) {
      start[s] = static_cast<uint16_t>(next);
      const int first = (next + kSlotsOfHint - 1) / kSlotsOfHint;
      next += tables[t][static_cast<size_t>(s)];
      const int end = (next + kSlotsOfHint - 1) / kSlotsOfHint;
      std::fill(hint + first, hint + end, static_cast<uint8_t>(s));
    }
    for (size_t s = 0; s < kLikelySymbols; ++s) likely[s * kMaxTables + t] = start[s + 1];
  }
  for (int c = 0; c < contexts; ++c) table_of[static_cast<size_t>(c)] = map[static_cast<size_t>(c)];
}

void write_table_set(ByteWriter& out, const TableSet& set) {
  out.byte(static_cast<uint8_t>(set.stream));
  out.byte(static_cast<uint8_t>(set.contexts - 1));
  out.byte(static_cast<uint8_t>((set.tables.size() - 1) | (set.escapes ? 16u : 0u)));
  BitWriter bits;
  bool any_low = std::any_of(set.low_bits.begin(), set.low_bits.begin() + set.contexts, [](int b) { return b > 0; });
  bits.put(any_low, 1);
  int map_bits = bit_length(set.tables.size() - 1);
  for (int c = 0; c < set.contexts; ++c) {
    bits.put(set.map[c], map_bits);
    if (any_low) bits.put(set.low_bits[c], 5);
  }
  for (const Frequencies& f : set.tables) {
    int last = last_used(f);
    bits.put(static_cast<uint64_t>(last), 8);
    int left = kRansTotal;
    for (int s = 0; s < last; ++s) {  // the last frequency is what is left
      int prediction = std::min(predicted(f, s), left);
      bits.put_exp_golomb(zigzag(f[s] - prediction), golomb_order(prediction));
      left -= f[s];
    }
  }
  std::vector<uint8_t> packed = bits.finish();
  out.varint(packed.size());
  out.append(packed.data(), packed.size());
}

bool read_table_set(ByteReader& in, TableSet* set) {
  set->stream = in.byte();
  set->contexts = in.byte() + 1;
  int flags = in.byte();
  size_t size = in.varint();
  const uint8_t* packed = in.take(size);
  if (!packed || set->contexts > kMaxContexts || flags > 31) return false;
  set->escapes = flags & 16;
  size_t tables = (flags & 15) + 1;
  BitReader bits(packed, size);
  bool any_low = bits.get(1);
  int map_bits = bit_length(tables - 1);
  for (int c = 0; c < set->contexts; ++c) {
    set->map[c] = static_cast<uint8_t>(bits.get(map_bits));
    set->low_bits[c] = static_cast<uint8_t>(any_low ? bits.get(5) : 0);
    if (set->map[c] >= tables || set->low_bits[c] > 24) return false;
  }
  set->tables.assign(tables, Frequencies{});
  for (Frequencies& f : set->tables) {
    int last = static_cast<int>(bits.get(8)), left = kRansTotal;
    for (int s = 0; s < last; ++s) {
      int prediction = std::min(predicted(f, s), left);
      int value = prediction + unzigzag(bits.get_exp_golomb(golomb_order(prediction)));
      if (!bits.ok() || value < 0 || value > left) return false;
      f[s] = static_cast<uint16_t>(value);
      left -= value;
    }
    if (left == 0) return false;  // the last symbol is a used one
    f[last] = static_cast<uint16_t>(left);
  }
  return bits.at_end();
}

TableSet build_table_set(int stream, bool escapes, const Histogram& histogram) {
  std::vector<Cluster> clusters;
  TableSet set;
  set.stream = stream;
  set.escapes = escapes;
  set.contexts = histogram.contexts;
  set.low_bits = histogram.low_bits;
  for (int c = 0; c < histogram.contexts; ++c) {
    const auto& counts = histogram.counts[c];
    int last = 255;
    while (last >= 0 && counts[static_cast<size_t>(last)] == 0) --last;
    if (last < 0) continue;
    clusters.push_back({counts, last, 0, {c}});
    clusters.back().cost = cost_of(clusters.back());
  }
  const int64_t kNever = INT64_MAX / 4;
  size_t count = clusters.size();
  std::vector<int64_t> gain(count * count, kNever);  // cost of merging i and j minus cost of both
  auto price = [&](size_t i, size_t j) {
    return cost_of_both(clusters[i], clusters[j]) - clusters[i].cost - clusters[j].cost;
  };
  std::vector<bool> alive(count, true);
  for (size_t i = 0; i < count; ++i)
    for (size_t j = i + 1; j < count; ++j) gain[i * count + j] = price(i, j);
  for (size_t left = count;; --left) {
    size_t bi = 0, bj = 0;
    int64_t best = kNever;
    for (size_t i = 0; i < count; ++i)
      for (size_t j = i + 1; j < count; ++j)
        if (gain[i * count + j] < best) best = gain[i * count + j], bi = i, bj = j;
    if (best == kNever || (best >= 0 && left <= static_cast<size_t>(kMaxTables))) break;
    Cluster& a = clusters[bi];
    for (size_t s = 0; s < 256; ++s) a.counts[s] += clusters[bj].counts[s];
    a.last = std::max(a.last, clusters[bj].last);
    a.cost = cost_of(a);
    a.members.insert(a.members.end(), clusters[bj].members.begin(), clusters[bj].members.end());
    alive[bj] = false;
    for (size_t k = 0; k < count; ++k) {
      gain[std::min(k, bj) * count + std::max(k, bj)] = kNever;
      if (k == bi || !alive[k]) continue;
      gain[std::min(k, bi) * count + std::max(k, bi)] = price(std::min(k, bi), std::max(k, bi));
    }
  }
  for (size_t i = 0; i < count; ++i) {
    if (!alive[i]) continue;
    for (int member : clusters[i].members) set.map[member] = static_cast<uint8_t>(set.tables.size());
    set.tables.push_back(normalised(clusters[i].counts));
  }
  if (set.tables.empty()) set.tables.push_back(normalised({}));
  return set;
}

}  // namespace splatzip
