// The vector kernels of codec COLUMNS; included by isa_kernels.inl inside its anonymous namespace. Integers only, and
// sums of integers in doubles that are exact whatever their order.

void weighted_sum(const WeightedSum& s) {
  for (int64_t i = 0; i < s.n; i += kWidth) {
    const size_t active = static_cast<size_t>(s.n - i < kWidth ? s.n - i : kWidth) * 4;
    UnsignedInts sum = UnsignedInts{} + static_cast<uint32_t>(s.bias);
    for (int t = 0; t < s.terms; ++t) {
      UnsignedInts feature = {};
      if (active == sizeof feature) {
        std::memcpy(&feature, s.features[t] + i, sizeof feature);
      } else {
        std::memcpy(&feature, s.features[t] + i, active);
      }
      sum += feature * static_cast<uint32_t>(s.weights[t]);
    }
    Ints shifted;
    std::memcpy(&shifted, &sum, sizeof shifted);
    shifted >>= s.shift;
    std::memcpy(s.out + i, &shifted, active);
  }
}

void add_buckets(const int32_t* values, const int32_t* cuts, int count, int step, int64_t n, uint8_t* contexts) {
  for (int64_t i = 0; i < n; i += kWidth) {
    const size_t active = static_cast<size_t>(n - i < kWidth ? n - i : kWidth);
    Ints value = {}, below = {};
    std::memcpy(&value, values + i, active * 4);
    for (int k = 0; k < count; ++k) below -= value >= cuts[k];
    below *= step;
    for (size_t lane = 0; lane < active; ++lane)
      contexts[static_cast<size_t>(i) + lane] += static_cast<uint8_t>(below[lane]);
  }
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

double exact_dot(const double* a, const double* b, int64_t n) {
  typedef double Doubles __attribute__((vector_size(kWidth * 8)));
  Doubles sums[2] = {};
  int64_t i = 0;
  for (; i + 2 * kWidth <= n; i += 2 * kWidth)
    for (int k = 0; k < 2; ++k) {
      Doubles left, right;
      std::memcpy(&left, a + i + k * kWidth, sizeof left);
      std::memcpy(&right, b + i + k * kWidth, sizeof right);
      sums[k] += left * right;
    }
  double total = 0;
  for (; i < n; ++i) total += a[i] * b[i];
  for (const Doubles& sum : sums)
    for (int lane = 0; lane < kWidth; ++lane) total += sum[lane];
  return total;
}

const ColumnKernels kColumnKernels = {&weighted_sum, &add_buckets, &nearest_known, &exact_dot};
