// 32 lanes of rANS with AVX2; included by isa_kernels.inl inside its anonymous namespace.

// expand_index[mask]: for each lane the rank of its word among the lanes of the mask.
struct ExpandTable {
  alignas(64) uint8_t rank[256][8];
  constexpr ExpandTable() : rank() {
    for (int mask = 0; mask < 256; ++mask) {
      int next = 0;
      for (int lane = 0; lane < 8; ++lane) rank[mask][lane] = static_cast<uint8_t>(mask >> lane & 1 ? next++ : 0);
    }
  }
};
constexpr ExpandTable kExpand;

inline __m256i decode_8(__m256i x, const RansTables& tables, const uint8_t* contexts, const uint16_t** words,
                        __m256i* symbols) {
  const int* starts = reinterpret_cast<const int*>(tables.starts);
  const __m256i slot = _mm256_and_si256(x, _mm256_set1_epi32(kRansTotal - 1));
  const __m256i c = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(contexts)));
  const __m256i table = _mm256_i32gather_epi32(reinterpret_cast<const int*>(tables.table), c, 4);
  const __m256i place = _mm256_mullo_epi32(table, _mm256_set1_epi32(kStartStride));
  const __m256i hint = _mm256_add_epi32(_mm256_slli_epi32(table, 10), _mm256_srli_epi32(slot, 2));
  __m256i s = _mm256_i32gather_epi32(reinterpret_cast<const int*>(tables.hints), hint, 1);
  s = _mm256_and_si256(s, _mm256_set1_epi32(255));
  __m256i span = _mm256_i32gather_epi32(starts, _mm256_add_epi32(place, s), 2);
  for (;;) {
    const __m256i inside = _mm256_cmpgt_epi32(_mm256_srli_epi32(span, 16), slot);
    if (_mm256_movemask_epi8(inside) == -1) break;
    s = _mm256_add_epi32(s, _mm256_andnot_si256(inside, _mm256_set1_epi32(1)));
    span = _mm256_i32gather_epi32(starts, _mm256_add_epi32(place, s), 2);
  }
  *symbols = s;
  const __m256i start = _mm256_and_si256(span, _mm256_set1_epi32(0xFFFF));
  const __m256i frequency = _mm256_sub_epi32(_mm256_srli_epi32(span, 16), start);
  x = _mm256_mullo_epi32(frequency, _mm256_srli_epi32(x, kRansProbBits));
  x = _mm256_add_epi32(x, _mm256_sub_epi32(slot, start));
  __m256i below = _mm256_cmpeq_epi32(_mm256_srli_epi32(x, 16), _mm256_setzero_si256());
  int mask = _mm256_movemask_ps(_mm256_castsi256_ps(below));
  __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(*words)));
  __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(kExpand.rank[mask])));
  w = _mm256_permutevar8x32_epi32(w, order);
  *words += __builtin_popcount(static_cast<unsigned>(mask));
  return _mm256_blendv_epi8(x, _mm256_or_si256(_mm256_slli_epi32(x, 16), w), below);
}

const uint16_t* decode_plane_32(uint32_t* states, const RansTables& tables, const uint8_t* contexts, uint8_t* symbols,
                                int64_t rows, const uint16_t* words, const uint16_t* words_end, int64_t* rows_done) {
  __m256i x[4];
  for (int k = 0; k < 4; ++k) x[k] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(states + 8 * k));
  int64_t row = 0;
  for (; row < rows && words <= words_end; ++row) {
    __m256i s[4];
    for (int k = 0; k < 4; ++k) x[k] = decode_8(x[k], tables, contexts + row * 32 + 8 * k, &words, &s[k]);
    __m256i packed = _mm256_packus_epi16(_mm256_packus_epi32(s[0], s[1]), _mm256_packus_epi32(s[2], s[3]));
    packed = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(symbols + row * 32), packed);
  }
  for (int k = 0; k < 4; ++k) _mm256_storeu_si256(reinterpret_cast<__m256i*>(states + 8 * k), x[k]);
  *rows_done = row;
  return words;
}
