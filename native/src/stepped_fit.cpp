// What codec STEPPED learns from a scene: reference scale, bases, predictions. Encoder only; float64 in a written
// order, and everything is rounded to the file's integers before it is used.
#include <algorithm>
#include <cmath>

#include "parallel.h"
#include "splatzip/exact_math.h"
#include "stepped_layout.h"
#include "symmetric.h"

namespace splatzip {
namespace {

// Splats that a fit looks at, evenly spread over the rows: half of them, until that is enough.
constexpr int64_t kSample = 12000;
constexpr int64_t kFewSplats = 2048;  // below twice as many, all
constexpr double kOctave = 65536.0 * kInvLn2;

int16_t to_int16(double x) { return static_cast<int16_t>(std::clamp(std::floor(x + 0.5), -32768.0, 32767.0)); }

// Rows of an orthonormal basis -> integers in 1/16384.
template <class Out>
void store_basis(const std::vector<double>& rows, Out& out, bool transposed, int n) {
  for (int r = 0; r < n; ++r)
    for (int c = 0; c < n; ++c)
      out[static_cast<size_t>(transposed ? c * n + r : r * n + c)] =
          to_int16(rows[static_cast<size_t>(r * n + c)] * 16384.0);
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

void fit_reference(const SourceScene& source, SteppedParams* params) {
  const int64_t n = source.n;
  std::vector<float> means(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const float* s = source.log_scales + i * 3;
    means[static_cast<size_t>(i)] = (s[0] + s[1]) + s[2];
  }
  std::nth_element(means.begin(), means.begin() + n / 2, means.end());
  double reference = static_cast<double>(means[static_cast<size_t>(n / 2)]) / 3.0 * kOctave;
  params->scale_reference = static_cast<int32_t>(std::clamp(std::floor(reference + 0.5), -12e6, 12e6));
}

namespace {

struct Sample {
  const PreparedTile* tile;
  int64_t i;
};

// An even sample of the splats that have a neighbour.
std::vector<Sample> sample_tiles(const std::vector<PreparedTile>& tiles) {
  int64_t total = 0, counter = 0;
  for (const PreparedTile& tile : tiles) total += tile.state.n;
  const int64_t step = std::max<int64_t>(total < 2 * kFewSplats ? 1 : 2, total / kSample);
  std::vector<Sample> samples;
  for (const PreparedTile& tile : tiles)
    for (int64_t i = 0; i < tile.state.n; ++i)
      if (counter++ % step == 0 && tile.state.near_row[0][static_cast<size_t>(i)] >= 0) samples.push_back({&tile, i});
  return samples;
}

// What add(sample, sums) adds up over the samples: in blocks of fixed size, which are summed up in order. `Sums` holds
// doubles and nothing else.
template <class Sums, class Add>
Sums sums_over(const std::vector<Sample>& samples, int threads, Add add) {
  constexpr size_t kBlock = 512;
  std::vector<Sums> of_blocks((samples.size() + kBlock - 1) / kBlock + 1);  // the last: of all
  parallel_for(static_cast<int64_t>(of_blocks.size()) - 1, threads, [&](int64_t block) {
    const size_t begin = static_cast<size_t>(block) * kBlock, end = std::min(begin + kBlock, samples.size());
    for (size_t s = begin; s < end; ++s) add(samples[s], &of_blocks[static_cast<size_t>(block)]);
  });
  double* all = reinterpret_cast<double*>(&of_blocks.back());
  for (size_t block = 0; block + 1 < of_blocks.size(); ++block)
    for (size_t v = 0; v < sizeof(Sums) / sizeof(double); ++v)
      all[v] += reinterpret_cast<const double*>(&of_blocks[block])[v];
  return of_blocks.back();
}

// The weighted mean over the neighbours of a sample; add(row, weight, mean) adds one of them.
template <class Add>
void neighbours_mean(const Sample& sample, int width, double* mean, Add add) {
  std::fill(mean, mean + width, 0.0);
  const Neighbours near = sample.tile->state.near();
  for (int k = 0; k < kNeighbours && near.row[k][sample.i] >= 0; ++k)
    add(sample.tile->rows[static_cast<size_t>(near.row[k][sample.i])], near.weight[k][sample.i], mean);
}

void mean_of_colors(const SourceScene& source, const Sample& sample, int width, double* mean) {
  neighbours_mean(sample, width, mean, [&](int64_t row, double weight, double* to) {
    const float* from = source.sh + row * width;
    for (int v = 0; v < width; ++v) to[v] += weight * from[v];
  });
}

constexpr double kTypicalShare = 0.8;  // of the prediction, when the bases are made for what it leaves

// Bases for what the neighbours do not predict: they are what is coded.
void fit_bases(const SourceScene& source, const std::vector<Sample>& samples, int threads, SteppedParams* params) {
  const int rest = params->rest(), width = 3 * (1 + rest);
  struct Sums {
    double dc[9], color[9], sh[kShComponents * kShComponents];
  };
  const auto add = [&](const Sample& sample, Sums* sums) {
    const int64_t row = sample.tile->rows[static_cast<size_t>(sample.i)];
    double mean[kColorValues], left[3][1 + kShComponents];  // by colour
    mean_of_colors(source, sample, width, mean);
    for (int v = 0; v < width; ++v)
      left[v % 3][v / 3] = source.sh[row * width + v] - (v < 3 ? 1.0 : kTypicalShare) * mean[v];
    const double w = weight_of(source.opacity_logits[row]);
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) {
        sums->dc[a * 3 + b] += w * (left[a][0] * left[b][0]);
        double sum = 0;
        for (int j = 1; j <= rest; ++j) sum += left[a][j] * left[b][j];
        sums->color[a * 3 + b] += w * sum;
      }
    for (int j = 0; j < rest; ++j) {
      double* of_row = sums->sh + j * rest;
      const double x = w * left[0][1 + j], y = w * left[1][1 + j], z = w * left[2][1 + j];
      for (int k = 0; k <= j; ++k) of_row[k] += (x * left[0][1 + k] + y * left[1][1 + k]) + z * left[2][1 + k];
    }
  };
  const Sums sums = sums_over<Sums>(samples, threads, add);
  std::vector<double> sh(sums.sh, sums.sh + rest * rest);
  store_basis(covariance_basis({sums.dc, sums.dc + 9}, 3), params->color_basis, true, 3);
  for (int j = 0; j < rest; ++j)
    for (int k = j + 1; k < rest; ++k) sh[static_cast<size_t>(j * rest + k)] = sh[static_cast<size_t>(k * rest + j)];
  store_basis(covariance_basis({sums.color, sums.color + 9}, 3), params->sh_color_basis, true, 3);
  params->sh_basis.resize(static_cast<size_t>(rest * rest));
  if (rest > 0) store_basis(covariance_basis(sh, rest), params->sh_basis, false, rest);
}

// RGB coefficients of one splat -> colour and components in coded space (in 1/16384, twice for SH: a scale is free).
class ToComponents {
 public:
  explicit ToComponents(const SteppedParams& params) : rest_(params.rest()) {
    for (size_t i = 0; i < 9; ++i) color_[i] = params.color_basis[i], sh_color_[i] = params.sh_color_basis[i];
    for (int k = 0; k < rest_; ++k)
      for (int j = 0; j < rest_; ++j) basis_[j][k] = params.sh_basis[static_cast<size_t>(k * rest_ + j)];
  }
  // Each component is a sum over j in ascending order; all of a colour are summed up side by side.
  template <class Real>
  void operator()(const Real* sh, double* out) const {
    turn(color_, sh, out);
    double sums[3][kShComponents] = {};
    for (int j = 0; j < rest_; ++j) {
      double turned[3];
      turn(sh_color_, sh + 3 + 3 * j, turned);
      for (int c = 0; c < 3; ++c)
        for (int k = 0; k < kShComponents; ++k) sums[c][k] += basis_[j][k] * turned[c];
    }
    for (int k = 0; k < rest_; ++k)
      for (int c = 0; c < 3; ++c) out[3 + 3 * k + c] = sums[c][k];
  }

 private:
  template <class Real>
  static void turn(const double* basis, const Real* rgb, double* to) {
    for (size_t c = 0; c < 3; ++c)
      to[c] = (static_cast<double>(rgb[0]) * basis[c] + static_cast<double>(rgb[1]) * basis[3 + c]) +
              static_cast<double>(rgb[2]) * basis[6 + c];
  }
  int rest_;
  double color_[9], sh_color_[9];
  double basis_[kShComponents][kShComponents] = {};  // by coefficient, then component
};

void fit_shares(const SourceScene& source, const std::vector<Sample>& samples, int threads, SteppedParams* params) {
  const int width = 3 * (1 + params->rest());
  const ToComponents to_components(*params);
  auto size_of = [&](int64_t row) {
    const float* s = source.log_scales + row * 3;
    return (((s[0] + s[1]) + s[2]) / 3.0 * kOctave - params->scale_reference) / 256.0;
  };
  struct Sums {
    double cross[kColorGroups][kDistances][3], square[kColorGroups][kDistances][3];
  };
  const auto add = [&](const Sample& sample, Sums* sums) {
    const PreparedTile& tile = *sample.tile;
    const size_t i = static_cast<size_t>(sample.i);
    const int64_t row = tile.rows[i], near = tile.rows[static_cast<size_t>(tile.state.near_row[0][i])];
    double colors[kColorValues], mean[kColorValues], value[kColorValues];
    mean_of_colors(source, sample, width, colors);
    to_components(colors, mean);  // the mean of components, too: they are linear
    to_components(source.sh + row * width, value);
    const double weight = weight_of(source.opacity_logits[row]);
    const double apart = tile.state.features[kSpacing][i] - size_of(near);
    const int distance = static_cast<int>(std::clamp(std::floor(apart / 256.0), -4.0, 3.0)) + 4;
    for (int v = 0, group = 0; v < width; ++v) {
      while (v >= 3 * (1 + kShBegin[group])) ++group;
      sums->cross[group][distance][v % 3] += weight * (value[v] * mean[v]);
      sums->square[group][distance][v % 3] += weight * (mean[v] * mean[v]);
    }
  };
  const auto [cross, square] = sums_over<Sums>(samples, threads, add);
  for (size_t g = 0; g < kColorGroups; ++g)
    for (size_t d = 0; d < kDistances; ++d)
      for (size_t c = 0; c < 3; ++c) {
        double share = square[g][d][c] > 0 ? cross[g][d][c] / square[g][d][c] : 0.8;
        params->predict[g][d][c] = static_cast<uint8_t>(std::clamp(std::floor(share * 256.0 + 0.5), 0.0, 255.0));
      }
}

void fit_scales(const SourceScene& source, const std::vector<Sample>& samples, int threads, SteppedParams* params) {
  const bool own_scales = !params->by_books[kScaleBooks];  // the three of a row are looked up together
  constexpr int kT = kScaleTerms;
  auto scales_of = [&](int64_t row, double* out) {
    const float* s = source.log_scales + row * 3;
    for (int j = 0; j < 3; ++j)
      out[j] = std::clamp((s[j] * kOctave - params->scale_reference) / 256.0, -16.0 * 256, 16.0 * 256);
    std::sort(out, out + 3, std::greater<>());
  };
  struct Sums {
    double normal[3][kT * kT], right[3][kT];
  };
  const auto add = [&](const Sample& sample, Sums* sums) {
    const PreparedTile& tile = *sample.tile;
    double near[3], own[3];
    neighbours_mean(sample, 3, near, [&](int64_t row, double weight, double* mean) {
      double scales[3];
      scales_of(row, scales);
      for (int j = 0; j < 3; ++j) mean[j] += weight * scales[j];
    });
    const int64_t row = tile.rows[static_cast<size_t>(sample.i)];
    scales_of(row, own);
    const double alpha = log2_alpha_of(source.opacity_logits[row]);
    const double spacing = tile.state.features[kSpacing][static_cast<size_t>(sample.i)];
    for (int j = 0; j < 3; ++j) {
      const double terms[kT] = {256,
                                alpha,
                                j > 0 && own_scales ? own[0] : 0,
                                j > 1 && own_scales ? own[1] : 0,
                                near[0],
                                j > 0 ? near[1] : 0,
                                j > 1 ? near[2] : 0,
                                spacing};
      for (int r = 0; r < kT; ++r) {
        for (int c = 0; c < kT; ++c) sums->normal[j][r * kT + c] += terms[r] * terms[c];
        sums->right[j][r] += terms[r] * own[j];
      }
    }
  };
  const auto [normal, right] = sums_over<Sums>(samples, threads, add);
  for (int j = 0; j < 3; ++j) {
    auto& predict = params->scales[static_cast<size_t>(j)].predict;
    predict = {};
    if (samples.size() < 64) continue;
    std::vector<double> x = solve({normal[j], normal[j] + kT * kT}, {right[j], right[j] + kT}, kT, 1e-6);
    predict[kOne] = to_int16(x[kOne] * 256);
    for (size_t t = kOne + 1; t < kT; ++t)
      predict[t] = std::clamp<int16_t>(to_int16(x[t] * 1024), -kMostWeight, kMostWeight);
  }
}

}  // namespace

void fit_predictions(const SourceScene& source, const std::vector<PreparedTile>& tiles, int threads,
                     SteppedParams* params) {
  const std::vector<Sample> samples = sample_tiles(tiles);
  fit_scales(source, samples, threads, params);
  fit_bases(source, samples, threads, params);
  fit_shares(source, samples, threads, params);  // needs the bases
}

void fit_sizes(std::vector<SizeSums>& tiles, SteppedParams* params) {
  SizeSums total = std::move(tiles[0]);
  for (size_t k = 1; k < tiles.size(); ++k)
    for (size_t v = 0; v < total.normal.size(); ++v) {
      for (size_t e = 0; e < total.normal[v].size(); ++e) total.normal[v][e] += tiles[k].normal[v][e];
      for (size_t e = 0; e < total.right[v].size(); ++e) total.right[v][e] += tiles[k].right[v][e];
    }
  params->expect.assign(total.normal.size(), {});
  for (size_t v = 0; v < total.normal.size(); ++v) {
    std::vector<double> matrix(total.normal[v].begin(), total.normal[v].end());
    for (int r = 0; r < kSizeTerms; ++r)
      for (int c = r + 1; c < kSizeTerms; ++c)
        matrix[static_cast<size_t>(r * kSizeTerms + c)] = matrix[static_cast<size_t>(c * kSizeTerms + r)];
    std::vector<double> x = solve(matrix, {total.right[v].begin(), total.right[v].end()}, kSizeTerms, 1e-5);
    for (size_t t = 0; t < kSizeTerms; ++t) params->expect[v][t] = to_int16(x[t] * 256.0);
  }
  auto& books = params->books[kShBooks].books;
  for (size_t b = 0; b < books.size(); ++b) books[b].expect = params->expect[params->expect.size() - books.size() + b];
  params->expect.resize(params->expect.size() - books.size());
}

}  // namespace splatzip
