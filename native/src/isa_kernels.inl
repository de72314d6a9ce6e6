// The vector kernels, compiled once an instruction set: an isa_*.cpp defines SPLATZIP_KERNELS (the table to fill),
// SPLATZIP_ISA_NAME and SPLATZIP_LANES (float lanes a register) and includes this file. With SPLATZIP_ONLY_DECODES,
// kernels of encoders and of the renderer are left out: their places in the tables hold nullptr.
//
// Everything lives in an anonymous namespace: two instruction sets must never share an inline function.

#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE4_1__)
#include <smmintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#include "isa.h"
#include "splatzip/rans.h"
#if defined(SPLATZIP_ONLY_DECODES)
#define SPLATZIP_UNLESS_DECODER(kernel) nullptr
#else
#include "raster_kernels.h"
#include "raster_score_kernels.h"
#include "splatzip/projection.h"
#include "splatzip/repair.h"
#include "splatzip/spherical_harmonics.h"
#define SPLATZIP_UNLESS_DECODER(kernel) &kernel
#endif

namespace splatzip {
namespace {

template <class V>
V load(const void* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <class V>
void store(void* p, const V& v) {
  std::memcpy(p, &v, sizeof v);
}

#include "lanes_128.inl"

// Where a symbol starts and ends: two numbers that follow each other, read as one.
inline uint32_t span_of(const uint16_t* starts, uint32_t symbol) {
  uint32_t span;
  std::memcpy(&span, starts + symbol, 4);
  return span;
}

// One symbol: the hint is it or a little below.
inline uint32_t decode_symbol(const RansTables& tables, uint32_t context, uint32_t x, uint32_t* symbol) {
  const uint32_t table = tables.table[context], slot = x & (kRansTotal - 1);
  const uint16_t* starts = tables.starts + table * kStartStride;
  uint32_t s = tables.hints[table * kHints + slot * kHints / kRansTotal];
  s += slot >= span_of(starts, s) >> 16;  // no branch for the likely step
  uint32_t span = span_of(starts, s);
  while (slot >= span >> 16) span = span_of(starts, ++s);
  *symbol = s;
  return rans_step(x, span & 0xFFFF, span >> 16);
}

const uint16_t* decode_plane_any(uint32_t* states, int lanes, const RansTables& tables, const uint8_t* contexts,
                                 uint8_t* symbols, int64_t n, const uint16_t* words, const uint16_t* words_end) {
  for (int64_t row = 0; row < n; row += lanes) {
    int active = static_cast<int>(n - row < lanes ? n - row : lanes);
    for (int lane = 0; lane < active; ++lane) {
      uint32_t x = states[lane], symbol;
      x = decode_symbol(tables, contexts[row + lane], x, &symbol);
      symbols[row + lane] = static_cast<uint8_t>(symbol);
      if (x < kRansLow) {
        if (words == words_end) return nullptr;
        x = x << 16 | *words++;
      }
      states[lane] = x;
    }
  }
  return words;
}

#if defined(__wasm_simd128__)
#include "rans_wasm.inl"
#else
// Whole rows. Words behind the end may be read, and taken: whoever called sees that then.
//
// Of a few lanes. Four lanes are unrolled: their states live in registers, their look-ups overlap.
template <int Lanes>
const uint16_t* decode_rows_of(uint32_t* states, const RansTables& tables, const uint8_t* contexts, uint8_t* symbols,
                               int64_t rows, const uint16_t* words, const uint16_t* words_end, int64_t* rows_done) {
  uint32_t x[Lanes];
  for (int lane = 0; lane < Lanes; ++lane) x[lane] = states[lane];
  int64_t row = 0;
  for (; row < rows && words <= words_end; ++row) {
#pragma GCC unroll 4
    for (int lane = 0; lane < Lanes; ++lane) {
      uint32_t symbol;
      x[lane] = decode_symbol(tables, contexts[row * Lanes + lane], x[lane], &symbol);
      symbols[row * Lanes + lane] = static_cast<uint8_t>(symbol);
    }
#pragma GCC unroll 4
    for (int lane = 0; lane < Lanes; ++lane) {
      // Arithmetic instead of a branch that nobody could foresee; the word is read either way.
      const uint32_t below = x[lane] < kRansLow;
      x[lane] = x[lane] << (below * 16) | (*words & (0 - below));
      words += below;
    }
  }
  for (int lane = 0; lane < Lanes; ++lane) states[lane] = x[lane];
  *rows_done = row;
  return words;
}
#endif

#if defined(__AVX512VBMI__)

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

#elif defined(__AVX2__)

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

#elif defined(SPLATZIP_LANES_128)
#include "rans_narrow.inl"
#endif

const uint16_t* rans_decode_plane(uint32_t* states, int lanes, const RansTables& tables, const uint8_t* contexts,
                                  uint8_t* symbols, int64_t n, const uint16_t* words, const uint16_t* words_end) {
  int64_t done = 0;  // rows; what is left is decoded symbol by symbol
  if (lanes == 4) {
    words = decode_rows_of<4>(states, tables, contexts, symbols, n / 4, words, words_end, &done);
  } else if (lanes == 32) {
#if defined(SPLATZIP_LANES_128)
    words = decode_plane_32(states, tables, contexts, symbols, n / 32, words, words_end, &done);
#else
    words = decode_rows_of<32>(states, tables, contexts, symbols, n / 32, words, words_end, &done);
#endif
  }
  if (words > words_end) return nullptr;
  contexts += done * lanes;
  symbols += done * lanes;
  n -= done * lanes;
  return decode_plane_any(states, lanes, tables, contexts, symbols, n, words, words_end);
}

// Values of W splats at once; float32 multiplications and additions in the order of FORMAT.md.
constexpr int kWidth = SPLATZIP_LANES;
typedef float Floats __attribute__((vector_size(kWidth * 4)));
typedef int32_t Ints __attribute__((vector_size(kWidth * 4)));

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
#else
  Ints values;
  for (int lane = 0; lane < kWidth; ++lane) values[lane] = p[lane];
  return values;
#endif
}
inline void store_bytes(uint8_t* p, Ints values) {
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8((__m512i)values));
#elif defined(__wasm_simd128__)
  const v128_t v = (v128_t)values;
  wasm_v128_store32_lane(p, wasm_i8x16_shuffle(v, v, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), 0);
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
#else
  for (int lane = 0; lane < kWidth; ++lane) a[lane] = __builtin_sqrtf(a[lane]);
  return a;
#endif
}

constexpr int kRowBlock = kNeighbourWindow;  // rows whose codes are turned around at once
constexpr int kMostStride = 80;

// Which lanes of r, g and b become the lanes of r0 g0 b0 r1 ..., in three registers.
struct InterleaveTable {
  alignas(64) int32_t red_green[3][kWidth] = {}, blue[3][kWidth] = {};
  constexpr InterleaveTable() {
    for (int at = 0; at < 3 * kWidth; ++at) {
      const int part = at / kWidth, lane = at % kWidth, j = at / 3;
      red_green[part][lane] = at % 3 == 1 ? kWidth + j : j;
      blue[part][lane] = at % 3 == 2 ? kWidth + j : lane;
    }
  }
};
constexpr InterleaveTable kInterleave;

// Lanes r0 r1 .., g0 g1 .., b0 b1 .. -> r0 g0 b0 r1 ..: one register of the coefficients of each colour.
template <int Count>
inline void store_interleaved(float* out, Floats r, Floats g, Floats b) {
#if defined(__wasm_simd128__)
  const Floats red_green = __builtin_shufflevector(r, g, 0, 4, 1, 5), later = __builtin_shufflevector(r, g, 2, 6, 3, 7);
  const Floats middle = __builtin_shufflevector(red_green, b, 3, 5, 3, 5);
  const Floats all[3] = {__builtin_shufflevector(red_green, b, 0, 1, 4, 2),
                         __builtin_shufflevector(middle, later, 0, 1, 4, 5),
                         __builtin_shufflevector(later, b, 6, 2, 3, 7)};
  std::memcpy(out, all, sizeof(float) * 3 * Count);
#elif defined(__clang__)
  for (int j = 0; j < Count; ++j) {
    out[j * 3] = r[j];
    out[j * 3 + 1] = g[j];
    out[j * 3 + 2] = b[j];
  }
#else
  alignas(64) float all[3 * kWidth];
  for (int part = 0; part < 3; ++part) {
    const Floats both = __builtin_shuffle(r, g, load<Ints>(kInterleave.red_green[part]));
    store(all + part * kWidth, __builtin_shuffle(both, b, load<Ints>(kInterleave.blue[part])));
  }
  std::memcpy(out, all, sizeof(float) * 3 * Count);
#endif
}

// One block of rows through Transform: all coefficients of a colour side by side, as many registers of them at once as
// sums of three colours leave room for.
template <int Count>
void transform_rows(const Transform& t, const float* values, int stride, int64_t first, int rows) {
  constexpr int kParts = (Count + kWidth - 1) / kWidth, kAtOnce = kWidth == 4 && kParts > 2 ? 2 : kParts;
  Floats color[9];
  for (int k = 0; k < 9; ++k) color[k] = broadcast(t.color[k]);
  for (int row = 0; row < rows; ++row) {
    const float* v = values + row * stride;
    float* out = t.out + (first + row) * t.out_stride;
#pragma GCC unroll 4
    for (int begin = 0; begin < kParts; begin += kAtOnce) {
      Floats sum[3][kAtOnce] = {};
      const float* bases = t.basis + begin * kWidth;
#if defined(__wasm__)  // engines read all of a block's numbers first: in a larger one they would not fit the registers
#pragma GCC unroll 1
#endif
      for (const float *coded = v, *end = v + 3 * Count; coded != end; coded += 3, bases += kBasisFloats) {
#if defined(__wasm__)
        __asm__("" : "+r"(bases));  // a pointer of its own is less work than a place in both
#endif
        for (int part = 0; part < kAtOnce; ++part) {
          const Floats basis = load<Floats>(bases + part * kWidth);
          for (int c = 0; c < 3; ++c) sum[c][part] = sum[c][part] + basis * coded[c];
        }
      }
#pragma GCC unroll 4
      for (int part = 0; part < kAtOnce; ++part) {
        Floats rgb[3];
        for (int c = 0; c < 3; ++c)
          rgb[c] = (sum[0][part] * color[c * 3] + sum[1][part] * color[c * 3 + 1]) + sum[2][part] * color[c * 3 + 2];
        if (begin + part + 1 < kParts) {
          store_interleaved<kWidth>(out + (begin + part) * kWidth * 3, rgb[0], rgb[1], rgb[2]);
        } else if (begin + part < kParts) {
          store_interleaved<Count - (kParts - 1) * kWidth>(out + (kParts - 1) * kWidth * 3, rgb[0], rgb[1], rgb[2]);
        }
      }
    }
  }
}

void transform_block(const Transform& t, const float* values, int stride, int64_t first, int rows) {
  switch (t.coefficients) {
    case 1: return transform_rows<1>(t, values, stride, first, rows);
    case 3: return transform_rows<3>(t, values, stride, first, rows);
    case 8: return transform_rows<8>(t, values, stride, first, rows);
    case 15: return transform_rows<15>(t, values, stride, first, rows);
    case 24: return transform_rows<24>(t, values, stride, first, rows);
  }
}

constexpr int kTurned = 16;                          // strides are multiples of it
constexpr int kTurnedPlanes = kWidth == 4 ? 8 : 16;  // at once: registers have to hold them

inline void store_as_floats(const int8_t* codes, float* out) {
#if defined(__wasm_simd128__)
  const v128_t all = wasm_i16x8_load8x8(codes);
  wasm_v128_store(out, wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(all)));
  wasm_v128_store(out + 4, wasm_f32x4_convert_i32x4(wasm_i32x4_extend_high_i16x8(all)));
#else
  for (int k = 0; k < kTurnedPlanes; k += kWidth) store(out + k, to_floats(load_signed_bytes(codes + k)));
#endif
}

