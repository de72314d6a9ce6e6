#include "tables.h"

#include <algorithm>
#include <cstring>
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

// n log2(n) in 1/2^16 bits; most counts of a small scene are in the table.
struct EntropyTable {
  std::array<uint32_t, 4096> of;
  EntropyTable() {
    for (uint32_t n = 0; n < of.size(); ++n) of[n] = static_cast<uint32_t>(n * log2_fixed(n));
  }
};

const EntropyTable kEntropyTable;

inline int64_t entropy_of(uint32_t n) { return n < kEntropyTable.of.size() ? kEntropyTable.of[n] : n * log2_fixed(n); }

// Contexts that share a table.
class Cluster {
 public:
  Cluster(const std::array<uint32_t, 256>& counts, int context) : counts_(counts), members_{context} { sum_up(); }

  bool empty() const { return used_.empty(); }
  const std::array<uint32_t, 256>& counts() const { return counts_; }
  const std::vector<int>& members() const { return members_; }

  // In 1/2^16 bits: what one table for both costs more than one for each.
  int64_t price_with(const Cluster& other) const {
    if (other.used_.size() < used_.size()) return other.price_with(*this);
    int64_t gained = 0;  // symbols that only one of them has cost the same in either case
    size_t common = 0;
    for (const uint8_t s : used_) {
      const uint32_t others = other.counts_[s];
      gained += entropy_of(counts_[s] + others) - entropy_[s] - other.entropy_[s];
      common += others > 0;
    }
    return cost_of(total_ + other.total_, entropies_ + other.entropies_ + gained,
                   used_.size() + other.used_.size() - common, std::max(used_.back(), other.used_.back())) -
           cost_ - other.cost_;
  }

  void merge(const Cluster& other) {
    for (size_t s = 0; s < 256; ++s) counts_[s] += other.counts_[s];
    members_.insert(members_.end(), other.members_.begin(), other.members_.end());
    sum_up();
  }

 private:
  // Symbols counted under the best table for them, and that table's own size, estimated: about 6 bits a used symbol
  // and 1 an unused one below the last.
  static int64_t cost_of(uint32_t total, int64_t entropies, size_t used, int last) {
    return entropy_of(total) - entropies +
           ((8 + 6 * static_cast<int64_t>(used) + (last + 1 - static_cast<int64_t>(used))) << 16);
  }
  void sum_up() {
    used_.clear();
    total_ = 0, entropies_ = 0;
    for (size_t s = 0; s < 256; ++s) {
      if (!counts_[s]) continue;
      used_.push_back(static_cast<uint8_t>(s));
      total_ += counts_[s];
      entropy_[s] = entropy_of(counts_[s]);
      entropies_ += entropy_[s];
    }
    if (!empty()) cost_ = cost_of(total_, entropies_, used_.size(), used_.back());
  }

  std::array<uint32_t, 256> counts_;
  std::array<int64_t, 256> entropy_{};  // of each count
  std::vector<int> members_;
  std::vector<uint8_t> used_;  // symbols that were seen
  uint32_t total_ = 0;
  int64_t entropies_ = 0, cost_ = 0;
};

// What merging any two clusters costs (less than nothing: gains). The nearest of those behind it is known of each.
class Prices {
 public:
  explicit Prices(const std::vector<Cluster>& clusters)
      : clusters_(clusters),
        count_(clusters.size()),
        price_(count_ * count_, kNever),
        nearest_(count_),
        alive_(count_, true) {
    for (size_t i = 0; i < count_; ++i) {
      for (size_t j = i + 1; j < count_; ++j) at(i, j) = clusters[i].price_with(clusters[j]);
      find_nearest(i);
    }
  }

  bool alive(size_t i) const { return alive_[i]; }

  // The cheapest pair, the first of equals. False: there is none.
  bool cheapest(size_t* first, size_t* second, int64_t* price) const {
    *price = kNever;
    for (size_t i = 0; i < count_; ++i)
      if (at(i, nearest_[i]) < *price) *price = at(i, nearest_[i]), *first = i, *second = nearest_[i];
    return *price != kNever;
  }

