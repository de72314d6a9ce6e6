// What codec STEPPED learns from a scene: reference scale, bases, predictions. Encoder only; float64 in a written
// order, and everything is rounded to the file's integers before it is used.
#include <algorithm>
#include <cmath>

#include "splatzip/exact_math.h"
#include "stepped.h"
#include "symmetric.h"

namespace splatzip {
namespace {

constexpr int64_t kSample = 40000;  // splats that a covariance is taken over, evenly spread over the rows
constexpr double kOctave = 65536.0 * kInvLn2;

int16_t to_int16(double x) {
  return static_cast<int16_t>(std::clamp(std::floor(x + 0.5), -32768.0, 32767.0));
}

// Rows of an orthonormal basis -> integers in 1/16384.
template <class Out>
void store_basis(const std::vector<double>& rows, Out& out, bool transposed, int n) {
  for (int r = 0; r < n; ++r)
    for (int c = 0; c < n; ++c)
      out[static_cast<size_t>(transposed ? c * n + r : r * n + c)] = to_int16(rows[static_cast<size_t>(r * n + c)] * 16384.0);
}

// alpha^2: a splat that hardly shows should not bend the basis.
double weight_of(float logit) {
  if (std::isinf(logit)) return logit > 0 ? 1 : 0;
  double alpha = 1.0 / (1.0 + exact_exp(-static_cast<double>(logit)));
  return alpha * alpha;
}

// The feature kAlpha of a source splat.
double log2_alpha_of(float logit) {
  double alpha = std::isinf(logit) ? (logit > 0 ? 1.0 : 0.0) : 1.0 / (1.0 + exact_exp(-static_cast<double>(logit)));
  return std::max(-16.0 * 256, exact_log(alpha) * kInvLn2 * 256.0);
}

std::vector<double> covariance_basis(std::vector<double> covariance, int n) {
  double trace = 0;
  for (int i = 0; i < n; ++i) trace += covariance[static_cast<size_t>(i * n + i)];
  if (!(trace > 0)) {
    std::fill(covariance.begin(), covariance.end(), 0.0);
    for (int i = 0; i < n; ++i) covariance[static_cast<size_t>(i * n + i)] = n - i;
  }
  return eigenvectors(std::move(covariance), n);
}

}  // namespace

void fit_params(const SourceArrays& source, int64_t n, SteppedParams* params) {
  std::vector<float> means(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const float* s = source.log_scales + i * 3;
    means[static_cast<size_t>(i)] = (s[0] + s[1]) + s[2];
  }
  std::nth_element(means.begin(), means.begin() + n / 2, means.end());
  double reference = static_cast<double>(means[static_cast<size_t>(n / 2)]) / 3.0 * kOctave;
  params->scale_reference = static_cast<int32_t>(std::clamp(std::floor(reference + 0.5), -12e6, 12e6));

  const int rest = params->rest();
  const int64_t stride = 3 * (1 + rest), step = std::max<int64_t>(1, n / kSample);
  std::vector<double> dc(9), color(9), sh(static_cast<size_t>(rest * rest));
  double mean[3] = {0, 0, 0}, total = 0;
  for (int64_t i = 0; i < n; i += step) {
    double w = weight_of(source.opacity_logits[i]);
    total += w;
    for (int c = 0; c < 3; ++c) mean[c] += w * source.sh[i * stride + c];
  }
  for (double& m : mean) m = total > 0 ? m / total : 0;
  for (int64_t i = 0; i < n; i += step) {
    const double w = weight_of(source.opacity_logits[i]);
    const float* v = source.sh + i * stride;
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) dc[static_cast<size_t>(a * 3 + b)] += w * ((v[a] - mean[a]) * (v[b] - mean[b]));
    for (int j = 1; j <= rest; ++j)
      for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b) color[static_cast<size_t>(a * 3 + b)] += w * (static_cast<double>(v[j * 3 + a]) * v[j * 3 + b]);
    for (int j = 0; j < rest; ++j)
      for (int k = 0; k <= j; ++k) {
        double product = 0;
        for (int c = 0; c < 3; ++c) product += static_cast<double>(v[3 + j * 3 + c]) * v[3 + k * 3 + c];
        sh[static_cast<size_t>(j * rest + k)] += w * product;
      }
  }
  store_basis(covariance_basis(dc, 3), params->color_basis, true, 3);
  if (rest == 0) return;
  for (int j = 0; j < rest; ++j)
    for (int k = j + 1; k < rest; ++k) sh[static_cast<size_t>(j * rest + k)] = sh[static_cast<size_t>(k * rest + j)];
  store_basis(covariance_basis(color, 3), params->sh_color_basis, true, 3);
  params->sh_basis.resize(static_cast<size_t>(rest * rest));
  store_basis(covariance_basis(sh, rest), params->sh_basis, false, rest);
  params->sh_predict.assign(static_cast<size_t>(3 * rest), 0);
}

