// The vector kernels of codec COLUMNS; included by isa_kernels.inl inside its anonymous namespace. Integers only.

// Points at a time: what is summed up stays in the first-level cache, and each loop below becomes vector code.
constexpr int64_t kBlock = 512;

// acc[i] += weight * feature[first + i]
void add_feature(const ColumnFeature& f, int64_t first, int64_t count, uint32_t* acc) {
  const uint32_t weight = static_cast<uint32_t>(f.weight);
  const uint16_t* narrow = static_cast<const uint16_t*>(f.data) + first;
  const int32_t* wide = static_cast<const int32_t*>(f.data) + first;
  switch (f.kind) {
    case ColumnFeatureKind::narrow:
      for (int64_t i = 0; i < count; ++i) acc[i] += weight * narrow[i];
      return;
    case ColumnFeatureKind::wide:
      for (int64_t i = 0; i < count; ++i) acc[i] += weight * static_cast<uint32_t>(wide[i]);
      return;
    case ColumnFeatureKind::square:
      for (int64_t i = 0; i < count; ++i) {
        const uint32_t off = static_cast<uint32_t>((narrow[i] - f.center) >> f.shift);
        acc[i] += weight * (off * off & 0xFFFF);
      }
      return;
    case ColumnFeatureKind::offset:
      for (int64_t i = 0; i < count; ++i) {
        const int32_t off = wide[i] < f.center ? f.center - wide[i] : wide[i] - f.center;
        acc[i] += weight * static_cast<uint32_t>(off < f.limit ? off : f.limit);
      }
      return;
  }
}

void weighted_sum(const WeightedSum& s) {
  alignas(64) uint32_t acc[kBlock];
  for (int64_t first = 0; first < s.n; first += kBlock) {
    const int64_t count = s.n - first < kBlock ? s.n - first : kBlock;
    for (int64_t i = 0; i < count; ++i) acc[i] = static_cast<uint32_t>(s.bias);
    for (int t = 0; t < s.terms; ++t) add_feature(s.features[t], first, count, acc);
    int32_t* out = s.out + first;
    for (int64_t i = 0; i < count; ++i) {
      int32_t value = static_cast<int32_t>(acc[i]) >> s.shift;
      value = value < s.low ? s.low : value;
      out[i] = value > s.high ? s.high : value;
    }
  }
}

template <class Sum>
void sum_block(const uint16_t (&v)[4][kBlock], int64_t count, int32_t limit, Sum* sums, uint16_t* spreads) {
  for (int64_t i = 0; i < count; ++i) sums[i] = static_cast<Sum>(v[0][i] + v[1][i] + v[2][i] + v[3][i]);
  if (!spreads) return;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t sum = static_cast<int32_t>(sums[i]);
    int32_t spread = 0;
    for (int k = 0; k < 4; ++k) {
      const int32_t off = 4 * v[k][i] - sum;
      spread += off < 0 ? -off : off;
    }
    spreads[i] = static_cast<uint16_t>(spread < limit ? spread : limit);
  }
}

void sum_neighbours(const NearValues& s) {
  alignas(64) uint16_t v[4][kBlock];
  for (int64_t first = 0; first < s.n; first += kBlock) {
    const int64_t count = s.n - first < kBlock ? s.n - first : kBlock;
    for (int k = 0; k < 4; ++k) {
      const uint16_t* near = s.near[k] + first;
      for (int64_t i = 0; i < count; ++i) v[k][i] = s.values[near[i]];
    }
    uint16_t* spreads = s.spreads ? s.spreads + first : nullptr;
    if (s.sums) {
      sum_block(v, count, s.limit, s.sums + first, spreads);
    } else {
      sum_block(v, count, s.limit, s.wide_sums + first, spreads);
    }
  }
}

