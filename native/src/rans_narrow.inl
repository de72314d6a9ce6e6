// 32 lanes of rANS without gathers: with registers of 128 bits (SSE4, NEON, WebAssembly), or of 256 (AVX2). Included by
// isa_kernels.inl inside its anonymous namespace.
//
// Most symbols are the first few of their table, and where those start in each of 16 tables fits registers: a shuffle
// of bytes looks up 16 or 32 lanes at once. Lanes with another symbol are decoded one by one. Where there are gathers
// (AVX2), this is still faster.

#if defined(__AVX2__)
using Bytes = Bytes32;
using Halves = Halves16;
using Words = Words8;

// By mask of eight lanes: which of the words at hand each takes.
struct WordPlaces {
  alignas(8) uint8_t of[256][8];
  constexpr WordPlaces() : of() {
    for (int mask = 0; mask < 256; ++mask) {
      int next = 0;
      for (int lane = 0; lane < 8; ++lane) of[mask][lane] = static_cast<uint8_t>(mask >> lane & 1 ? next++ : 0);
    }
  }
};
constexpr WordPlaces kWordPlaces;

// The next words, one for each lane of the mask.
inline Words8 taken_words(const uint16_t* words, uint32_t mask) {
  const __m256i at_hand = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words)));
  const __m256i places = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(kWordPlaces.of[mask])));
  return (Words8)_mm256_permutevar8x32_epi32(at_hand, places);
}
#else
using Bytes = Bytes16;
using Halves = Halves8;
using Words = Words4;

// By mask of four lanes: the bytes of the word that each lane takes, of those that lie at hand.
struct WordOrder {
  alignas(16) uint8_t bytes[16][16] = {};
  constexpr WordOrder() {
    for (int mask = 0; mask < 16; ++mask) {
      int next = 0;
      for (int lane = 0; lane < 4; ++lane) {
        const int from = mask >> lane & 1 ? next++ : 0;
        for (int byte = 0; byte < 4; ++byte) bytes[mask][4 * lane + byte] = static_cast<uint8_t>(4 * from + byte);
      }
    }
  }
};
constexpr WordOrder kWordOrder;

inline Words4 taken_words(const uint16_t* words, uint32_t mask) {
  return (Words4)look_up((Bytes16)four_words(words), load<Bytes16>(kWordOrder.bytes[mask]));
}
#endif

constexpr int kByteLanes = sizeof(Bytes), kWordLanes = kByteLanes / 4;  // of a row, in a register
constexpr int kFewSymbols = 3;                                          // looked up in registers

// kByteLanes lanes of a row: how far a slot is behind the start of its symbol.
struct RansLanes {
  Halves symbol[2], offset[2], frequency[2];
};

class FewSymbols {
 public:
  FewSymbols(const RansTables& tables, const uint8_t* table_of) : tables_(tables), table_of_(table_of) {
    for (int k = 0; k < kFewSymbols; ++k)
      for (int t = 0; t < kMaxTables; ++t) {
        const int last = tables.likely[k * kMaxTables + t] - 1;
        low_[k][t] = static_cast<uint8_t>(last);
        high_[k][t] = static_cast<uint8_t>(last >> 8);
      }
  }
  Bytes tables_of(Bytes contexts) const { return table_of_[contexts]; }
  // Returns how many lanes had to be decoded one by one.
  //
  // What is left of symbol k behind a slot is negative where the slot lies beyond it. As numbers without a sign those
  // are larger than all others: the least of `left` ends the slot's symbol, the largest begins it. There are no masks.
  int find(Bytes table, const Halves (&slot)[2], RansLanes* lanes) const {
    Halves least[2], largest[2], last_left[2];
    for (int k = 0; k < kFewSymbols; ++k) {
      const Bytes low = look_up(repeated<Bytes>(low_[k]), table), high = look_up(repeated<Bytes>(high_[k]), table);
      const Halves last[2] = {(Halves)low_pairs(low, high), (Halves)high_pairs(low, high)};
      for (int h = 0; h < 2; ++h) {
        const Halves left = last[h] - slot[h], beyond = sign_bits(left);
        least[h] = k ? least_of(least[h], left) : left;
        largest[h] = k ? largest_of(largest[h], left) : left;
        lanes->symbol[h] = k ? lanes->symbol[h] + beyond : beyond;
        if (k == kFewSymbols - 1) last_left[h] = left;
      }
    }
    for (int h = 0; h < 2; ++h) {
      lanes->offset[h] = least_of(slot[h], ~largest[h]);
      lanes->frequency[h] = least[h] + lanes->offset[h] + 1;
    }
    const uint32_t missed = bits_of_bytes(narrow_signed(last_left[0], last_left[1]));
    if (missed == 0) return 0;
    RansLanes all = *lanes;  // of its own: those of the caller stay in registers
    const Halves slots[2] = {slot[0], slot[1]};
    one_by_one(table, slots, missed, &all);
    *lanes = all;
    return __builtin_popcount(missed);
  }

