// Geometry of codec STEPPED, as many rows at once as a register has lanes (FORMAT.md 5.2, 6.1 to 6.5); included by
// isa_kernels.inl inside its anonymous namespace.

inline Ints bits_of_floats(Floats a) { return (Ints)a; }
inline Floats floats_of_bits(Ints a) { return (Floats)a; }
inline Ints to_ints(Floats a) { return __builtin_convertvector(a, Ints); }  // truncated
inline Ints clamp(Ints a, int32_t least, int32_t most) {
  a = a < least ? Ints{} + least : a;
  return a > most ? Ints{} + most : a;
}
inline Floats clamp(Floats a, float least, float most) {
  a = a < least ? broadcast(least) : a;
  return a > most ? broadcast(most) : a;
}
inline Floats absolute(Floats a) { return a < 0.0f ? -a : a; }

inline Ints lane_numbers() {
  Ints lanes;
  for (int lane = 0; lane < kWidth; ++lane) lanes[lane] = lane;
  return lanes;
}

inline Ints gather(const int32_t* base, Ints index) {
#if defined(__AVX512F__)
  return (Ints)_mm512_i32gather_epi32((__m512i)index, base, 4);
#elif defined(__AVX2__)
  return (Ints)_mm256_i32gather_epi32(base, (__m256i)index, 4);
#else
  Ints found;
  for (int lane = 0; lane < kWidth; ++lane) found[lane] = base[index[lane]];
  return found;
#endif
}
inline Floats gather(const float* base, Ints index) {
#if defined(__AVX512F__)
  return (Floats)_mm512_i32gather_ps((__m512i)index, base, 4);
#elif defined(__AVX2__)
  return (Floats)_mm256_i32gather_ps(base, (__m256i)index, 4);
#else
  Floats found;
  for (int lane = 0; lane < kWidth; ++lane) found[lane] = base[index[lane]];
  return found;
#endif
}

// Rows from one register to the next: lanes of one run depend on each other.
inline int64_t rows_ahead(int64_t runs) { return runs < kWidth ? runs : kWidth; }

inline Ints bucket(Ints log2_256th) { return clamp(log2_256th >> 8, -4, 3) + 4; }

// Of the neighbours' values.
inline Floats near_mean(const Neighbours& near, const int32_t* values, int64_t i) {
  Floats sum = {};
  for (int k = 0; k < kNeighbours; ++k) {
    const Ints row = load<Ints>(near.row[k] + i);  // missing neighbours have weight 0
    sum = sum + load<Floats>(near.weight[k] + i) * to_floats(gather(values, row < 0 ? Ints{} : row));
  }
  return sum;
}

// --- Neighbours ---

inline void sort(Ints* a, Ints* b) {
  const Ints smaller = *a < *b ? *a : *b;
  *b = *a < *b ? *b : *a;
  *a = smaller;
}

// Lane i looks at row i - back * runs, back = 1..64, and keeps its four smallest keys: squared distances as float bits,
// the low 6 bits replaced by back - 1. No two keys are equal, so any order will do: from the farthest row on, four keys
// at once, which are sorted and then merged with the best.
inline void nearest_keys(const NeighbourSearch& s, int64_t runs, int64_t i, Ints* best) {
  static_assert(kNeighbours == 4 && kNeighbourWindow % 4 == 0);
  const Floats x = load<Floats>(s.x + i), y = load<Floats>(s.y + i), z = load<Floats>(s.z + i);
  const int64_t farthest = i - kNeighbourWindow * runs;
  const float *other_x = s.x + farthest, *other_y = s.y + farthest, *other_z = s.z + farthest;
  Ints back = Ints{} + (kNeighbourWindow - 1);
  for (int k = 0; k < 4; ++k) best[k] = Ints{} + INT32_MAX;
  for (int step = 0; step < kNeighbourWindow; step += 4) {
    Ints key[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      const Floats dx = load<Floats>(other_x + k * runs) - x, dy = load<Floats>(other_y + k * runs) - y,
                   dz = load<Floats>(other_z + k * runs) - z;
      key[k] = (bits_of_floats((dx * dx + dy * dy) + dz * dz) & ~(kNeighbourWindow - 1)) | (back - k);
    }
    back = back - 4;
    other_x += 4 * runs, other_y += 4 * runs, other_z += 4 * runs;
    sort(&key[0], &key[1]), sort(&key[2], &key[3]);
    sort(&key[0], &key[2]), sort(&key[1], &key[3]);
    sort(&key[1], &key[2]);
    // The four smallest of eight that rise and then fall, in an order that two more steps make a rising one.
    for (int k = 0; k < 4; ++k) best[k] = best[k] < key[3 - k] ? best[k] : key[3 - k];
    sort(&best[0], &best[2]), sort(&best[1], &best[3]);
    sort(&best[0], &best[1]), sort(&best[2], &best[3]);
  }
}

