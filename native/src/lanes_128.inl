// Registers of 16 bytes; included by isa_kernels.inl inside its anonymous namespace.

typedef uint8_t Bytes16 __attribute__((vector_size(16)));
typedef int16_t Halves8 __attribute__((vector_size(16)));
typedef uint32_t Words4 __attribute__((vector_size(16)));

#if defined(__clang__)
#define SPLATZIP_SHUFFLED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SPLATZIP_SHUFFLED(a, b, ...) __builtin_shuffle(a, b, Bytes16{__VA_ARGS__})
#endif
// a0 b0 a1 b1 .. of 32 bytes, and the second half of that.
inline Bytes16 low_pairs(Bytes16 a, Bytes16 b) {
  return SPLATZIP_SHUFFLED(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
inline Bytes16 high_pairs(Bytes16 a, Bytes16 b) {
  return SPLATZIP_SHUFFLED(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// Four small integers, or floats.
typedef int32_t Four __attribute__((vector_size(16)));
typedef float FourFloats __attribute__((vector_size(16)));
#if defined(__SSE2__)
inline Four four_shorts(const int16_t* p) {
  const __m128i high = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return (Four)_mm_srai_epi32(_mm_unpacklo_epi16(__m128i{}, high), 16);
}
inline Four four_bytes(const uint8_t* p) {
  const __m128i bytes = _mm_cvtsi32_si128(load<int32_t>(p));
  return (Four)_mm_unpacklo_epi16(_mm_unpacklo_epi8(bytes, __m128i{}), __m128i{});
}
inline void transpose(FourFloats (&rows)[4]) {
  __m128 r[4];
  std::memcpy(r, rows, sizeof r);
  _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]);
  std::memcpy(rows, r, sizeof r);
}
#elif defined(__wasm_simd128__)
inline Four four_shorts(const int16_t* p) { return (Four)wasm_i32x4_load16x4(p); }
inline Four four_bytes(const uint8_t* p) {
  return (Four)wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
}
inline void transpose(FourFloats (&rows)[4]) {
  FourFloats pairs[4];
  for (int half = 0; half < 2; ++half) {  // of the columns
    const FourFloats a = rows[2 * half], b = rows[2 * half + 1];
    pairs[half] = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    pairs[2 + half] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  }
  for (int half = 0; half < 2; ++half) {
    const FourFloats a = pairs[2 * half], b = pairs[2 * half + 1];
    rows[2 * half] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    rows[2 * half + 1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  }
}
#elif defined(SPLATZIP_NEON)
inline Four four_shorts(const int16_t* p) { return (Four)vmovl_s16(vld1_s16(p)); }
inline Four four_bytes(const uint8_t* p) {
  return (Four)vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(load<uint32_t>(p)))));
}
inline void transpose(FourFloats (&rows)[4]) {
  float64x2_t low[2], high[2];  // pairs of rows 0 1 and 2 3: even columns, odd columns
  for (int half = 0; half < 2; ++half) {
    const float32x4_t a = (float32x4_t)rows[2 * half], b = (float32x4_t)rows[2 * half + 1];
    low[half] = (float64x2_t)vtrn1q_f32(a, b);
    high[half] = (float64x2_t)vtrn2q_f32(a, b);
  }
  rows[0] = (FourFloats)vtrn1q_f64(low[0], low[1]);
  rows[1] = (FourFloats)vtrn1q_f64(high[0], high[1]);
  rows[2] = (FourFloats)vtrn2q_f64(low[0], low[1]);
  rows[3] = (FourFloats)vtrn2q_f64(high[0], high[1]);
}
#endif

