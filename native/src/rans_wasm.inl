// Rows of a few lanes of rANS in WebAssembly; included by isa_kernels.inl inside its anonymous namespace.
//
// Four lanes at once: their states live in registers, their look-ups overlap. Each slot has its own hint, so no symbol
// is looked for. Engines take the code as it stands, so every instruction that is not there pays, and rows wait for
// each other: the next four words come in one load, before it is known which lanes take them, so there is no branch to
// predict. Native code has smaller tables.
//
// Whole rows. Words behind the end may be read, and taken: the caller checks for that afterwards.
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
  const uint8_t *const first_context = contexts, *const end = contexts + rows * Lanes;
  while (contexts != end && words <= words_end) {
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
      // How many words the lanes before each one take: sums side by side, not a pointer that goes from lane to lane.
      uint32_t below[kAtOnce], before[kAtOnce + 1] = {};
#pragma GCC unroll 4
      for (int lane = 0; lane < kAtOnce; ++lane) {
        below[lane] = next[lane] < kRansLow;
        before[lane + 1] = before[lane] + below[lane];
      }
      const uint64_t ahead = load<uint64_t>(words);
#pragma GCC unroll 4
      for (int lane = 0; lane < kAtOnce; ++lane) {
        const uint32_t word = static_cast<uint32_t>(ahead >> (16 * before[lane]) & 0xFFFF);
        x[first + lane] = below[lane] ? next[lane] << 16 | word : next[lane];
      }
      words += before[kAtOnce];
    }
  }
  std::memcpy(states, x, sizeof x);
  *rows_done = (contexts - first_context) / Lanes;
  return words;
}
