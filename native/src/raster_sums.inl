// Sums over the pixels of a block; included by isa_kernels.inl inside its anonymous namespace. One tree for every
// width: lanes 8 apart first, then 4, 2 and 1.

// Of two registers with segments of 2 * Half lanes each: the lower and the upper half of every segment, added.
template <int Half, int... I>
inline Floats folded(Floats a, Floats b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (I / Half * 2 * Half + I % Half)...) +
         __builtin_shufflevector(a, b, (I / Half * 2 * Half + I % Half + Half)...);
}

// Lanes `Distance` apart change places.
template <int Distance, int... I>
inline Floats swapped(Floats a, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, a, (I ^ Distance)...);
}

// The parts of a block's row, added as the first levels of the tree.
inline Floats joined(const Floats* parts) {
  if constexpr (kBlockParts == 1) return parts[0];
  if constexpr (kBlockParts == 2) return parts[0] + parts[1];
  if constexpr (kBlockParts == 4) return (parts[0] + parts[2]) + (parts[1] + parts[3]);
}

// Sums of `Rows` registers (a power of two, at most kWidth): register r's in lane r * kWidth / Rows.
template <int Rows, int Half = kWidth / 2>
inline Floats sums_of_lanes(Floats* rows) {
  if constexpr (Half == 0) {
    return rows[0];
  } else if constexpr (Rows == 1) {
    rows[0] = rows[0] + swapped<Half>(rows[0], Lanes());
    return sums_of_lanes<1, Half / 2>(rows);
  } else {
    for (int i = 0; i < Rows / 2; ++i) rows[i] = folded<Half>(rows[2 * i], rows[2 * i + 1], Lanes());
    return sums_of_lanes<Rows / 2, Half / 2>(rows);
  }
}

inline float sum_of_lanes(Floats row) { return sums_of_lanes<1>(&row)[0]; }

template <int Distance = kWidth / 2>
inline float most_of_lanes(Floats row) {
  if constexpr (Distance == 0) {
    return row[0];
  } else {
    const Floats other = swapped<Distance>(row, Lanes());
    return most_of_lanes<Distance / 2>(other > row ? other : row);
  }
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