// Symbols of a block, kTurnedPlanes planes from v on, to rows of floats.
void turn_symbols(const PredictedRows& r, int v, int64_t first, int rows, float* out) {
  constexpr int kRows = 16, kStages = kTurnedPlanes == 8 ? 3 : 4;
  const uint8_t* planes[kTurnedPlanes];
  static constexpr uint8_t kNone[kRowBlock] = {};
  for (int k = 0; k < kTurnedPlanes; ++k) planes[k] = v + k < r.width ? r.coded[v + k].symbols + first : kNone;
  for (int row = 0; row < rows; row += kRows) {
    // Perfect shuffles, as many as halve the planes down to one: byte (plane, row) becomes byte (row, plane).
    Bytes16 from[kTurnedPlanes], to[kTurnedPlanes];
    for (int k = 0; k < kTurnedPlanes; ++k) {
      const Bytes16 u = load<Bytes16>(planes[k] + row);
      from[k] = (u >> 1) ^ -(u & 1);
    }
#pragma GCC unroll 4
    for (int stage = 0; stage < kStages; ++stage) {
#pragma GCC unroll 8
      for (int k = 0; k < kTurnedPlanes / 2; ++k) {
        to[2 * k] = low_pairs(from[k], from[k + kTurnedPlanes / 2]);
        to[2 * k + 1] = high_pairs(from[k], from[k + kTurnedPlanes / 2]);
      }
      std::memcpy(from, to, sizeof from);
    }
    alignas(64) int8_t turned[kTurnedPlanes * kRows];
    std::memcpy(turned, from, sizeof turned);
    float* rows_out = out + row * r.stride + v;
    for (int at = 0; at < kRows; ++at, rows_out += r.stride) store_as_floats(turned + at * kTurnedPlanes, rows_out);
  }
}

