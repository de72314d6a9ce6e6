// The nearest entries of a codebook, for as many rows at once as a register has lanes; included by isa_kernels.inl
// inside its anonymous namespace. Integers throughout: the same entry from every instruction set.

// Parts registers of rows against Entries entries from `entry` on: each number of a row is loaded once for all of them.
template <int Parts, int Entries>
inline void compare_entries(const EntrySearch& s, const int32_t* rows, int entry, Ints* best, Ints* index) {
  Ints sum[Parts][Entries] = {};
  const int32_t* book = s.book + static_cast<int64_t>(entry) * s.pairs;
  for (int pair = 0; pair < s.pairs; ++pair) {
    Ints row[Parts];
    for (int part = 0; part < Parts; ++part) row[part] = load<Ints>(rows + pair * kSearchedRows + part * kWidth);
    for (int e = 0; e < Entries; ++e) {
      const Ints value = Ints{} + book[e * s.pairs + pair];
      for (int part = 0; part < Parts; ++part) sum[part][e] = add_pair_products(sum[part][e], row[part], value);
    }
  }
  for (int e = 0; e < Entries; ++e)
    for (int part = 0; part < Parts; ++part) {
      const Ints cost = s.costs[entry + e] - sum[part][e];
      const Ints better = cost < best[part];
      best[part] = better ? cost : best[part];
      index[part] = better ? Ints{} + (entry + e) : index[part];
    }
}

// Part of the entries at a time, for all rows: what is compared stays in the first-level cache.
void nearest_entries(const EntrySearch& s) {
  constexpr int kParts = kSearchedRows / kWidth, kTogether = 8 / kParts;  // eight sums in registers
  constexpr int kCachedPairs = 4096;
  const int step = (kCachedPairs / s.pairs + kTogether) / kTogether * kTogether;
  for (int64_t at = 0; at < s.blocks * kSearchedRows; ++at) s.best[at] = INT32_MAX, s.index[at] = 0;
  for (int from = 0; from < s.entries; from += step) {
    const int end = from + step < s.entries ? from + step : s.entries;
    for (int64_t block = 0; block < s.blocks; ++block) {
      const int32_t* rows = s.rows + block * s.pairs * kSearchedRows;
      int32_t *best_of = s.best + block * kSearchedRows, *index_of = s.index + block * kSearchedRows;
      Ints best[kParts], index[kParts];
      for (int part = 0; part < kParts; ++part) {
        best[part] = load<Ints>(best_of + part * kWidth);
        index[part] = load<Ints>(index_of + part * kWidth);
      }
      int entry = from;
      for (; entry + kTogether <= end; entry += kTogether)
        compare_entries<kParts, kTogether>(s, rows, entry, best, index);
      for (; entry < end; ++entry) compare_entries<kParts, 1>(s, rows, entry, best, index);
      for (int part = 0; part < kParts; ++part) {
        store(best_of + part * kWidth, best[part]);
        store(index_of + part * kWidth, index[part]);
      }
    }
  }
}