 private:
  __attribute__((noinline)) void one_by_one(Bytes table, const Halves (&slot)[2], uint32_t missed,
                                            RansLanes* lanes) const {
    uint8_t table_of[kByteLanes];
    uint16_t slots[kByteLanes], symbol[kByteLanes], offset[kByteLanes], frequency[kByteLanes];
    store(table_of, table), std::memcpy(slots, slot, sizeof slots);
    std::memcpy(symbol, lanes->symbol, sizeof symbol);
    std::memcpy(offset, lanes->offset, sizeof offset);
    std::memcpy(frequency, lanes->frequency, sizeof frequency);
    for (; missed; missed &= missed - 1) {
      const int byte = __builtin_ctz(missed);
      const int lane =
          kByteLanes == 16 ? byte : byte % 16 / 8 * 16 + byte / 16 * 8 + byte % 8;  // what narrow puts there
      const uint32_t t = table_of[byte], at = slots[lane];
      const uint16_t* starts = tables_.starts + t * kStartStride;
      uint32_t s = tables_.hints[t * kHints + at * kHints / kRansTotal], span = span_of(starts, s);
      while (at >= span >> 16) span = span_of(starts, ++s);
      symbol[lane] = static_cast<uint16_t>(s);
      offset[lane] = static_cast<uint16_t>(at - (span & 0xFFFF));
      frequency[lane] = static_cast<uint16_t>((span >> 16) - (span & 0xFFFF));
    }
    std::memcpy(lanes->symbol, symbol, sizeof symbol);
    std::memcpy(lanes->offset, offset, sizeof offset);
    std::memcpy(lanes->frequency, frequency, sizeof frequency);
  }

  const RansTables& tables_;
  alignas(16) uint8_t low_[kFewSymbols][kMaxTables], high_[kFewSymbols][kMaxTables];
  Table64<Bytes> table_of_;
};

const uint16_t* decode_plane_32(uint32_t* states, const RansTables& tables, const uint8_t* contexts, uint8_t* symbols,
                                int64_t rows, const uint16_t* words, const uint16_t* words_end, int64_t* rows_done) {
  constexpr int kPatience = 4096, kRowsFor = 9;  // lanes one by one that a row of vectors is worth
  uint8_t table_of[kMaxContexts];
  for (int c = 0; c < kMaxContexts; ++c) table_of[c] = static_cast<uint8_t>(tables.table[c]);
  FewSymbols few(tables, table_of);
  Words x[32 / kWordLanes];
  std::memcpy(x, states, sizeof x);
  int patience = kPatience;
  int64_t row = 0;
  for (; row < rows && words <= words_end && patience > 0; ++row) {
    __asm__("" : "+m"(few));  // to be read where it is needed: registers would not hold it, too
    for (int part = 0; part < 32 / kByteLanes; ++part) {
      const int64_t at = row * 32 + kByteLanes * part;
      Words* own = x + 4 * part;
      const Words slot_bits = Words{} + (kRansTotal - 1);
      const Halves slot[2] = {narrow(own[0] & slot_bits, own[1] & slot_bits),
                              narrow(own[2] & slot_bits, own[3] & slot_bits)};
      RansLanes found;
      patience -= few.find(few.tables_of(to_narrow_order(load<Bytes>(contexts + at))), slot, &found);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        const Halves frequencies = found.frequency[k / 2], offsets = found.offset[k / 2];
        const Words frequency = k % 2 ? widen_high(frequencies) : widen_low(frequencies);
        const Words offset = k % 2 ? widen_high(offsets) : widen_low(offsets);
        const Words next = frequency * (own[k] >> kRansProbBits) + offset;
        const Words below = is_below_2_16(next);  // kRansLow
        const uint32_t mask = bits_of_words(below);
        const Words taken = taken_words(words, mask);
        words += __builtin_popcount(mask);
        own[k] = choose(below, next << 16 | taken, next);
      }
      store(symbols + at, from_narrow_order(narrow(found.symbol[0], found.symbol[1])));
    }
    patience += patience < kPatience ? kRowsFor : 0;
  }
  std::memcpy(states, x, sizeof x);
  *rows_done = row;
  if (patience > 0) return words;
  int64_t more = 0;  // too many rare symbols
  words =
      decode_rows_of<32>(states, tables, contexts + row * 32, symbols + row * 32, rows - row, words, words_end, &more);
  *rows_done += more;
  return words;
}