namespace {

// Sums for share = <value, neighbours' mean> / <mean, mean>, one a value of a row.
struct ShareSums {
  std::vector<double> cross, square;
  explicit ShareSums(int width) : cross(static_cast<size_t>(width)), square(static_cast<size_t>(width)) {}
  uint8_t share(int v) const {
    double s = square[static_cast<size_t>(v)] > 0 ? cross[static_cast<size_t>(v)] / square[static_cast<size_t>(v)] : 0;
    return static_cast<uint8_t>(std::clamp(std::floor(s * 256.0 + 0.5), 0.0, 255.0));
  }
};

void to_components(const SteppedParams& params, const float* sh, double* out) {
  const int rest = params.rest();
  for (int c = 0; c < 3; ++c) {
    double sum = 0;
    for (int a = 0; a < 3; ++a) sum += static_cast<double>(sh[a]) * params.color_basis[static_cast<size_t>(a * 3 + c)];
    out[c] = sum;
  }
  double coded[3 * kShComponents];
  for (int j = 0; j < rest; ++j)
    for (int c = 0; c < 3; ++c) {
      double sum = 0;
      for (int a = 0; a < 3; ++a)
        sum += static_cast<double>(sh[3 + 3 * j + a]) * params.sh_color_basis[static_cast<size_t>(a * 3 + c)];
      coded[3 * j + c] = sum;
    }
  for (int k = 0; k < rest; ++k)
    for (int c = 0; c < 3; ++c) {
      double sum = 0;
      for (int j = 0; j < rest; ++j) sum += params.sh_basis[static_cast<size_t>(k * rest + j)] * coded[3 * j + c];
      out[3 + 3 * k + c] = sum;
    }
}

}  // namespace

void fit_predictions(const SourceArrays& source, const std::vector<PreparedTile>& tiles, SteppedParams* params) {
  const int rest = params->rest(), width = 3 * (1 + rest);
  ShareSums shares(width);
  constexpr int kT = kScaleTerms;
  std::vector<double> normal[3], right[3];
  for (int j = 0; j < 3; ++j) {
    normal[j].assign(kT * kT, 0);
    right[j].assign(kT, 0);
  }
  int64_t total = 0;
  for (const PreparedTile& tile : tiles) total += tile.state.n;
  const int64_t step = std::max<int64_t>(1, total / kSample);
  int64_t counter = 0;
  for (const PreparedTile& tile : tiles) {
    const TileState& state = tile.state;
    auto scales_of = [&](size_t i, double* out) {
      const float* s = source.log_scales + tile.rows[i] * 3;
      for (int j = 0; j < 3; ++j) out[j] = (s[j] * kOctave - params->scale_reference) / 256.0;
      std::sort(out, out + 3, std::greater<>());
      for (int j = 0; j < 3; ++j) out[j] = std::clamp(out[j], -16.0 * 256, 16.0 * 256);
    };
    for (size_t i = 0; i < static_cast<size_t>(state.n); ++i) {
      if (counter++ % step || !state.has_neighbour(0, static_cast<int64_t>(i))) continue;
      double near[3] = {0, 0, 0}, own[3], other[3];
      double mean[kColorValues], value[kColorValues], part[kColorValues];
      std::fill(mean, mean + width, 0.0);
      for (int k = 0; k < 4 && state.has_neighbour(k, static_cast<int64_t>(i)); ++k) {
        size_t at = i - static_cast<size_t>(state.back(k, static_cast<int64_t>(i)));
        double w = state.neighbour_weights[i][static_cast<size_t>(k)];
        scales_of(at, other);
        for (int j = 0; j < 3; ++j) near[j] += w * other[j];
        to_components(*params, source.sh + tile.rows[at] * width, part);
        for (int v = 0; v < width; ++v) mean[v] += w * part[v];
      }
      to_components(*params, source.sh + tile.rows[i] * width, value);
      const double weight = weight_of(source.opacity_logits[tile.rows[i]]);
      for (int v = 0; v < width; ++v) {
        shares.cross[static_cast<size_t>(v)] += weight * (value[v] * mean[v]);
        shares.square[static_cast<size_t>(v)] += weight * (mean[v] * mean[v]);
      }
      scales_of(i, own);
      double alpha = log2_alpha_of(source.opacity_logits[tile.rows[i]]), spacing = state.features[i][kSpacing];
      for (int j = 0; j < 3; ++j) {
        double terms[kT] = {1, alpha, j > 0 ? own[0] : 0, j > 1 ? own[1] : 0, near[0], j > 0 ? near[1] : 0,
                            j > 1 ? near[2] : 0, spacing};
        terms[kOne] = 256;  // of the size of the others, for the ridge
        for (int r = 0; r < kT; ++r) {
          for (int c = 0; c < kT; ++c) normal[j][static_cast<size_t>(r * kT + c)] += terms[r] * terms[c];
          right[j][static_cast<size_t>(r)] += terms[r] * own[j];
        }
      }
    }
  }
  for (int j = 0; j < 3; ++j) {
    auto& rule = params->scales[static_cast<size_t>(j)];
    rule.predict = {};
    if (total < 64) continue;
    std::vector<double> x = solve(normal[j], right[j], kT, 1e-6);
    for (int t = 0; t < kT; ++t) rule.predict[static_cast<size_t>(t)] = to_int16(x[static_cast<size_t>(t)] * (t == kOne ? 256 : 1024));
  }
  for (int c = 0; c < 3; ++c) params->color_predict[static_cast<size_t>(c)] = shares.share(c);
  for (int v = 0; v < 3 * rest; ++v) params->sh_predict[static_cast<size_t>(v)] = shares.share(3 + v);
}

}  // namespace splatzip
