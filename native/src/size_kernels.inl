// Symbols to values, and the sizes and contexts that planes of codes are coded by; included by isa_kernels.inl inside
// its anonymous namespace.

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
  const Table64<Bytes16> table(extra);
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