  // Cluster `first` has taken `second` in, which stands behind it.
  void merged(size_t first, size_t second) {
    alive_[second] = false;
    for (size_t k = 0; k < count_; ++k) {
      if (k != second) at(std::min(k, second), std::max(k, second)) = kNever;
      if (k != first && alive_[k])
        at(std::min(k, first), std::max(k, first)) = clusters_[k].price_with(clusters_[first]);
    }
    find_nearest(first);
    find_nearest(second);
    for (size_t k = 0; k < second; ++k) {
      if (k == first || !alive_[k]) continue;
      if (nearest_[k] == first || nearest_[k] == second) {
        find_nearest(k);
      } else if (k < first &&
                 (at(k, first) < at(k, nearest_[k]) || (at(k, first) == at(k, nearest_[k]) && first < nearest_[k]))) {
        nearest_[k] = first;
      }
    }
  }

 private:
  static constexpr int64_t kNever = INT64_MAX / 4;

  int64_t& at(size_t i, size_t j) { return price_[i * count_ + j]; }
  int64_t at(size_t i, size_t j) const { return price_[i * count_ + j]; }
  void find_nearest(size_t i) {
    nearest_[i] = i;  // none: its price is never
    for (size_t j = i + 1; j < count_; ++j)
      if (at(i, j) < at(i, nearest_[i])) nearest_[i] = j;
  }

  const std::vector<Cluster>& clusters_;
  size_t count_;
  std::vector<int64_t> price_;  // [i][j], i < j
  std::vector<size_t> nearest_;
  std::vector<bool> alive_;
};

}  // namespace

int64_t n_log2_n(uint32_t n) { return entropy_of(n); }

void TableSet::prepare() {
  constexpr size_t kSlotsOfHint = kRansTotal / kHints, kAtOnce = 8;
  hints.resize(tables.size() * kHints + kAtOnce);
  starts.assign(tables.size() * kStartStride, kRansTotal);
  for (size_t t = 0; t < tables.size(); ++t) {
    uint16_t* start = starts.data() + t * kStartStride;
    uint8_t* hint = hints.data() + t * kHints;
    size_t next = 0;  // slot
    for (size_t s = 0; s < 256; ++s) {
      start[s] = static_cast<uint16_t>(next);
      const size_t first = (next + kSlotsOfHint - 1) / kSlotsOfHint;
      next += tables[t][s];
      const size_t end = (next + kSlotsOfHint - 1) / kSlotsOfHint;
      const uint64_t hinted = 0x0101010101010101 * s;  // written beyond the end, too: the next symbol comes over it
      for (size_t at = first; at < end; at += kAtOnce) std::memcpy(hint + at, &hinted, kAtOnce);
    }
    for (size_t s = 0; s < kLikelySymbols; ++s) likely[s * kMaxTables + t] = start[s + 1];
  }
  for (int c = 0; c < contexts; ++c) table_of[static_cast<size_t>(c)] = map[static_cast<size_t>(c)];
  tables = {};
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
  size_t size = in.size();
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

const TableSet* TableChunk::find(int stream) const {
  for (const TableSet& set : sets)
    if (set.stream == stream) return &set;
  return nullptr;
}

bool read_table_chunk(const uint8_t* data, size_t size, TableChunk* out) {
  ByteReader in(data, size);
  out->sets.clear();
  for (uint64_t count = in.varint(); count > 0; --count) {
    TableSet set;
    if (!read_table_set(in, &set)) return false;
    if (out->find(set.stream)) continue;  // the first counts
    set.prepare();
    out->sets.push_back(std::move(set));
  }
  return in.at_end();
}

TableSet build_table_set(int stream, bool escapes, const Histogram& histogram) {
  std::vector<Cluster> clusters;
  TableSet set;
  set.stream = stream;
  set.escapes = escapes;
  set.contexts = histogram.contexts;
  set.low_bits = histogram.low_bits;
  for (int c = 0; c < histogram.contexts; ++c) {
    Cluster cluster(histogram.counts[static_cast<size_t>(c)], c);
    if (!cluster.empty()) clusters.push_back(std::move(cluster));
  }
  Prices prices(clusters);
  size_t first = 0, second = 0;
  int64_t price;
  for (size_t left = clusters.size(); prices.cheapest(&first, &second, &price); --left) {
    if (price >= 0 && left <= static_cast<size_t>(kMaxTables)) break;
    clusters[first].merge(clusters[second]);
    prices.merged(first, second);
  }
  for (size_t i = 0; i < clusters.size(); ++i) {
    if (!prices.alive(i)) continue;
    for (int member : clusters[i].members()) set.map[member] = static_cast<uint8_t>(set.tables.size());
    set.tables.push_back(normalised(clusters[i].counts()));
  }
  if (set.tables.empty()) set.tables.push_back(normalised({}));
  return set;
}

}  // namespace splatzip
