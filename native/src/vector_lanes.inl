// Registers of SPLATZIP_LANES numbers: small integers in and out, square roots; included by isa_kernels.inl inside its
// anonymous namespace.

// Values of W splats at once; float32 multiplications and additions in the order of FORMAT.md.
constexpr int kWidth = SPLATZIP_LANES;
typedef float Floats __attribute__((vector_size(kWidth * 4)));
typedef int32_t Ints __attribute__((vector_size(kWidth * 4)));
using Lanes = std::make_integer_sequence<int, kWidth>;

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
#elif defined(SPLATZIP_NEON)
  const int16x8_t as = (int16x8_t)a, bs = (int16x8_t)b;
  return sum + (Ints)vpaddq_s32(vmull_s16(vget_low_s16(as), vget_low_s16(bs)), vmull_high_s16(as, bs));
#else
  return sum + ((a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16));
#endif
}

// Small integers, one a lane. Compilers turn vector conversions of bytes into one move a lane.
inline Ints load_bytes(const uint8_t* p) {
#if defined(__AVX512F__)
  return (Ints)_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#elif defined(__AVX2__)
  return (Ints)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
#elif defined(__SSE4_1__)
  return (Ints)_mm_cvtepu8_epi32(_mm_cvtsi32_si128(load<int32_t>(p)));
#elif defined(__wasm_simd128__)
  return (Ints)wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
#elif defined(SPLATZIP_NEON)
  return (Ints)vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(load<uint32_t>(p)))));
#else
  Ints values;
  for (int lane = 0; lane < kWidth; ++lane) values[lane] = p[lane];
  return values;
#endif
}
inline Ints load_signed_bytes(const int8_t* p) { return (load_bytes(reinterpret_cast<const uint8_t*>(p)) ^ 128) - 128; }
inline Ints load_shorts(const uint16_t* p) {
#if defined(__AVX512F__)
  return (Ints)_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__AVX2__)
  return (Ints)_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#elif defined(__SSE4_1__)
  return (Ints)_mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
#elif defined(__wasm_simd128__)
  return (Ints)wasm_u32x4_load16x4(p);
#elif defined(SPLATZIP_NEON)
  return (Ints)vmovl_u16(vld1_u16(p));
#else
  Ints values;
  for (int lane = 0; lane < kWidth; ++lane) values[lane] = p[lane];
  return values;
#endif
}
inline void store_bytes(uint8_t* p, Ints values) {
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8((__m512i)values));
#elif defined(__SSE4_1__)
  const __m128i low_bytes = _mm_setr_epi8(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
#if defined(__AVX2__)
  const __m256i low = _mm256_shuffle_epi8((__m256i)values, _mm256_broadcastsi128_si256(low_bytes));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p),
                   _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)));
#else
  store(p, _mm_cvtsi128_si32(_mm_shuffle_epi8((__m128i)values, low_bytes)));
#endif
#elif defined(__wasm_simd128__)
  const v128_t v = (v128_t)values;
  wasm_v128_store32_lane(p, wasm_i8x16_shuffle(v, v, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), 0);
#elif defined(SPLATZIP_NEON)
  const uint16x4_t shorts = vmovn_u32((uint32x4_t)values);
  store(p, vget_lane_u32((uint32x2_t)vmovn_u16(vcombine_u16(shorts, shorts)), 0));
#else
  typedef uint8_t Bytes __attribute__((vector_size(kWidth)));
  store(p, __builtin_convertvector(values, Bytes));
#endif
}
inline Floats to_floats(Ints a) { return __builtin_convertvector(a, Floats); }

// Eight at once where a register holds fewer: more would not fit the registers. Where small integers cannot be
// negative, compilers for WebAssembly choose a conversion that machines lack; bits below 2^23 of a float need none.
constexpr int kParts = kWidth < 8 ? 8 / kWidth : 1;
#if defined(__wasm_simd128__)
// Of numbers of 16 bits. Pairs side by side are one instruction, other orders are many.
inline void eight_floats(v128_t numbers, Floats (&out)[kParts]) {
  const v128_t exponent = wasm_i16x8_const_splat(0x4B00);
  out[0] = (Floats)wasm_i16x8_shuffle(numbers, exponent, 0, 8, 1, 9, 2, 10, 3, 11) - 0x1p23f;
  out[1] = (Floats)wasm_i16x8_shuffle(numbers, exponent, 4, 12, 5, 13, 6, 14, 7, 15) - 0x1p23f;
}
inline void load_floats(const uint8_t* p, Floats (&out)[kParts]) { eight_floats(wasm_u16x8_load8x8(p), out); }
inline void load_floats(const uint16_t* p, Floats (&out)[kParts]) { eight_floats(wasm_v128_load(p), out); }
#elif defined(SPLATZIP_NEON)
inline void eight_floats(uint16x8_t numbers, Floats (&out)[kParts]) {
  out[0] = (Floats)vcvtq_f32_u32(vmovl_u16(vget_low_u16(numbers)));
  out[1] = (Floats)vcvtq_f32_u32(vmovl_high_u16(numbers));
}
inline void load_floats(const uint8_t* p, Floats (&out)[kParts]) { eight_floats(vmovl_u8(vld1_u8(p)), out); }
inline void load_floats(const uint16_t* p, Floats (&out)[kParts]) { eight_floats(vld1q_u16(p), out); }
#else
inline void load_floats(const uint8_t* p, Floats (&out)[kParts]) {
  for (int part = 0; part < kParts; ++part) out[part] = to_floats(load_bytes(p + part * kWidth));
}
inline void load_floats(const uint16_t* p, Floats (&out)[kParts]) {
  for (int part = 0; part < kParts; ++part) out[part] = to_floats(load_shorts(p + part * kWidth));
}
#endif
// Numbers below 2^15, the least of each and `most`.
inline void store_least(uint8_t* p, const Ints (&numbers)[kParts], uint8_t most) {
#if defined(__wasm_simd128__)
  const v128_t shorts = wasm_i16x8_narrow_i32x4((v128_t)numbers[0], (v128_t)numbers[1]);
  const v128_t bytes = wasm_u8x16_min(wasm_u8x16_narrow_i16x8(shorts, shorts), wasm_u8x16_splat(most));
  wasm_v128_store64_lane(p, bytes, 0);
#elif defined(SPLATZIP_NEON)
  const int16x8_t shorts = vcombine_s16(vqmovn_s32((int32x4_t)numbers[0]), vqmovn_s32((int32x4_t)numbers[1]));
  vst1_u8(p, vmin_u8(vqmovun_s16(shorts), vdup_n_u8(most)));
#else
  for (int part = 0; part < kParts; ++part)
    store_bytes(p + part * kWidth, numbers[part] < most ? numbers[part] : Ints{} + most);
#endif
}

inline Floats broadcast(float value) { return Floats{} + value; }

inline Floats root(Floats a) {
#if defined(__AVX512F__)
  return (Floats)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX2__)
  return (Floats)_mm256_sqrt_ps((__m256)a);
#elif defined(__SSE2__)
  return (Floats)_mm_sqrt_ps((__m128)a);
#elif defined(__wasm_simd128__)
  return (Floats)wasm_f32x4_sqrt((v128_t)a);
#elif defined(SPLATZIP_NEON)
  return (Floats)vsqrtq_f32((float32x4_t)a);
#else
  for (int lane = 0; lane < kWidth; ++lane) a[lane] = __builtin_sqrtf(a[lane]);
  return a;
#endif
}

typedef uint32_t UnsignedInts __attribute__((vector_size(kWidth * 4)));
