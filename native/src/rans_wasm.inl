// Rows of a few lanes of rANS in WebAssembly; included by isa_kernels.inl inside its anonymous namespace.
//
// Four lanes at once: their states live in registers, their look-ups overlap. Each slot has its own hint, so no symbol
// is looked for. Engines take the code as it stands, so every instruction that is not there pays. What chooses is a
// branch there, however it is written: so it is one that has nothing to do where a lane takes no word, which is
// likely. Arithmetic instead waited longer for the lanes before than wrong guesses cost. Native code has smaller
// tables.
//
// Whole rows. Words behind the end may be read, and taken: whoever called sees that then.
template <int Lanes>
const uint16_t* decode_rows_of(uint32_t* states, const RansTables& tables, const uint8_t* contexts, uint8_t* symbols,
                               int64_t rows, const uint16_t* words, const uint16_t* words_end, int64_t* rows_done) {
  constexpr int kAtOnce = 4;
  static_assert(kHints == kRansTotal);
  struct {
    const uint8_t* hints;
    const uint16_t* starts;
  } of[kMaxContexts];
  for (int c = 0; c < kMaxContexts; ++c)
    of[c] = {tables.hints + tables.table[c] * kHints, tables.starts + tables.table[c] * kStartStride};
  uint32_t x[Lanes];
  std::memcpy(x, states, sizeof x);
  int64_t row = 0;
  for (; row < rows && words <= words_end; ++row) {
#pragma GCC unroll 1
    for (int first = 0; first < Lanes; first += kAtOnce, contexts += kAtOnce, symbols += kAtOnce) {
      uint32_t next[kAtOnce];
#pragma GCC unroll 4
      for (int lane = 0; lane < kAtOnce; ++lane) {
        const auto& table = of[contexts[lane]];
        const uint32_t state = x[first + lane], symbol = table.hints[state & (kRansTotal - 1)];
        const uint32_t span = span_of(table.starts, symbol);
        symbols[lane] = static_cast<uint8_t>(symbol);
        next[lane] = rans_step(state, span & 0xFFFF, span >> 16);
      }
#pragma GCC unroll 4
      for (int lane = 0; lane < kAtOnce; ++lane) {
        if (next[lane] < kRansLow) next[lane] = next[lane] << 16 | *words++;
        x[first + lane] = next[lane];
      }
    }
  }
  std::memcpy(states, x, sizeof x);
  *rows_done = row;
  return words;
}
