// 32 lanes of rANS with AVX-512 VBMI; included by isa_kernels.inl inside its anonymous namespace.

// 32 lanes: lane j in the low half of element j of a register of 16-bit numbers, lane 16 + j in the high half, so that
// two registers of states become one of slots by a shift, and the other way around.
inline __m512i paired(__m512i low, __m512i high) { return _mm512_or_si512(low, _mm512_slli_epi32(high, 16)); }

// The symbols of a row of lanes and the slots of each, from `start` to before `end`.
struct RansRow {
  __m512i symbol[2], start[2], end[2];
};

// The symbols below kLikelySymbols of 16 tables, in registers.
class LikelySymbols {
 public:
  explicit LikelySymbols(const uint16_t* likely) {
    for (int k = 0; k < kLikelySymbols; ++k) {
      const __m256i of_tables = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(likely + k * kMaxTables));
      starts_[k] = _mm512_broadcast_i64x4(of_tables);
    }
  }
  // False if a lane holds another symbol.
  bool find(__m512i slot, __m512i table, RansRow* row) const {
    const __m512i one = _mm512_set1_epi16(1);
    __m512i start[kLikelySymbols], next = _mm512_permutexvar_epi16(table, starts_[kLikelySymbols - 1]);
    if (_mm512_cmpge_epu16_mask(slot, next)) return false;
    __m512i symbol = _mm512_setzero_si512(), end[kLikelySymbols];
    end[kLikelySymbols - 1] = next;
    start[0] = _mm512_setzero_si512();
    for (int k = 0; k + 1 < kLikelySymbols; ++k) {
      next = _mm512_permutexvar_epi16(table, starts_[k]);
      const __mmask32 reached = _mm512_cmpge_epu16_mask(slot, next);
      symbol = _mm512_mask_add_epi16(symbol, reached, symbol, one);
      start[k + 1] = _mm512_maskz_mov_epi16(reached, next);
      end[k] = _mm512_mask_mov_epi16(next, reached, _mm512_set1_epi16(-1));
    }
    for (int width = kLikelySymbols / 2; width > 0; width /= 2)  // starts rise: the last one reached is the largest
      for (int k = 0; k < width; ++k) {
        start[k] = _mm512_max_epu16(start[k], start[k + width]);
        end[k] = _mm512_min_epu16(end[k], end[k + width]);
      }
    unpack(symbol, row->symbol);
    unpack(start[0], row->start);
    unpack(end[0], row->end);
    return true;
  }

 private:
  static void unpack(__m512i pairs, __m512i* out) {
    out[0] = _mm512_and_si512(pairs, _mm512_set1_epi32(0xFFFF));
    out[1] = _mm512_srli_epi32(pairs, 16);
  }
  __m512i starts_[kLikelySymbols];
};

// Half k of a row, any symbols.
inline void find_16(const RansTables& tables, __m512i table, __m512i slot, int k, RansRow* row) {
  const __m512i hint = _mm512_add_epi32(_mm512_slli_epi32(table, 10), _mm512_srli_epi32(slot, 2));
  __m512i place = _mm512_mullo_epi32(table, _mm512_set1_epi32(kStartStride));
  __m512i symbol = _mm512_and_si512(_mm512_i32gather_epi32(hint, tables.hints, 1), _mm512_set1_epi32(255));
  // Four starts at once, and the hinted symbol or one of the two behind it: nearly always enough.
  const __m512i at = _mm512_add_epi32(place, symbol), half = _mm512_set1_epi32(0xFFFF), one = _mm512_set1_epi32(1);
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i starts[2] = {_mm512_i32gather_epi64(_mm512_castsi512_si256(at), tables.starts, 2),
                             _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(at, 1), tables.starts, 2)};
  const __m512i low = _mm512_permutex2var_epi32(starts[0], even, starts[1]);
  const __m512i high = _mm512_permutex2var_epi32(starts[0], _mm512_or_si512(even, one), starts[1]);
  const __m512i middle = _mm512_or_si512(_mm512_srli_epi32(low, 16), _mm512_slli_epi32(high, 16));
  const __mmask16 second = _mm512_cmpge_epu32_mask(slot, _mm512_srli_epi32(low, 16));
  const __mmask16 third = _mm512_cmpge_epu32_mask(slot, _mm512_and_si512(high, half));
  symbol = _mm512_mask_add_epi32(symbol, second, symbol, one);
  symbol = _mm512_mask_add_epi32(symbol, third, symbol, one);
  __m512i span = _mm512_mask_mov_epi32(_mm512_mask_mov_epi32(low, second, middle), third, high);
  for (;;) {
    const __mmask16 beyond = _mm512_cmpge_epu32_mask(slot, _mm512_srli_epi32(span, 16));
    if (!beyond) break;
    symbol = _mm512_mask_add_epi32(symbol, beyond, symbol, _mm512_set1_epi32(1));
    span = _mm512_mask_i32gather_epi32(span, beyond, _mm512_add_epi32(place, symbol), tables.starts, 2);
  }
  row->symbol[k] = symbol;
  row->start[k] = _mm512_and_si512(span, _mm512_set1_epi32(0xFFFF));
  row->end[k] = _mm512_srli_epi32(span, 16);
}

