#include "distill.h"

#include <algorithm>
#include <cmath>

#include "parallel.h"

namespace splatzip {
namespace {

constexpr int kMostCoefficients = 25;  // degree 4
constexpr int64_t kSplatsAtOnce = 1024;
constexpr double kLeastFloor = 1e-4;  // what float32 moments are good for
constexpr float kUnseen = 1e-30f;     // a moment under this has lost its bits
constexpr double kMostError = 1e30;   // of absurd coefficients: differences stay finite

// L of one splat, and what it makes of the coefficients.
struct Factored {
  int count;
  bool seen;
  double lower[kMostCoefficients][kMostCoefficients];
  double turned[kMostCoefficients][3];  // L^T x

  Factored(const DistillJob& job, int64_t splat) : count((job.sh_degree + 1) * (job.sh_degree + 1)) {
    const float* moments = job.moments + splat * (count * (count + 1) / 2);
    seen = moments[0] > kUnseen;
    if (!seen) return;
    const double floor = std::max(job.floor, kLeastFloor) * moments[0];
    for (int row = 0; row < count; ++row)
      for (int column = row; column < count; ++column)
        lower[column][row] = double{*moments++} + (row == column ? floor : 0.0);
    factor(floor);
    turn(job.sh + splat * count * 3);
  }

  // No eigenvalue is under `least`, so no pivot is but by rounding.
  void factor(double least) {
    for (int j = 0; j < count; ++j) {
      double pivot = lower[j][j];
      for (int k = 0; k < j; ++k) pivot -= lower[j][k] * lower[j][k];
      pivot = std::sqrt(std::max(pivot, least));
      lower[j][j] = pivot;
      for (int i = j + 1; i < count; ++i) {
        double sum = lower[i][j];
        for (int k = 0; k < j; ++k) sum -= lower[i][k] * lower[j][k];
        lower[i][j] = sum / pivot;
      }
    }
  }

  void turn(const float* sh) {
    for (int j = 0; j < count; ++j)
      for (int channel = 0; channel < 3; ++channel) {
        double sum = 0;
        for (int i = j; i < count; ++i) sum += lower[i][j] * sh[i * 3 + channel];
        turned[j][channel] = sum;
      }
  }

  // The best first `kept` coefficients.
  void solve(int kept, float* out) const {
    for (int channel = 0; channel < 3; ++channel) {
      double x[kMostCoefficients];
      for (int j = kept - 1; j >= 0; --j) {
        double sum = turned[j][channel];
        for (int i = j + 1; i < kept; ++i) sum -= lower[i][j] * x[i];
        x[j] = sum / lower[j][j];
        out[j * 3 + channel] = static_cast<float>(x[j]);
      }
    }
  }
};

template <class Body>
void for_splats(int64_t splats, int threads, const Body& body) {
  parallel_for((splats + kSplatsAtOnce - 1) / kSplatsAtOnce, threads, [&](int64_t chunk) {
    for (int64_t splat = chunk * kSplatsAtOnce; splat < std::min(splats, (chunk + 1) * kSplatsAtOnce); ++splat)
      body(splat);
  });
}

}  // namespace

void distill_errors(const DistillJob& job, float* errors, int threads) {
  const int degrees = job.sh_degree + 1;
  for_splats(job.splats, threads, [&](int64_t splat) {
    float* out = errors + splat * degrees;
    std::fill_n(out, degrees, 0.0f);
    const Factored factored(job, splat);
    if (!factored.seen) return;
    double error = 0;
    for (int degree = degrees - 2; degree >= 0; --degree) {
      const int first = (degree + 1) * (degree + 1), end = (degree + 2) * (degree + 2);
      for (int j = end - 1; j >= first; --j)
        for (double t : factored.turned[j]) error += t * t;
      out[degree] = static_cast<float>(std::min(error, kMostError));
    }
  });
}

void distill(const DistillJob& job, const uint8_t* degrees, float* out, int threads) {
  const int values = (job.sh_degree + 1) * (job.sh_degree + 1) * 3;
  for_splats(job.splats, threads, [&](int64_t splat) {
    const float* sh = job.sh + splat * values;
    float* row = out + splat * values;
    const int kept = (degrees[splat] + 1) * (degrees[splat] + 1);
    std::copy_n(sh, kept * 3, row);
    std::fill(row + kept * 3, row + values, 0.0f);
    if (kept * 3 == values) return;
    const Factored factored(job, splat);
    if (factored.seen) factored.solve(kept, row);
  });
}

}  // namespace splatzip