// The same where some planes hold values.
void turn_mixed(const PredictedRows& r, int v, int64_t first, int rows, float* out) {
#if defined(__SSE2__) || defined(__wasm_simd128__)
  const auto four = [&](int plane, int64_t at) -> Four {
    if (plane >= r.width) return Four{};
    const CodePlane& codes = r.coded[plane];
    if (codes.values) return load<Four>(codes.values + at);
    if (codes.shorts) return four_shorts(codes.shorts + at);
    const Four u = four_bytes(codes.symbols + at);
    return (u >> 1) ^ -(u & 1);
  };
  for (int to = v; to < v + kTurned; to += 4)
    for (int row = 0; row < rows; row += 4) {
      FourFloats q[4];
      for (int k = 0; k < 4; ++k) q[k] = __builtin_convertvector(four(to + k, first + row), FourFloats);
      transpose(q);
      for (int k = 0; k < 4; ++k) store(out + (row + k) * r.stride + to, q[k]);
    }
#else
  for (int k = v; k < v + kTurned; ++k)
    for (int row = 0; row < rows; ++row) {
      const int64_t at = first + row;
      const CodePlane codes = k < r.width ? r.coded[k] : CodePlane{};
      const int u = codes.symbols ? codes.symbols[at] : 0;
      const int code = codes.values ? codes.values[at] : codes.shorts ? codes.shorts[at] : u >> 1 ^ -(u & 1);
      out[row * r.stride + k] = static_cast<float>(code);
    }
#endif
}

