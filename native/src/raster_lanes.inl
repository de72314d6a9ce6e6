// Operations of the rasterizer's vectors beyond + - x /, and masks in the form that suits the instruction set; included
// by isa_kernels.inl inside its anonymous namespace. The same bits from every instruction set.

constexpr int kBlockParts = kBlockPixels / kWidth;  // registers a block, or a group of splats

#if defined(__AVX512F__)

typedef __mmask16 Mask;
inline Mask at_least(Floats a, Floats b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GE_OQ); }
inline Mask at_least(Mask within, Floats a, Floats b) {
  return _mm512_mask_cmp_ps_mask(within, (__m512)a, (__m512)b, _CMP_GE_OQ);
}
inline Mask above(Ints a, Ints b) { return _mm512_cmpgt_epi32_mask((__m512i)a, (__m512i)b); }
inline Mask above_zero(Floats a) { return _mm512_cmp_ps_mask((__m512)a, _mm512_setzero_ps(), _CMP_GT_OQ); }
inline Floats keep(Mask mask, Floats a) { return (Floats)_mm512_maskz_mov_ps(mask, (__m512)a); }
inline unsigned bits_of(Mask mask) { return mask; }
inline unsigned bits_of(Ints mask) { return _mm512_movepi32_mask((__m512i)mask); }
inline Floats least(Floats a, Floats b) { return (Floats)_mm512_min_ps((__m512)a, (__m512)b); }

#else

typedef Ints Mask;
inline Mask at_least(Floats a, Floats b) { return a >= b; }
inline Mask at_least(Mask within, Floats a, Floats b) { return within & (a >= b); }
inline Mask above(Ints a, Ints b) { return a > b; }
inline Mask above_zero(Floats a) { return a > 0.0f; }
inline Floats keep(Mask mask, Floats a) { return (Floats)((Ints)a & mask); }
inline Floats least(Floats a, Floats b) { return a < b ? a : b; }
inline unsigned bits_of(Mask mask) {
#if defined(__AVX2__)
  return static_cast<unsigned>(_mm256_movemask_ps((__m256)mask));
#elif defined(__SSE2__)
  return static_cast<unsigned>(_mm_movemask_ps((__m128)mask));
#elif defined(SPLATZIP_NEON)
  return bits_of_words((Words4)mask);
#else
  unsigned bits = 0;
  for (int lane = 0; lane < kWidth; ++lane) bits |= static_cast<unsigned>(mask[lane] & 1) << lane;
  return bits;
#endif
}
#endif

constexpr float kRoundToInteger = 12582912.0f;  // 1.5 * 2^23: after adding it the low bits are the nearest integer

// 2^x for x in [-126, 127]; relative error below 3e-7 (minimax on [-1/2, 1/2]). Other lanes hold something.
inline Floats exp2_of(Floats x) {
  const Floats shifted = x + kRoundToInteger;
  const Floats f = x - (shifted - kRoundToInteger), ff = f * f;
  const Floats p = ((f * 1.327645785e-3f + 9.675541222e-3f) * ff + (f * 5.550713317e-2f + 2.402211973e-1f)) * ff +
                   (f * 6.931469670e-1f + 1.000000072f);
  return (Floats)((UnsignedInts)p + ((UnsignedInts)shifted << 23));
}

// The functions that splatzip/projection.h asks for.
struct LaneMath {
  using F = Floats;

  static Floats sqrt(Floats x) { return root(x); }

  static Floats exp(Floats x) {
    x = x > 87.0f ? broadcast(87.0f) : x;
    x = x < -87.0f ? broadcast(-87.0f) : x;
    const Floats shifted = x * 1.44269504f + kRoundToInteger, n = shifted - kRoundToInteger;
    const Floats f = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
    Floats p = f * 1.9875691e-4f + 1.3981999e-3f;
    p = p * f + 8.3334519e-3f;
    p = p * f + 4.1665795e-2f;
    p = p * f + 1.6666665e-1f;
    p = p * f + 5.0000001e-1f;
    p = (p * (f * f) + f) + 1.0f;
    return (Floats)((UnsignedInts)p + ((UnsignedInts)shifted << 23));
  }

  // Of a positive normal number.
  static Floats log(Floats x) {
    const UnsignedInts bits = (UnsignedInts)x;
    const Ints exponent = (Ints)(bits - 0x3F3504F3u) >> 23;  // so that the rest lies in [sqrt(1/2), sqrt(2))
    const Floats m = (Floats)(bits - ((UnsignedInts)exponent << 23));
    const Floats s = (m - 1.0f) / (m + 1.0f), z = s * s;
    Floats p = z * 0.24279079f + 0.28498787f;
    p = p * z + 0.40000972f;
    p = p * z + 0.66666666f;
    const Floats e = __builtin_convertvector(exponent, Floats);
    return e * 0.693359375f + ((p * z * s + s * 2.0f) - e * 2.12194440e-4f);
  }
};