// Where bytes can be looked up in a register. look_up: 0 where the index is 16 or more. narrow: numbers that fit;
// narrow_signed: signs stay. least_of, largest_of, average (rounded up): of numbers without a sign.
#if defined(__SSE4_1__)
#define SPLATZIP_LANES_128
inline Bytes16 look_up(Bytes16 table, Bytes16 index) {
  return (Bytes16)_mm_shuffle_epi8((__m128i)table, _mm_adds_epu8((__m128i)index, _mm_set1_epi8(0x70)));
}
inline Bytes16 average(Bytes16 a, Bytes16 b) { return (Bytes16)_mm_avg_epu8((__m128i)a, (__m128i)b); }
inline uint32_t bits_of_bytes(Bytes16 a) { return static_cast<uint32_t>(_mm_movemask_epi8((__m128i)a)); }
inline uint32_t bits_of_words(Words4 a) { return static_cast<uint32_t>(_mm_movemask_ps((__m128)a)); }
inline Bytes16 narrow(Halves8 a, Halves8 b) { return (Bytes16)_mm_packus_epi16((__m128i)a, (__m128i)b); }
inline Halves8 narrow(Words4 a, Words4 b) { return (Halves8)_mm_packus_epi32((__m128i)a, (__m128i)b); }
inline Words4 widen_low(Halves8 a) { return (Words4)_mm_cvtepu16_epi32((__m128i)a); }
inline Words4 widen_high(Halves8 a) { return (Words4)_mm_unpackhi_epi16((__m128i)a, __m128i{}); }
inline Words4 four_words(const uint16_t* words) {
  return (Words4)_mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(words)));
}
inline Halves8 least_of(Halves8 a, Halves8 b) { return (Halves8)_mm_min_epu16((__m128i)a, (__m128i)b); }
inline Halves8 largest_of(Halves8 a, Halves8 b) { return (Halves8)_mm_max_epu16((__m128i)a, (__m128i)b); }
inline Halves8 sign_bits(Halves8 a) { return (Halves8)_mm_srli_epi16((__m128i)a, 15); }
inline Bytes16 narrow_signed(Halves8 a, Halves8 b) { return (Bytes16)_mm_packs_epi16((__m128i)a, (__m128i)b); }
inline Words4 is_below_2_16(Words4 a) { return (Words4)_mm_cmpeq_epi32(_mm_srli_epi32((__m128i)a, 16), __m128i{}); }
inline Words4 choose(Words4 mask, Words4 a, Words4 b) {
  return (Words4)_mm_blendv_epi8((__m128i)b, (__m128i)a, (__m128i)mask);
}
#elif defined(__wasm_simd128__)
#define SPLATZIP_LANES_128
inline Bytes16 look_up(Bytes16 table, Bytes16 index) {
  return (Bytes16)wasm_i8x16_swizzle((v128_t)table, (v128_t)index);
}
inline Bytes16 average(Bytes16 a, Bytes16 b) { return (Bytes16)wasm_u8x16_avgr((v128_t)a, (v128_t)b); }
inline uint32_t bits_of_bytes(Bytes16 a) { return wasm_i8x16_bitmask((v128_t)a); }
inline uint32_t bits_of_words(Words4 a) { return wasm_i32x4_bitmask((v128_t)a); }
inline Bytes16 narrow(Halves8 a, Halves8 b) { return (Bytes16)wasm_u8x16_narrow_i16x8((v128_t)a, (v128_t)b); }
inline Halves8 narrow(Words4 a, Words4 b) { return (Halves8)wasm_u16x8_narrow_i32x4((v128_t)a, (v128_t)b); }
inline Words4 widen_low(Halves8 a) { return (Words4)wasm_u32x4_extend_low_u16x8((v128_t)a); }
inline Words4 widen_high(Halves8 a) { return (Words4)wasm_u32x4_extend_high_u16x8((v128_t)a); }
inline Words4 four_words(const uint16_t* words) { return (Words4)wasm_u32x4_load16x4(words); }
inline Halves8 least_of(Halves8 a, Halves8 b) { return (Halves8)wasm_u16x8_min((v128_t)a, (v128_t)b); }
inline Halves8 largest_of(Halves8 a, Halves8 b) { return (Halves8)wasm_u16x8_max((v128_t)a, (v128_t)b); }
inline Halves8 sign_bits(Halves8 a) { return (Halves8)wasm_u16x8_shr((v128_t)a, 15); }
inline Bytes16 narrow_signed(Halves8 a, Halves8 b) { return (Bytes16)wasm_i8x16_narrow_i16x8((v128_t)a, (v128_t)b); }
inline Words4 is_below_2_16(Words4 a) {  // comparisons without a sign are four instructions
  return (Words4)wasm_i32x4_shr(wasm_i16x8_eq((v128_t)a, wasm_i16x8_const_splat(0)), 16);
}
inline Words4 choose(Words4 mask, Words4 a, Words4 b) {
  return (Words4)wasm_v128_bitselect((v128_t)a, (v128_t)b, (v128_t)mask);
}
#elif defined(SPLATZIP_NEON)
#define SPLATZIP_LANES_128
inline Bytes16 look_up(Bytes16 table, Bytes16 index) {
  return (Bytes16)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)index);
}
inline Bytes16 average(Bytes16 a, Bytes16 b) { return (Bytes16)vrhaddq_u8((uint8x16_t)a, (uint8x16_t)b); }
inline uint32_t bits_of_bytes(Bytes16 a) {
  const int8x16_t places = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7};
  const uint8x16_t bits = vshlq_u8(vshrq_n_u8((uint8x16_t)a, 7), places);
  return vaddv_u8(vget_low_u8(bits)) | static_cast<uint32_t>(vaddv_u8(vget_high_u8(bits))) << 8;
}
inline uint32_t bits_of_words(Words4 a) {
  const int32x4_t places = {0, 1, 2, 3};
  return vaddvq_u32(vshlq_u32(vshrq_n_u32((uint32x4_t)a, 31), places));
}
inline Bytes16 narrow(Halves8 a, Halves8 b) {
  return (Bytes16)vcombine_u8(vqmovun_s16((int16x8_t)a), vqmovun_s16((int16x8_t)b));
}
inline Halves8 narrow(Words4 a, Words4 b) {
  return (Halves8)vcombine_u16(vqmovun_s32((int32x4_t)a), vqmovun_s32((int32x4_t)b));
}
inline Words4 widen_low(Halves8 a) { return (Words4)vmovl_u16(vget_low_u16((uint16x8_t)a)); }
inline Words4 widen_high(Halves8 a) { return (Words4)vmovl_high_u16((uint16x8_t)a); }
inline Words4 four_words(const uint16_t* words) { return (Words4)vmovl_u16(vld1_u16(words)); }
inline Halves8 least_of(Halves8 a, Halves8 b) { return (Halves8)vminq_u16((uint16x8_t)a, (uint16x8_t)b); }
inline Halves8 largest_of(Halves8 a, Halves8 b) { return (Halves8)vmaxq_u16((uint16x8_t)a, (uint16x8_t)b); }
inline Halves8 sign_bits(Halves8 a) { return (Halves8)vshrq_n_u16((uint16x8_t)a, 15); }
inline Bytes16 narrow_signed(Halves8 a, Halves8 b) {
  return (Bytes16)vcombine_s8(vqmovn_s16((int16x8_t)a), vqmovn_s16((int16x8_t)b));
}
inline Words4 is_below_2_16(Words4 a) { return (Words4)vceqzq_u32(vshrq_n_u32((uint32x4_t)a, 16)); }
inline Words4 choose(Words4 mask, Words4 a, Words4 b) {
  return (Words4)vbslq_u32((uint32x4_t)mask, (uint32x4_t)a, (uint32x4_t)b);
}
#endif