void find_neighbours(const NeighbourSearch& s) {
  constexpr int32_t kNone = 0x7F800000;  // keys from here on: infinitely far
  constexpr int64_t kUsualRuns = 16;     // as a constant, part of the addresses
  const Ints lanes = lane_numbers();
  for (int64_t i = 0; i < s.n; i += kWidth) {
    Ints key[kNeighbours];
    s.runs == kUsualRuns ? nearest_keys(s, kUsualRuns, i, key) : nearest_keys(s, s.runs, i, key);
    Floats weight[kNeighbours], sum = {};
    for (int k = 0; k < kNeighbours; ++k) {
      const Ints there = key[k] < kNone;
      const Ints back = 1 + (key[k] & (kNeighbourWindow - 1));
      store(s.row[k] + i, there ? static_cast<int32_t>(i) + lanes - back * static_cast<int32_t>(s.runs) : Ints{} - 1);
      const Floats distance2 = floats_of_bits(key[k] & ~(kNeighbourWindow - 1));
      weight[k] = there ? 1.0f / (distance2 + s.softness) : Floats{};
      sum = sum + weight[k];
    }
    for (int k = 0; k < kNeighbours; ++k) store(s.weight[k] + i, sum > 0.0f ? weight[k] / sum : Floats{});
    // log2 of the distance, linear between powers of two
    const Floats nearest = floats_of_bits(key[0] & ~(kNeighbourWindow - 1));
    const Ints log2 = ((bits_of_floats(nearest + 0.5f) >> 15) - (127 << 8)) >> 1;
    const Ints spacing = key[0] < kNone ? log2 + s.cell : Ints{} + s.far;
    store(s.spacing + i, spacing);
    store_bytes(s.distance + i, bucket(spacing));
  }
}

// --- Steps ---

template <int FeatureCount>
void sum_steps_of(const StepSum& given) {
  const StepSum s = given;                  // of our own: what is stored below cannot change it
  constexpr int32_t kRootOfTwo = 0x3504F3;  // its mantissa
  for (int64_t i = 0; i < s.n; i += kWidth) {
    Ints sum = Ints{} + 4096;
#pragma GCC unroll 7
    for (int f = 0; f < FeatureCount; ++f) sum = sum + load<Ints>(s.features[f] + i) * s.weight[f];
    const Ints e = clamp(sum >> 13, -kMaxHalfOctaves, s.most);
    if (s.half_octaves) store(s.half_octaves + i, e);
    if (s.sizes) {
      const Ints bits = (((e >> 1) + 127) << 23) | ((e & 1) != 0 ? Ints{} + kRootOfTwo : Ints{});
      store(s.sizes + i, s.base * floats_of_bits(bits));
    }
  }
}

void sum_steps(const StepSum& s) {
  s.feature_count == kFeatures ? sum_steps_of<kFeatures>(s) : sum_steps_of<kFeaturesWithoutClasses>(s);
}

// --- Classes ---

template <bool Encode>
void rebuild_classes(const ClassPlane& s) {
  for (int64_t i = 0; i < s.n; i += rows_ahead(s.runs)) {
    const Ints near = to_ints(near_mean(s.near, s.feature, i));
    const Ints expected = s.other ? (near + load<Ints>(s.other + i) + 256) >> 9 : (near + 128) >> 8;
    Ints code;
    if (Encode) {
      code = load<Ints>(s.codes + i);
      store(s.residuals + i, code - expected);
    } else {
      code = clamp(expected + clamp(load<Ints>(s.residuals + i), -2 * kMostClass, 2 * kMostClass), -kMostClass,
                   kMostClass);
    }
    store(s.feature + i, code * 256);
  }
}