// Codes of a block, plane by plane, to rows of floats; what a row has behind its values becomes 0.
void turn_codes(const PredictedRows& r, int64_t first, int rows, float* out) {
  for (int v = 0; v < r.stride; v += kTurned) {
    bool values = false;
    for (int k = v; k < v + kTurned && k < r.width; ++k) values |= r.coded[k].symbols == nullptr;
    if (values) {
      turn_mixed(r, v, first, rows, out);
    } else {
      for (int k = v; k < v + kTurned; k += kTurnedPlanes) turn_symbols(r, k, first, rows, out);
    }
  }
}

template <bool Encode>
void rebuild_rows(const PredictedRows& r) {
  alignas(64) float codes[kRowBlock * kMostStride];
  alignas(64) float zeros[kMostStride] = {};  // the row of a neighbour that is not there
  const int stride = r.stride;
  const int last_slot = static_cast<int>(ring_rows(r.runs)) - 1;
  float *values = r.ring, *errors = r.ring + ring_rows(r.runs) * stride;
  for (int64_t first = 0; first < r.n; first += kRowBlock) {
    const int rows = static_cast<int>(r.n - first < kRowBlock ? r.n - first : kRowBlock);
    if (!Encode) {
      turn_codes(r, first, rows, codes);
    }
    for (int row = 0; row < rows; ++row) {
      const int64_t i = first + row;
      float w[kNeighbours];
      const float *other[kNeighbours], *missed[kNeighbours];
      float diffuse[kNeighbours];
      for (int k = 0; k < kNeighbours; ++k) {
        const int at = r.near.row[k][i];
        w[k] = r.near.weight[k][i];
        const int slot = at & last_slot;
        other[k] = at < 0 ? zeros : values + slot * stride;
        if (Encode) {
          missed[k] = at < 0 ? zeros : errors + slot * stride;
          float ratio = at < 0 ? 0.0f : r.steps[i] / r.steps[at];
          diffuse[k] = r.diffusion * w[k] * (ratio < 1.0f ? ratio : 1.0f);
        }
      }
      const float step = r.steps[i];
      const float room = r.most_step - step, bound = 0.5f * (room < step ? room : step);
      const float* shares = r.shares + r.distance[i] * stride;
      float* own = values + (i & last_slot) * stride;
      const float* targets = Encode ? r.targets + i * stride : nullptr;
      float* own_errors = Encode ? errors + (i & last_slot) * stride : nullptr;
      float* row_codes = codes + row * stride;
      // Of kWidth values. What is constant comes last: then it is part of an instruction.
      const auto rebuild = [&](int v, int part) {
        const auto of = [&](const float* values) { return load<Floats>(values + v + part); };
        Floats mean = ((of(other[0]) * w[0] + of(other[1]) * w[1]) + of(other[2]) * w[2]) + of(other[3]) * w[3];
        Floats predicted = of(shares) * mean, code;
        if (Encode) {
          Floats target = of(targets);
          Floats shift = ((of(missed[0]) * diffuse[0] + of(missed[1]) * diffuse[1]) + of(missed[2]) * diffuse[2]) +
                         of(missed[3]) * diffuse[3];
          shift = shift > bound ? Floats{} + bound : shift;
          shift = shift < -bound ? Floats{} - bound : shift;
          Floats wanted = target - shift;
          code = rounded_code((wanted - predicted) / step, r.dead_zone);
          store(row_codes + v + part, code);
          Floats value = predicted + code * step;
          store(own + v + part, value);
          store(own_errors + v + part, value - wanted);
        } else {
          store(own + v + part, predicted + of(row_codes) * step);
        }
      };
      for (int v = 0; v < stride; v += kTurned) {
#pragma GCC unroll 4
        for (int part = 0; part < kTurned; part += kWidth) rebuild(v, part);
      }
    }
    if (Encode) {
      for (int v = 0; v < r.width; ++v) {
        int32_t* plane = r.codes[v] + first;
        for (int row = 0; row < rows; ++row) plane[row] = static_cast<int32_t>(codes[row * stride + v]);
      }
    } else {
      transform_block(*r.transform, values + (first & last_slot) * stride, stride, first, rows);
    }
  }
}

