// The vector kernels of metrics.h; included by isa_kernels.inl inside its anonymous namespace. Lanes never interact,
// and sums are kept by column and added in a written order, so that every instruction set gives the same bits.

constexpr int kSsimTaps = 2 * kSsimReach + 1;
constexpr int kSsimLine = kSsimColumns + 2 * 3 * kSsimReach;  // floats of a row that a tile looks at
constexpr int kSsimMaps = 4;                                  // a, b, a^2 + b^2, a b
static_assert(kSsimColumns % 16 == 0 && kSsimColumns % 3 == 0);

// Mirrored at the first and the last of n: -1 is 1, n is n - 2.
inline int64_t reflected(int64_t at, int64_t n) {
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1);
  at = (at % period + period) % period;
  return at < n ? at : period - at;
}

// What a tile looks at in one row of a picture: columns [column - 3 reach, column + kSsimColumns + 3 reach).
inline void read_line(const float* row, int64_t width, int64_t column, float* line) {
  const int64_t first = column - 3 * kSsimReach, last = first + kSsimLine;
  const int64_t from = first < 0 ? 0 : first, to = last < 3 * width ? last : 3 * width;
  std::memcpy(line + (from - first), row + from, static_cast<size_t>(to - from) * sizeof(float));
  for (int64_t at = first; at < last; ++at) {
    if (at == from) at = to;
    if (at == last) break;
    const int64_t shifted = at + 3 * kSsimReach;  // never negative
    line[at - first] = row[reflected(shifted / 3 - kSsimReach, width) * 3 + shifted % 3];
  }
}

// kSsimTaps values, `stride` floats apart, weighted from the middle outwards.
inline Floats across_line(const float* middle, const float* taps) {
  Floats sum = load<Floats>(middle) * taps[0];
  for (int k = 1; k <= kSsimReach; ++k)
    sum = sum + (load<Floats>(middle - 3 * k) + load<Floats>(middle + 3 * k)) * taps[k];
  return sum;
}

void ssim_tile(SsimTile* tile) {
  constexpr float kC1 = 1e-4f, kC2 = 9e-4f;
  const SsimTile& t = *tile;
  alignas(64) float lines[kSsimMaps][kSsimLine + 2];
  alignas(64) float ring[kSsimTaps][kSsimMaps][kSsimColumns];  // the last rows, blurred along
  alignas(64) float ssim[kSsimColumns], contrast[kSsimColumns];
  alignas(64) double ssim_sums[kSsimColumns] = {}, contrast_sums[kSsimColumns] = {};
  const int64_t rows = t.height - t.row < kSsimRows ? t.height - t.row : kSsimRows;
  for (int64_t step = 0; step < rows + 2 * kSsimReach; ++step) {
    const int64_t row = reflected(t.row - kSsimReach + step, t.height);
    read_line(t.a + row * 3 * t.width, t.width, t.column, lines[0]);
    read_line(t.b + row * 3 * t.width, t.width, t.column, lines[1]);
    for (int x = 0; x < kSsimLine; ++x) {
      const float a = lines[0][x], b = lines[1][x];
      lines[2][x] = a * a + b * b;
      lines[3][x] = a * b;
    }
    for (int map = 0; map < kSsimMaps; ++map)
      for (int x = 0; x < kSsimColumns; x += kWidth)
        store(ring[step % kSsimTaps][map] + x, across_line(lines[map] + 3 * kSsimReach + x, t.taps));
    if (step < 2 * kSsimReach) continue;
    const float* at[kSsimTaps];
    for (int k = 0; k < kSsimTaps; ++k) at[k] = ring[(step + 1 + k) % kSsimTaps][0];
    for (int x = 0; x < kSsimColumns; x += kWidth) {
      Floats blurred[kSsimMaps];
      for (int map = 0; map < kSsimMaps; ++map) {
        const int offset = map * kSsimColumns + x;
        Floats sum = load<Floats>(at[kSsimReach] + offset) * t.taps[0];
        for (int k = 1; k <= kSsimReach; ++k)
          sum =
              sum + (load<Floats>(at[kSsimReach - k] + offset) + load<Floats>(at[kSsimReach + k] + offset)) * t.taps[k];
        blurred[map] = sum;
      }
      // Written so that equal pictures give exactly 1: numerators and denominators round alike.
      const Floats mean_product = blurred[0] * blurred[1];
      const Floats mean_squares = blurred[0] * blurred[0] + blurred[1] * blurred[1];
      const Floats covariance = (blurred[3] - mean_product) * 2.0f, variances = blurred[2] - mean_squares;
      const Floats structure = (covariance + kC2) / (variances + kC2);
      store(contrast + x, structure);
      store(ssim + x, (mean_product * 2.0f + kC1) / (mean_squares + kC1) * structure);
    }
    for (int x = 0; x < kSsimColumns; ++x) {
      ssim_sums[x] += ssim[x];
      contrast_sums[x] += contrast[x];
    }
  }
  const int64_t left = 3 * t.width - t.column, columns = left < kSsimColumns ? left : kSsimColumns;
  for (int64_t x = 0; x < columns; ++x) {  // columns start at a pixel: kSsimColumns is a multiple of 3
    tile->ssim[x % 3] += ssim_sums[x];
    tile->contrast[x % 3] += contrast_sums[x];
  }
}

double squared_error(const float* a, const float* b, int64_t n) {
  constexpr int kSums = 16;
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int k = 0; k < kSums; ++k) {
      const double error = a[i + k] - b[i + k];
      sums[k] += error * error;
    }
  for (int k = 0; i + k < n; ++k) {
    const double error = a[i + k] - b[i + k];
    sums[k] += error * error;
  }
  double total = 0;
  for (double sum : sums) total += sum;
  return total;
}

const MetricKernels kMetricKernels = {&ssim_tile, &squared_error};
