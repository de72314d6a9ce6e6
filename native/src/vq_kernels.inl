// The nearest entries of a codebook, for as many rows at once as a register has lanes; included by isa_kernels.inl
// inside its anonymous namespace. Integers throughout: the same entry from every instruction set.

// sum + a.low * b.low + a.high * b.high, of pairs of 16-bit numbers in 32-bit lanes.
inline Ints add_pair_products(Ints sum, Ints a, Ints b) {
#if defined(__AVX512VNNI__)
  return (Ints)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif defined(__AVX512BW__)
  return sum + (Ints)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return sum + (Ints)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return sum + (Ints)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
  return sum + ((a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16));
#endif
}

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

void nearest_entries(const EntrySearch& s) {
  constexpr int kParts = kSearchedRows / kWidth, kTogether = 8 / kParts;  // eight sums in registers
  for (int64_t block = 0; block < s.blocks; ++block) {
    const int32_t* rows = s.rows + block * s.pairs * kSearchedRows;
    Ints best[kParts], index[kParts];
    for (int part = 0; part < kParts; ++part) best[part] = Ints{} + INT32_MAX, index[part] = Ints{};
    int entry = 0;
    for (; entry + kTogether <= s.entries; entry += kTogether)
      compare_entries<kParts, kTogether>(s, rows, entry, best, index);
    for (; entry < s.entries; ++entry) compare_entries<kParts, 1>(s, rows, entry, best, index);
    for (int part = 0; part < kParts; ++part) {
      const int64_t at = block * kSearchedRows + part * kWidth;
      store(s.index + at, index[part]);
      store(s.best + at, best[part]);
    }
  }
}