void decode_rows(const PredictedRows& r) { rebuild_rows<false>(r); }
void encode_rows(const PredictedRows& r) { rebuild_rows<true>(r); }

template <int Padded>
void to_targets_of(const ForwardTransform& t) {
  constexpr int kParts = (Padded + kWidth - 1) / kWidth;
  constexpr int64_t kAhead = 8;
  alignas(64) float out[3][kParts * kWidth];
  for (int64_t i = 0; i < t.n; ++i) {
    const float* sh = t.sh + t.rows[i] * t.sh_stride;
    if (i + kAhead < t.n) {  // rows of the source come in no order that a machine could guess
      const float* ahead = t.sh + t.rows[i + kAhead] * t.sh_stride;
      for (int at = 0; at < 3 * t.coefficients; at += 16) __builtin_prefetch(ahead + at);
    }
    Floats sum[3][kParts] = {};
    for (int j = 0; j < t.coefficients; ++j) {
      float coded[3];
      for (int c = 0; c < 3; ++c)
        coded[c] =
            (sh[j * 3] * t.color[c * 3] + sh[j * 3 + 1] * t.color[c * 3 + 1]) + sh[j * 3 + 2] * t.color[c * 3 + 2];
      for (int part = 0; part < kParts; ++part) {
        Floats basis = load<Floats>(t.basis + j * kBasisFloats + part * kWidth);
        for (int c = 0; c < 3; ++c) sum[c][part] = sum[c][part] + basis * coded[c];
      }
    }
    for (int c = 0; c < 3; ++c)
      for (int part = 0; part < kParts; ++part) store(out[c] + part * kWidth, sum[c][part]);
    float* target = t.targets + i * t.stride;
    for (int k = 0; k < t.coefficients; ++k)
      for (int c = 0; c < 3; ++c) target[k * 3 + c] = out[c][k];
  }
}