// The order in which lanes are narrowed and widened.
inline Bytes16 to_narrow_order(Bytes16 lanes) { return lanes; }
inline Bytes16 from_narrow_order(Bytes16 lanes) { return lanes; }

#if defined(__AVX2__)
#include "lanes_256.inl"
#endif

#if defined(SPLATZIP_LANES_128)
// The same 16 bytes in each 16 bytes of a register.
template <class Bytes>
inline Bytes repeated(const uint8_t* bytes) {
#if defined(__AVX2__)
  if constexpr (sizeof(Bytes) == 32) return (Bytes32)_mm256_broadcastsi128_si256((__m128i)load<Bytes16>(bytes));
#endif
  return load<Bytes>(bytes);
}

// 64 bytes, one for each context.
template <class Bytes>
struct Table64 {
  Bytes parts[4];
  explicit Table64(const uint8_t* bytes) {
    for (int k = 0; k < 4; ++k) parts[k] = repeated<Bytes>(bytes + 16 * k);
  }
  Bytes operator[](Bytes context) const {
#if defined(SPLATZIP_NEON)
    const uint8x16_t all[] = {(uint8x16_t)parts[0], (uint8x16_t)parts[1], (uint8x16_t)parts[2], (uint8x16_t)parts[3]};
    return (Bytes)vqtbl4q_u8({all[0], all[1], all[2], all[3]}, (uint8x16_t)context);
#else
    return (look_up(parts[0], context) | look_up(parts[1], context - 16)) |
           (look_up(parts[2], context - 32) | look_up(parts[3], context - 48));
#endif
  }
};
#endif