void decode_classes(const ClassPlane& plane) { rebuild_classes<false>(plane); }
void encode_classes(const ClassPlane& plane) { rebuild_classes<true>(plane); }

// --- Scales ---

void scale_contexts(const ScalePlane& s) {
  for (int64_t i = 0; i < s.n; i += kWidth) {
    const Ints distance = load_bytes(s.distance + i);
    Ints context;
    if (s.j == 0) {
      context = distance + (load<Ints>(s.features[kAlpha] + i) < -512 ? Ints{} + 8 : Ints{});
    } else {  // how large the code is likely to be: half octaves of the scale before in steps of this one
      const Ints larger = load<Ints>(s.features[kScale0 + s.j - 1] + i);
      const Ints log2_step = s.log2_base + load<Ints>(s.half_octaves + i) * 32768;
      const Ints level = clamp((((larger * s.power) >> 8) - (log2_step >> 8)) >> 7, 0, 11);
      context = 16 + 24 * (s.j - 1) + 2 * level + (distance > 2 ? Ints{} + 1 : Ints{});
    }
    store_bytes(s.contexts + i, context);
  }
}

// log2 of a code in 1/65536 octave.
inline Ints log2_of_codes(const int32_t* log2, Ints code) {
  const Ints exponent = (bits_of_floats(to_floats(code)) >> 23) - 127;  // codes are exact in floats
  const Ints shift = clamp(exponent - (kLogTableBits - 1), 0, 31);
  return gather(log2, code >> shift) + (shift << 16);
}

// (a * inverse) >> 16 without 64 bits, for |a| < 2^23, 0 <= inverse <= 2^20.
inline Ints multiplied(Ints a, int32_t inverse) {
  typedef uint32_t Words __attribute__((vector_size(kWidth * 4)));
  const Words low = (Words)(a & 4095) * static_cast<uint32_t>(inverse);
  return ((a >> 12) * inverse + (Ints)(low >> 12)) >> 4;
}

template <bool Encode>
void rebuild_scales(const ScalePlane& s) {
  const int32_t inverse_power = (256 << 16) / s.power;
  const int32_t* known = s.features[kScale0 + s.j];
  for (int64_t i = s.first; i < s.n; i += rows_ahead(s.runs)) {
    store(s.means[s.j] + i, to_ints(near_mean(s.near, known, i)));
    const auto term = [&](ScaleTerm t, const int32_t* plane) { return load<Ints>(plane + i) * s.predict[t]; };
    Ints predicted = s.predict[kOne] * 1024 + term(kOwnAlpha, s.features[kAlpha]) +
                     term(kOwnSpacing, s.features[kSpacing]) + term(kNearScale0, s.means[0]);
    if (s.j > 0) predicted = predicted + term(kOwnScale0, s.features[kScale0]) + term(kNearScale1, s.means[1]);
    if (s.j > 1) predicted = predicted + term(kOwnScale1, s.features[kScale1]) + term(kNearScale2, s.means[2]);
    predicted = clamp(predicted >> 10, -kMostOctaves * 256, kMostOctaves * 256);
    // 2^x in 1/16, rounded; x in 1/256 octave
    const Ints log2_step = s.log2_base + load<Ints>(s.half_octaves + i) * 32768;
    const Ints x = clamp(((predicted * s.power) >> 8) - (log2_step >> 8) + 1024, -256, 24 * 256);
    const Ints power = gather(reinterpret_cast<const int32_t*>(s.exp2), x & 255) >> (24 - (x >> 8));
    const Ints expected = clamp(power + 8, 0, 1 << 24) >> 4;
    Ints code;
    if (Encode) {
      code = load<Ints>(s.codes + i);
      store(s.residuals + i, code - expected);
    } else {
      code = clamp(expected + load<Ints>(s.residuals + i), 0, 1 << 24);
    }
    const Ints log2 = log2_of_codes(s.log2, code) + log2_step;
    const Ints scale = clamp(multiplied(log2, inverse_power), -kMostOctaves * 65536, kMostOctaves * 65536);
    store(s.scale + i, scale);
    store(s.features[kScale0 + s.j] + i, scale >> 8);
  }
}