void to_targets(const ForwardTransform& t) {
  if (t.coefficients <= 4) return to_targets_of<4>(t);
  if (t.coefficients <= 8) return to_targets_of<8>(t);
  if (t.coefficients <= 16) return to_targets_of<16>(t);
  return to_targets_of<32>(t);
}

void widen_symbols(const uint8_t* symbols, bool is_signed, int32_t* values, int64_t n) {
  if (is_signed) {
    for (int64_t i = 0; i < n; ++i) {
      int32_t u = symbols[i];
      values[i] = (u >> 1) ^ -(u & 1);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) values[i] = symbols[i];
  }
}

int64_t find_incomplete(const uint8_t* contexts, const uint8_t* symbols, const uint8_t* extra, int escape, int64_t n,
                        int32_t* places) {
  int64_t count = 0, i = 0;
#if defined(__AVX512VBMI__)
  const __m512i table = _mm512_loadu_si512(extra);
  const __m512i escapes = _mm512_set1_epi8(static_cast<char>(escape));
  for (; i + 64 <= n; i += 64) {
    __m512i extras = _mm512_permutexvar_epi8(_mm512_loadu_si512(contexts + i), table);
    uint64_t mask = _mm512_test_epi8_mask(extras, extras);
    if (escape < 256) mask |= _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(symbols + i), escapes);
    for (; mask; mask &= mask - 1) places[count++] = static_cast<int32_t>(i + __builtin_ctzll(mask));
  }
#endif
#if defined(SPLATZIP_LANES_128) && !defined(__AVX512VBMI__)
  const Table64 table(extra);
  const bool any_extra =
      bits_of_bytes((Bytes16)((table.parts[0] | table.parts[1] | table.parts[2] | table.parts[3]) != 0)) != 0;
  const Bytes16 escapes = Bytes16{} + static_cast<uint8_t>(escape), any = escape < 256 ? ~Bytes16{} : Bytes16{};
  for (; i + 16 <= n; i += 16) {
    Bytes16 found = (Bytes16)(load<Bytes16>(symbols + i) == escapes) & any;
    if (any_extra) found = found | (Bytes16)(table[load<Bytes16>(contexts + i)] != 0);
    for (uint32_t mask = bits_of_bytes(found); mask; mask &= mask - 1)
      places[count++] = static_cast<int32_t>(i + __builtin_ctz(mask));
  }
#endif
  for (; i < n; ++i)
    if (extra[contexts[i]] | (symbols[i] == escape)) places[count++] = static_cast<int32_t>(i);
  return count;
}

void size_contexts(const SizeTerms& terms, const float* weights, uint8_t* contexts) {
  const SizeTerms t = terms;  // values of our own: what is stored below cannot change them
  Floats w[kSizeTerms];
  for (int term = 0; term < kSizeTerms; ++term) w[term] = broadcast(weights[term]);
  Floats channels[kParts], before[kParts], sum[kParts], color[kParts] = {};
  for (int64_t i = 0; i < t.n; i += kParts * kWidth) {
    load_floats(t.channels + i, channels);
    load_floats(t.before + i, before);
    load_floats(t.sum + i, sum);
    if (t.color) load_floats(t.color + i, color);
    Ints quarters[kParts];
    for (int part = 0; part < kParts; ++part) {
      Floats size = w[0] + load<Floats>(t.spread + i + part * kWidth) * w[1];
      size = size + load<Floats>(t.distance + i + part * kWidth) * w[2];
      size = size + channels[part] * w[3];
      size = size + before[part] * w[4];
      size = size + (sum[part] * t.share) * w[5];
      size = size + color[part] * w[6];
      // Quarter octaves from 2^-8 on; what is smaller (or negative) is context 0.
      size = size > 0.00390625f ? size : Floats{} + 0.00390625f;
      Ints bits;
      std::memcpy(&bits, &size, sizeof bits);
      quarters[part] = (bits >> 21) - (119 << 2);
    }
    store_least(contexts + i, quarters, kSizeContexts - 1);
  }
}

