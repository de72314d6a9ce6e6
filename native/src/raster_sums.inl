// Sums over the pixels of a block; included by isa_kernels.inl inside its anonymous namespace. One tree for every
// width: lanes 8 apart first, then 4, 2 and 1.

struct FoldTable {
  // Of two registers with segments of 2 * Half lanes each: the lower and the upper half of every segment.
  alignas(64) int32_t low[4][kWidth] = {}, high[4][kWidth] = {};
  constexpr FoldTable() {
    for (int level = 0, half = kWidth / 2; half >= 1; ++level, half /= 2)
      for (int lane = 0; lane < kWidth; ++lane) {
        low[level][lane] = lane / half * 2 * half + lane % half;
        high[level][lane] = low[level][lane] + half;
      }
  }
};
constexpr FoldTable kFold;

inline Floats folded(Floats a, Floats b, int level) {
  return __builtin_shuffle(a, b, load<Ints>(kFold.low[level])) + __builtin_shuffle(a, b, load<Ints>(kFold.high[level]));
}

// The parts of a block's row, added as the first levels of the tree.
inline Floats joined(const Floats* parts) {
  if constexpr (kBlockParts == 1) return parts[0];
  if constexpr (kBlockParts == 2) return parts[0] + parts[1];
  if constexpr (kBlockParts == 4) return (parts[0] + parts[2]) + (parts[1] + parts[3]);
}

// Lanes `distance` apart change places.
struct SwapTable {
  alignas(64) int32_t lane[4][kWidth] = {};
  constexpr SwapTable() {
    for (int level = 0, distance = kWidth / 2; distance >= 1; ++level, distance /= 2)
      for (int i = 0; i < kWidth; ++i) lane[level][i] = i ^ distance;
  }
};
constexpr SwapTable kSwap;

// Sums of `Rows` registers (a power of two, at most kWidth): register r's in lane r * kWidth / Rows.
template <int Rows>
inline Floats sums_of_lanes(Floats* rows) {
  int level = 0;
  for (int count = Rows; count > 1; ++level, count /= 2)
    for (int i = 0; i < count / 2; ++i) rows[i] = folded(rows[2 * i], rows[2 * i + 1], level);
  for (int distance = kWidth / Rows / 2; distance >= 1; ++level, distance /= 2)
    rows[0] = rows[0] + __builtin_shuffle(rows[0], load<Ints>(kSwap.lane[level]));
  return rows[0];
}

inline float sum_of_lanes(Floats row) { return sums_of_lanes<1>(&row)[0]; }

inline float most_of_lanes(Floats row) {
  for (int level = 0, distance = kWidth / 2; distance >= 1; ++level, distance /= 2) {
    const Floats other = __builtin_shuffle(row, load<Ints>(kSwap.lane[level]));
    row = other > row ? other : row;
  }
  return row[0];
}

// Lanes 0, Step, 2 Step and on.
template <int Step, int... I>
inline void store_every(Floats lanes, float* out, std::integer_sequence<int, I...>) {
  store(out, __builtin_shufflevector(lanes, lanes, (I * Step)...));
}

// Sums over the pixels of a block, `Rows` of them: 4, 8 or 16.
template <int Rows>
inline void store_sums(const Floats (*rows)[kBlockParts], float* out) {
  constexpr int kAtOnce = Rows < kWidth ? Rows : kWidth, kStep = kWidth / kAtOnce;
  for (int first = 0; first < Rows; first += kAtOnce) {
    Floats group[kAtOnce];
    for (int i = 0; i < kAtOnce; ++i) group[i] = joined(rows[first + i]);
    store_every<kStep>(sums_of_lanes<kAtOnce>(group), out + first, std::make_integer_sequence<int, kAtOnce>());
  }
}