void grid_contexts(const ContextGrid& g) {
  alignas(64) int32_t bucket[kBlock];
  for (int64_t first = 0; first < g.n; first += kBlock) {
    const int64_t count = g.n - first < kBlock ? g.n - first : kBlock;
    for (int64_t i = 0; i < count; i += kWidth) {  // the buffers of a pass are padded: whole vectors may be read
      const Ints row = load<Ints>(g.rows + first + i), column = load<Ints>(g.columns + first + i);
      Ints rows = {}, columns = {};
      for (int k = 0; k < g.row_count; ++k) rows -= row >= g.row_cuts[k];
      for (int k = 0; k < g.column_count; ++k) columns -= column >= g.column_cuts[k];
      store(bucket + i, rows * (g.column_count + 1) + columns + g.first);
    }
    uint8_t* contexts = g.contexts + first;
    for (int64_t i = 0; i < count; ++i) contexts[i] = static_cast<uint8_t>(bucket[i]);
  }
}

bool add_residuals(const ResidualPlane& p) {
  uint32_t bad = 0;
  if (!p.level) {
    for (int64_t i = 0; i < p.n; ++i) {
      bad |= static_cast<uint32_t>(static_cast<uint32_t>(p.symbols[i]) >= p.size);
      p.values[i] = static_cast<uint16_t>(p.symbols[i]);
    }
    return bad == 0;
  }
  // A symbol is any int32, a level at most 2^20: modulo 2^32 what is too large becomes no small value again.
  const int32_t half = p.mirrored ? 8 : 16;
  for (int64_t i = 0; i < p.n; ++i) {
    const uint32_t symbol = static_cast<uint32_t>(p.symbols[i]);
    const uint32_t residual = (p.level[i] & 15) >= half ? 0u - symbol : symbol;
    const uint32_t value = residual + static_cast<uint32_t>((p.level[i] + 8) >> 4);
    bad |= static_cast<uint32_t>(value >= p.size);
    p.values[i] = static_cast<uint16_t>(value);
  }
  return bad == 0;
}

void nearest_known(const NearestKnown& s) {
  int32_t *b0 = s.keys[0], *b1 = s.keys[1], *b2 = s.keys[2], *b3 = s.keys[3];
  for (int64_t i = 0; i < s.n; i += kWidth) {
    const size_t active = static_cast<size_t>(s.n - i < kWidth ? s.n - i : kWidth) * 4;
    Ints x = {}, y = {}, z = {}, best[4];
    std::memcpy(&x, s.x + i, active), std::memcpy(&y, s.y + i, active), std::memcpy(&z, s.z + i, active);
    for (Ints& b : best) b = Ints{} + INT32_MAX;
    for (int o = 0; o < s.window; ++o) {  // the known points are padded, so that whole vectors may be read
      Ints dx = load<Ints>(s.known_x + i + o) - x, dy = load<Ints>(s.known_y + i + o) - y;
      Ints dz = load<Ints>(s.known_z + i + o) - z;
      Ints square = dx * dx + dy * dy + dz * dz;
      square = square < s.most ? square : Ints{} + s.most;
      Ints key = square * s.window + o;
      for (Ints& b : best) {
        Ints smaller = key < b ? key : b;
        key = key < b ? b : key;
        b = smaller;
      }
    }
    std::memcpy(b0 + i, &best[0], active), std::memcpy(b1 + i, &best[1], active);
    std::memcpy(b2 + i, &best[2], active), std::memcpy(b3 + i, &best[3], active);
  }
}

int64_t short_dot(const int16_t* a, const int16_t* b, int64_t n, int64_t sums) {
  typedef int64_t Longs __attribute__((vector_size(kWidth * 8)));
  constexpr int64_t kStep = 2 * kWidth, kTogether = 2;  // shorts a register; a sum waits for itself, so there are two
  Longs total = {};
  int64_t i = 0;
  while (i < n) {
    Ints sum[kTogether] = {};
    const int64_t end = n - i < sums * kTogether * kStep ? n : i + sums * kTogether * kStep;
    for (; i < end; i += kTogether * kStep)
      for (int64_t k = 0; k < kTogether; ++k)
        sum[k] = add_pair_products(sum[k], load<Ints>(a + i + k * kStep), load<Ints>(b + i + k * kStep));
    for (const Ints& part : sum) total += __builtin_convertvector(part, Longs);
  }
  int64_t all = 0;
  for (int lane = 0; lane < kWidth; ++lane) all += total[lane];
  return all;
}

const ColumnKernels kColumnKernels = {&weighted_sum,  &sum_neighbours, &grid_contexts,
                                      &add_residuals, &nearest_known,  SPLATZIP_UNLESS_DECODER(short_dot)};
