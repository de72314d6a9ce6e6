// Rows of a few lanes of rANS in WebAssembly; included by isa_kernels.inl inside its anonymous namespace.
//
// Four lanes at once: their states live in registers, their look-ups overlap. What no processor could foresee is
// arithmetic; whether a symbol lies three or more behind its hint, which is rare, is asked once for all four. Engines
// take the code as it stands, so every instruction that is not there pays; compilers for machines do better with less
// arithmetic and a branch a lane.
//
// Whole rows. Words behind the end may be read, and taken: whoever called sees that then.
template <int Lanes>
const uint16_t* decode_rows_of(uint32_t* states, const RansTables& tables, const uint8_t* contexts, uint8_t* symbols,
                               int64_t rows, const uint16_t* words, const uint16_t* words_end, int64_t* rows_done) {
  constexpr int kAtOnce = 4;
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
      uint32_t span[kAtOnce], inside = ~0u;  // the top bit: all four
#pragma GCC unroll 4
      for (int lane = 0; lane < kAtOnce; ++lane) {
        const auto& table = of[contexts[lane]];
        const uint32_t slot = x[first + lane] & (kRansTotal - 1), hint = table.hints[slot * kHints / kRansTotal];
        uint64_t starts;  // of the hinted symbol and the three behind it
        std::memcpy(&starts, table.starts + hint, sizeof starts);
        const uint32_t behind = (slot >= (starts >> 16 & 0xFFFF)) + (slot >= (starts >> 32 & 0xFFFF));
        symbols[lane] = static_cast<uint8_t>(hint + behind);
        span[lane] = static_cast<uint32_t>(starts >> 16 * behind);
        inside &= slot - (span[lane] >> 16);
      }
      if (static_cast<int32_t>(inside) >= 0) {
#pragma GCC unroll 4
        for (int lane = 0; lane < kAtOnce; ++lane) {
          const uint16_t* starts = of[contexts[lane]].starts;
          while ((x[first + lane] & (kRansTotal - 1)) >= span[lane] >> 16)
            span[lane] = span_of(starts, ++symbols[lane]);
        }
      }
#pragma GCC unroll 4
      for (int lane = 0; lane < kAtOnce; ++lane) {
        const uint32_t next = rans_step(x[first + lane], span[lane] & 0xFFFF, span[lane] >> 16);
        const uint32_t below = next < kRansLow, longer = next << 16 | *words;  // the word is read either way
        x[first + lane] = next ^ ((next ^ longer) & (0 - below));
        words += below;
      }
    }
  }
  std::memcpy(states, x, sizeof x);
  *rows_done = row;
  return words;
}
