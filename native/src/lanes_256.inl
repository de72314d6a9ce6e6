// Registers of 32 bytes, as lanes_128.inl has them of 16; included by lanes_128.inl.

typedef uint8_t Bytes32 __attribute__((vector_size(32)));
typedef int16_t Halves16 __attribute__((vector_size(32)));
typedef uint32_t Words8 __attribute__((vector_size(32)));

// Of the pairs, of narrowing and of widening: each half of a register for itself.
inline Bytes32 low_pairs(Bytes32 a, Bytes32 b) { return (Bytes32)_mm256_unpacklo_epi8((__m256i)a, (__m256i)b); }
inline Bytes32 high_pairs(Bytes32 a, Bytes32 b) { return (Bytes32)_mm256_unpackhi_epi8((__m256i)a, (__m256i)b); }
inline Bytes32 narrow(Halves16 a, Halves16 b) { return (Bytes32)_mm256_packus_epi16((__m256i)a, (__m256i)b); }
inline Bytes32 narrow_signed(Halves16 a, Halves16 b) { return (Bytes32)_mm256_packs_epi16((__m256i)a, (__m256i)b); }
inline Halves16 narrow(Words8 a, Words8 b) { return (Halves16)_mm256_packus_epi32((__m256i)a, (__m256i)b); }
inline Words8 widen_low(Halves16 a) { return (Words8)_mm256_unpacklo_epi16((__m256i)a, __m256i{}); }
inline Words8 widen_high(Halves16 a) { return (Words8)_mm256_unpackhi_epi16((__m256i)a, __m256i{}); }
// Hence the order of 32 lanes as bytes, where words of eight follow each other.
inline Bytes32 to_narrow_order(Bytes32 lanes) {
  return (Bytes32)_mm256_permutevar8x32_epi32((__m256i)lanes, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
}
inline Bytes32 from_narrow_order(Bytes32 lanes) {
  return (Bytes32)_mm256_permutevar8x32_epi32((__m256i)lanes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

inline Bytes32 look_up(Bytes32 table, Bytes32 index) {
  return (Bytes32)_mm256_shuffle_epi8((__m256i)table, _mm256_adds_epu8((__m256i)index, _mm256_set1_epi8(0x70)));
}
inline uint32_t bits_of_bytes(Bytes32 a) { return static_cast<uint32_t>(_mm256_movemask_epi8((__m256i)a)); }
inline uint32_t bits_of_words(Words8 a) { return static_cast<uint32_t>(_mm256_movemask_ps((__m256)a)); }
inline Halves16 least_of(Halves16 a, Halves16 b) { return (Halves16)_mm256_min_epu16((__m256i)a, (__m256i)b); }
inline Halves16 largest_of(Halves16 a, Halves16 b) { return (Halves16)_mm256_max_epu16((__m256i)a, (__m256i)b); }
inline Halves16 sign_bits(Halves16 a) { return (Halves16)_mm256_srli_epi16((__m256i)a, 15); }
inline Words8 is_below_2_16(Words8 a) {
  return (Words8)_mm256_cmpeq_epi32(_mm256_srli_epi32((__m256i)a, 16), __m256i{});
}
inline Words8 choose(Words8 mask, Words8 a, Words8 b) {
  return (Words8)_mm256_blendv_epi8((__m256i)b, (__m256i)a, (__m256i)mask);
}