template <class Value>
void sizes_of(const Value* values, int64_t n, uint8_t* sizes) {
  for (int64_t i = 0; i < n; ++i) {
    const int32_t value = values[i], size = value < 0 ? -value : value;
    sizes[i] = static_cast<uint8_t>(size < kMostSize ? size : kMostSize);
  }
}

#if defined(SPLATZIP_LANES_128) && !defined(__AVX2__)
// Of a plane of symbols, in one go; planes have room for what is written behind their end.
void add_symbol_sizes(const SizePlane& p) {
  const Bytes16 most = Bytes16{} + static_cast<uint8_t>(kMostSize), none = {};
  for (int64_t i = 0; i < p.n; i += 16) {
    const Bytes16 half_up = average(load<Bytes16>(p.codes.symbols + i), none);
    const Bytes16 size = half_up < most ? half_up : most;
    store(p.before + i, size);
    store(p.channels + i, p.last_of_component ? none : load<Bytes16>(p.channels + i) + size);
    store(p.sum + i, load<Halves8>(p.sum + i) + (Halves8)low_pairs(size, none));
    store(p.sum + i + 8, load<Halves8>(p.sum + i + 8) + (Halves8)high_pairs(size, none));
  }
}
#endif

void add_size_plane(const SizePlane& p) {
#if defined(SPLATZIP_LANES_128) && !defined(__AVX2__)
  if (p.codes.symbols) return add_symbol_sizes(p);
#endif
  constexpr int64_t kBlock = 1024;
  uint8_t size[kBlock];
  for (int64_t first = 0; first < p.n; first += kBlock) {
    const int64_t n = p.n - first < kBlock ? p.n - first : kBlock;
    if (p.codes.symbols) {
      const uint8_t* symbol = p.codes.symbols + first;
      for (int64_t i = 0; i < n; ++i) size[i] = static_cast<uint8_t>((symbol[i] >> 1) + (symbol[i] & 1));
      for (int64_t i = 0; i < n; ++i) size[i] = size[i] < kMostSize ? size[i] : kMostSize;
    } else if (p.codes.shorts) {
      sizes_of(p.codes.shorts + first, n, size);
    } else {
      sizes_of(p.codes.values + first, n, size);
    }
    uint8_t* channels = p.channels + first;
    uint16_t* sum = p.sum + first;
    std::memcpy(p.before + first, size, static_cast<size_t>(n));
    if (p.last_of_component) {
      std::memset(channels, 0, static_cast<size_t>(n));
    } else {
      for (int64_t i = 0; i < n; ++i) channels[i] = static_cast<uint8_t>(channels[i] + size[i]);
    }
    for (int64_t i = 0; i < n; ++i) sum[i] = static_cast<uint16_t>(sum[i] + size[i]);
  }
}

typedef uint32_t UnsignedInts __attribute__((vector_size(kWidth * 4)));

#include "stepped_kernels.inl"

#include "columns_kernels.inl"
#if !defined(SPLATZIP_ONLY_DECODES)
#include "vq_kernels.inl"
#include "metrics_kernels.inl"
#include "raster_kernels.inl"
#endif

}  // namespace

const Kernels SPLATZIP_KERNELS = {SPLATZIP_ISA_NAME,
                                  &rans_decode_plane,
                                  &decode_rows,
                                  SPLATZIP_UNLESS_DECODER(encode_rows),
                                  SPLATZIP_UNLESS_DECODER(to_targets),
                                  &widen_symbols,
                                  &find_incomplete,
                                  &size_contexts,
                                  &add_size_plane,
                                  SPLATZIP_UNLESS_DECODER(nearest_entries),
                                  &kSteppedKernels,
                                  &kColumnKernels,
                                  SPLATZIP_UNLESS_DECODER(kMetricKernels),
                                  SPLATZIP_UNLESS_DECODER(kRasterKernels)};

}  // namespace splatzip