void decode_scales(const ScalePlane& plane) { rebuild_scales<false>(plane); }
void encode_scales(const ScalePlane& plane) { rebuild_scales<true>(plane); }

void distances_in_sizes(int64_t n, const Neighbours& near, const int32_t* const* features, uint8_t* distance) {
  for (int64_t i = 0; i < n; i += kWidth) {
    const Ints row = load<Ints>(near.row[0] + i), at = row < 0 ? Ints{} : row;
    const Ints sum = gather(features[kScale0], at) + gather(features[kScale1], at) + gather(features[kScale2], at);
    const Ints found = bucket(load<Ints>(features[kSpacing] + i) - ((sum * 85) >> 8));
    store_bytes(distance + i, row < 0 ? load_bytes(distance + i) : found);
  }
}

// --- Rotations ---

struct Vectors {
  Floats x, y, z;
};
inline Vectors operator+(const Vectors& a, const Vectors& b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vectors operator*(Floats s, const Vectors& a) { return {s * a.x, s * a.y, s * a.z}; }
inline Floats dot(const Vectors& a, const Vectors& b) { return (a.x * b.x + a.y * b.y) + a.z * b.z; }
inline Vectors cross(const Vectors& a, const Vectors& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline Vectors normalised(const Vectors& a) { return (1.0f / root(dot(a, a))) * a; }
inline Vectors choose(Ints mask, const Vectors& a, const Vectors& b) {
  return {mask ? a.x : b.x, mask ? a.y : b.y, mask ? a.z : b.z};
}

// Two unit vectors that complete n to a right-handed frame (Duff et al., JCGT 6(1), 2017).
inline void complete_frame(const Vectors& n, Vectors* t, Vectors* b) {
  const Floats sign = n.z < 0.0f ? broadcast(-1.0f) : broadcast(1.0f);
  const Floats a = -1.0f / (sign + n.z);
  const Floats c = n.x * n.y * a;
  *t = {1.0f + sign * n.x * n.x * a, sign * c, -sign * n.x};
  *b = {c, sign + n.y * n.y * a, -n.y};
}

inline Ints is_needle(const int32_t* const* features, int64_t i) {
  const Ints s0 = load<Ints>(features[kScale0] + i), s1 = load<Ints>(features[kScale1] + i);
  return s0 - s1 > s1 - load<Ints>(features[kScale2] + i);
}

// log2 of how many steps an axis (or half turn) has, 0..7: what a context can know of the size of a code.
inline Ints step_bucket(Floats step) { return clamp(127 - (bits_of_floats(step) >> 23), 0, 7); }

void rotation_steps(const RotationSteps& s) {
  constexpr float kMostAxisStep = 0.75f, kMostSpinStep = 1.5f;
  for (int64_t i = 0; i < s.n; i += kWidth) {
    const Ints needle = is_needle(s.features, i), distance = load_bytes(s.distance + i) >> 1;
    Floats axis = needle ? load<Floats>(s.axis_of[0] + i) : load<Floats>(s.axis_of[1] + i);
    Floats spin = needle ? load<Floats>(s.spin_of[0] + i) : load<Floats>(s.spin_of[1] + i);
    axis = axis < kMostAxisStep ? axis : broadcast(kMostAxisStep);
    spin = spin < kMostSpinStep ? spin : broadcast(kMostSpinStep);
    store(s.axis + i, axis);
    store(s.spin + i, spin);
    store_bytes(s.axis_contexts + i, step_bucket(axis) * 4 + distance);
    store_bytes(s.spin_contexts + i, 32 + step_bucket(spin) * 4 + distance);
  }
}

inline Vectors axes_at(const float* axes, int64_t room, Ints index) {
  return {gather(axes, index), gather(axes + room, index), gather(axes + 2 * room, index)};
}

// Where the main axes are expected: the neighbours' same axes, their signs turned to the nearest one's.
inline Vectors expected_axes(const RotationPlanes& r, int64_t i, Ints first_plane) {
  Vectors first{}, sum{};
  Ints anyone{};
  for (int k = 0; k < kNeighbours; ++k) {
    const Ints row = load<Ints>(r.near.row[k] + i), there = row >= 0;
    const Vectors axis = axes_at(r.axes, r.room, first_plane + (there ? row : Ints{}));
    const Floats weight = load<Floats>(r.near.weight[k] + i);
    if (k == 0) {
      first = axis;
      sum = weight * axis;
      anyone = there;
    } else {
      sum = choose(there, sum + (dot(first, axis) < 0.0f ? -weight : weight) * axis, sum);
    }
  }
  // The sum is never zero: each term has a component along the first axis of its own sign.
  return choose(anyone, normalised(sum), {Floats{}, Floats{}, broadcast(1.0f)});
}

// Integers near x, half upwards; lanes without a row may hold NaN, which becomes the least.
inline Ints nearest_codes(Floats x) {
  constexpr float kMost = kMostRotationCode;
  const Floats shifted = (x > -kMost ? (x < kMost ? x : broadcast(kMost)) : broadcast(-kMost)) + 0.5f;
  const Ints whole = to_ints(shifted);
  return to_floats(whole) > shifted ? whole - 1 : whole;
}

template <bool Encode>
void rebuild_rotations(const RotationPlanes& r) {
  for (int64_t i = r.first; i < r.n; i += rows_ahead(r.runs)) {
    const Ints needle = is_needle(r.features, i);
    const int32_t axis_planes = static_cast<int32_t>(3 * r.room);
    const Floats axis_step = load<Floats>(r.axis + i), spin_step = load<Floats>(r.spin + i);
    const Vectors pole = expected_axes(r, i, needle ? Ints{} : Ints{} + 2 * axis_planes);
    Vectors t, b;
    complete_frame(pole, &t, &b);
    if (Encode) {
      const Vectors given = {load<Floats>(r.true_main[0] + i), load<Floats>(r.true_main[1] + i),
                             load<Floats>(r.true_main[2] + i)};
      const Floats side = dot(given, pole) < 0.0f ? broadcast(-1.0f) : broadcast(1.0f);
      const Vectors wanted = side * given;
      const Floats x = dot(wanted, t), y = dot(wanted, b);
      const Floats sum = (absolute(x) + absolute(y)) + dot(wanted, pole);
      store(r.u + i, nearest_codes(x / sum / axis_step));
      store(r.v + i, nearest_codes(y / sum / axis_step));
    }
    const Floats x = clamp(to_floats(load<Ints>(r.u + i)) * axis_step, -2.0f, 2.0f);
    const Floats y = clamp(to_floats(load<Ints>(r.v + i)) * axis_step, -2.0f, 2.0f);
    Floats z = (1.0f - absolute(x)) - absolute(y);
    z = z > 0.0f ? z : Floats{};
    z = ((x == 0.0f) & (y == 0.0f)) ? broadcast(1.0f) : z;
    const Vectors main = normalised((x * t + y * b) + z * pole);

    // The second axis turns from the nearest neighbour's, laid into the plane of the main axis.
    complete_frame(main, &t, &b);
    const Ints row = load<Ints>(r.near.row[0] + i);
    const Vectors near = axes_at(r.axes, r.room, (needle ? Ints{} + axis_planes : Ints{}) + (row < 0 ? Ints{} : row));
    const Floats along = dot(near, t), across = dot(near, b), length2 = along * along + across * across;
    const Floats inverse = 1.0f / root(length2), c = along * inverse, s = across * inverse;
    const Ints turns = (row >= 0) & (length2 > 0.0009765625f);
    const Vectors turned = c * t + s * b;
    b = choose(turns, c * b + (-s) * t, b);
    t = choose(turns, turned, t);
    if (Encode) {
      const Vectors wanted = {load<Floats>(r.true_second[0] + i), load<Floats>(r.true_second[1] + i),
                              load<Floats>(r.true_second[2] + i)};
      Floats u = dot(wanted, t), v = dot(wanted, b);
      v = u < 0.0f ? -v : v;
      u = absolute(u);
      const Floats sum = u + absolute(v);
      store(r.w + i, sum > 0.0f ? nearest_codes(v / sum / spin_step) : Ints{});
    }
    const Floats spin = clamp(to_floats(load<Ints>(r.w + i)) * spin_step, -1.0f, 1.0f);
    const Vectors second = normalised((1.0f - absolute(spin)) * t + spin * b);
    const Vectors third = cross(main, second);
    const Vectors all[3] = {choose(needle, main, second), choose(needle, second, third), choose(needle, third, main)};
    for (int axis = 0; axis < 3; ++axis) {
      float* out = r.axes + axis * axis_planes + i;
      store(out, all[axis].x);
      store(out + r.room, all[axis].y);
      store(out + 2 * r.room, all[axis].z);
    }
  }
}

void decode_rotations(const RotationPlanes& planes) { rebuild_rotations<false>(planes); }
void encode_rotations(const RotationPlanes& planes) { rebuild_rotations<true>(planes); }

void quaternions(const float* axes, int64_t room, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += kWidth) {
    const auto plane = [&](int p) { return load<Floats>(axes + p * room + i); };
    const Vectors x = {plane(0), plane(1), plane(2)}, y = {plane(3), plane(4), plane(5)}, z = cross(x, y);
    // Of the four forms of the same quaternion, the one with the largest divisor.
    const Floats diagonal[4] = {((1.0f + x.x) + y.y) + z.z, ((1.0f + x.x) - y.y) - z.z, ((1.0f - x.x) + y.y) - z.z,
                                ((1.0f - x.x) - y.y) + z.z};
    Floats largest = diagonal[0];
    Ints best = {};
    for (int k = 1; k < 4; ++k) {
      best = diagonal[k] > largest ? Ints{} + k : best;
      largest = diagonal[k] > largest ? diagonal[k] : largest;
    }
    const Floats length = root(largest), half = 0.5f / length, own = length * 0.5f;
    const Floats wx = (y.z - z.y) * half, wy = (z.x - x.z) * half, wz = (x.y - y.x) * half;
    const Floats xy = (x.y + y.x) * half, xz = (x.z + z.x) * half, yz = (y.z + z.y) * half;
    const Floats forms[4][4] = {{own, wx, wy, wz}, {wx, own, xy, xz}, {wy, xy, own, yz}, {wz, xz, yz, own}};
    alignas(64) float parts[4][kWidth];
    for (int part = 0; part < 4; ++part) {
      Floats chosen = forms[0][part];
      for (int k = 1; k < 4; ++k) chosen = best == k ? forms[k][part] : chosen;
      store(parts[part], chosen);
    }
    const int active = static_cast<int>(n - i < kWidth ? n - i : kWidth);
    for (int lane = 0; lane < active; ++lane)
      for (int part = 0; part < 4; ++part) out[(i + lane) * 4 + part] = parts[part][lane];
  }
}

// No NaN or infinity; by the bits, so that there is no order to keep.
bool all_finite(const float* values, int64_t count) {
  constexpr int32_t kExponent = 0x7F800000;
  Ints bad = {};
  int64_t i = 0;
  for (; i + kWidth <= count; i += kWidth) bad = bad | ((load<Ints>(values + i) & kExponent) == kExponent);
  int32_t any = 0;
  for (; i < count; ++i) {
    int32_t bits;
    std::memcpy(&bits, values + i, 4);
    any |= (bits & kExponent) == kExponent;
  }
  for (int lane = 0; lane < kWidth; ++lane) any |= bad[lane];
  return any == 0;
}

const SteppedKernels kSteppedKernels = {&find_neighbours,
                                        &sum_steps,
                                        &decode_classes,
                                        SPLATZIP_UNLESS_DECODER(encode_classes),
                                        &scale_contexts,
                                        &decode_scales,
                                        SPLATZIP_UNLESS_DECODER(encode_scales),
                                        &distances_in_sizes,
                                        &rotation_steps,
                                        &decode_rotations,
                                        SPLATZIP_UNLESS_DECODER(encode_rotations),
                                        &quaternions,
                                        &all_finite};