const uint16_t* decode_plane_32(uint32_t* states, const RansTables& tables, const uint8_t* contexts, uint8_t* symbols,
                                int64_t rows, const uint16_t* words, const uint16_t* words_end, int64_t* rows_done) {
  const __m512i slot_mask = _mm512_set1_epi32(kRansTotal - 1), low = _mm512_set1_epi32(kRansLow);
  // 64 contexts fit one register: their tables are found by a permutation of bytes instead of a gather.
  alignas(64) uint8_t table_of[kMaxContexts];
  for (int c = 0; c < kMaxContexts; ++c) table_of[c] = static_cast<uint8_t>(tables.table[c]);
  const __m512i table_map = _mm512_load_si512(table_of);
  const LikelySymbols likely(tables.likely);
  int patience = 16;  // a plane whose symbols turn out unlikely is better served by gathers alone
  __m512i x[2] = {_mm512_loadu_si512(states), _mm512_loadu_si512(states + 16)};
  int64_t row = 0;
  for (; row < rows && words <= words_end; ++row) {
    const __m512i c = _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(contexts + row * 32)));
    const __m256i t = _mm512_castsi512_si256(_mm512_permutexvar_epi8(c, table_map));
    const __m512i table[2] = {_mm512_cvtepu8_epi32(_mm256_castsi256_si128(t)),
                              _mm512_cvtepu8_epi32(_mm256_extracti128_si256(t, 1))};
    const __m512i slot[2] = {_mm512_and_si512(x[0], slot_mask), _mm512_and_si512(x[1], slot_mask)};
    RansRow found;
    if (patience < 0 || !likely.find(paired(slot[0], slot[1]), paired(table[0], table[1]), &found)) {
      patience -= 4;
      for (int k = 0; k < 2; ++k) find_16(tables, table[k], slot[k], k, &found);
    } else if (patience < 64) {
      ++patience;
    }
    for (int k = 0; k < 2; ++k) {
      const __m512i frequency = _mm512_sub_epi32(found.end[k], found.start[k]);
      const __m512i whole = _mm512_mullo_epi32(frequency, _mm512_srli_epi32(x[k], kRansProbBits));
      x[k] = _mm512_add_epi32(whole, _mm512_sub_epi32(slot[k], found.start[k]));
      const __mmask16 below = _mm512_cmplt_epu32_mask(x[k], low);
      const __m512i next = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(words)));
      words += __builtin_popcount(below);
      x[k] = _mm512_mask_or_epi32(x[k], below, _mm512_slli_epi32(x[k], 16), _mm512_maskz_expand_epi32(below, next));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(symbols + row * 32 + 16 * k), _mm512_cvtepi32_epi8(found.symbol[k]));
    }
  }
  _mm512_storeu_si512(states, x[0]);
  _mm512_storeu_si512(states + 16, x[1]);
  *rows_done = row;
  return words;
}
