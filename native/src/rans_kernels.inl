// A plane of rANS symbols, by any number of lanes; 4 and 32 are fast. Included by isa_kernels.inl inside its anonymous
// namespace.

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
// Whole rows. Words behind the end may be read, and taken: the caller checks for that afterwards.
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
      // Arithmetic instead of a branch, which could not be predicted; the word is read either way.
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
#include "rans_avx512.inl"
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
