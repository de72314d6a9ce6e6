#include "columns_fit.h"

#include <array>
#include <cmath>
#include <numeric>

#include "isa.h"
#include "parallel.h"

namespace splatzip {
namespace {

constexpr int64_t kFewestSamples = 8192, kMostSamples = 32768, kPointsPerSample = 16;
constexpr int64_t kPaletteSamples = 16384;
constexpr size_t kMostTerms = 24;
constexpr size_t kPointsPerTerm = 100;  // small scenes cannot pay for many
constexpr double kWorth = 0.02;  // a term stays if it moves the prediction by this share of the target's deviation
constexpr int32_t kWeightLimit = 1 << 18;
constexpr int64_t kMostMeanErrors = 4;  // errors above this many times their mean count as that

constexpr size_t kRecentErrors = 24,
                 kRecentSquares = 4;  // components before this one whose errors and squares may count
constexpr uint32_t kSmallAlphabet = 64;
constexpr size_t kManySamples = 4096;

using Column = std::vector<int32_t>;

// Inner products of a growing set of columns, each computed when it is first needed; column 0 is all ones. The columns
// are integers, so doubles hold them and their sums exactly.
class Gram {
 public:
  explicit Gram(size_t samples) { add(Column(samples, 1)); }
  size_t add(const Column& column) {
    columns_.emplace_back(column.begin(), column.end());
    products_.emplace_back(columns_.size(), -1.0);
    known_.emplace_back(columns_.size(), uint8_t{0});
    return columns_.size() - 1;
  }
  // Makes the products of these columns with each other available.
  void prepare(const std::vector<size_t>& of, int threads) {
    parallel_for(static_cast<int64_t>(of.size()), threads, [&](int64_t i) {
      for (size_t k = 0; k <= static_cast<size_t>(i); ++k) {
        const size_t a = std::max(of[static_cast<size_t>(i)], of[k]), b = std::min(of[static_cast<size_t>(i)], of[k]);
        if (known_[a][b]) continue;
        products_[a][b] = kernels().columns->exact_dot(columns_[a].data(), columns_[b].data(),
                                                       static_cast<int64_t>(columns_[a].size()));
        known_[a][b] = 1;
      }
    });
  }
  double operator()(size_t a, size_t b) const { return products_[std::max(a, b)][std::min(a, b)]; }
  double deviation(size_t a) const {
    const double n = (*this)(0, 0), mean = (*this)(a, 0) / n;
    return std::sqrt(std::max(0.0, (*this)(a, a) / n - mean * mean));
  }

 private:
  std::vector<std::vector<double>> columns_;
  std::vector<std::vector<double>> products_;
  std::vector<std::vector<uint8_t>> known_;
};

// Least squares of `target` on `features` (the first is the constant): ridge, Cholesky.
std::vector<double> solve(const Gram& gram, const std::vector<size_t>& features, size_t target) {
  const size_t k = features.size();
  std::vector<double> a(k * k), b(k);
  for (size_t i = 0; i < k; ++i) {
    b[i] = gram(features[i], target);
    for (size_t j = 0; j <= i; ++j) a[i * k + j] = gram(features[i], features[j]);
    a[i * k + i] = a[i * k + i] * (1.0 + 1e-6) + 1.0;
  }
  for (size_t i = 0; i < k; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = a[i * k + j];
      for (size_t m = 0; m < j; ++m) sum = sum - a[i * k + m] * a[j * k + m];
      if (i == j) {
        a[i * k + i] = std::sqrt(std::max(sum, 1e-9));
      } else {
        a[i * k + j] = sum / a[j * k + j];
      }
    }
  }
  for (size_t i = 0; i < k; ++i) {
    double sum = b[i];
    for (size_t m = 0; m < i; ++m) sum = sum - a[i * k + m] * b[m];
    b[i] = sum / a[i * k + i];
  }
  for (size_t i = k; i-- > 0;) {
    double sum = b[i];
    for (size_t m = i + 1; m < k; ++m) sum = sum - a[m * k + i] * b[m];
    b[i] = sum / a[i * k + i];
  }
  return b;
}

int32_t rounded(double value, double limit) {
  return static_cast<int32_t>(std::floor(std::clamp(value, -limit, limit) + 0.5));
}

// Solves, keeps the terms that matter, solves again. `ids` names the features behind the constant.
void fit_linear(Gram& gram, std::vector<size_t> features, std::vector<int> ids, size_t target, double scale,
                size_t most, int threads, std::vector<Term>* terms, int32_t* bias) {
  std::vector<size_t> needed = features;
  needed.push_back(target);
  gram.prepare(needed, threads);
  const double spread = gram.deviation(target);
  for (int round = 0;; ++round) {
    std::vector<double> w = solve(gram, features, target);
    if (round == 0) {
      std::vector<double> worth(features.size(), 0);
      std::vector<size_t> order;
      for (size_t i = 1; i < features.size(); ++i) {
        worth[i] = std::fabs(w[i]) * gram.deviation(features[i]);
        if (worth[i] > kWorth * spread) order.push_back(i);
      }
      std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return worth[x] > worth[y]; });
      if (order.size() > most) order.resize(most);
      std::sort(order.begin(), order.end());
      std::vector<size_t> kept = {0};
      std::vector<int> kept_ids;
      for (size_t i : order) kept.push_back(features[i]), kept_ids.push_back(ids[i - 1]);
      features = kept, ids = kept_ids;
      continue;
    }
    *bias = rounded(w[0] * scale, 1e9);
    terms->clear();
    for (size_t i = 1; i < features.size(); ++i) {
      int32_t weight = rounded(w[i] * scale, kWeightLimit);
      if (weight) terms->push_back({ids[i - 1], weight});
    }
    std::sort(terms->begin(), terms->end(), [](const Term& x, const Term& y) { return x.feature < y.feature; });
    return;
  }
}

// By digits, lowest first: comparing took a sixth of the encoder's time where scenes are small.
std::vector<int32_t> ascending(std::vector<int32_t> values) {
  constexpr int kDigitBits = 11;
  constexpr size_t kDigits = size_t{1} << kDigitBits;
  std::vector<int32_t> sorted(values.size());
  for (int shift = 0; shift < 32; shift += kDigitBits) {
    const auto digit = [&](int32_t v) { return (static_cast<uint32_t>(v) ^ 0x80000000u) >> shift & (kDigits - 1); };
    std::array<size_t, kDigits + 1> start{};
    for (int32_t v : values) ++start[digit(v) + 1];
    std::partial_sum(start.begin(), start.end(), start.begin());
    for (int32_t v : values) sorted[start[digit(v)]++] = v;
    values.swap(sorted);
  }
  return values;
}

// Cuts between buckets that hold as many values each; the values are ascending.
std::vector<int32_t> quantiles(const std::vector<int32_t>& values, int buckets) {
  std::vector<int32_t> cuts;
  for (int b = 1; b < buckets; ++b)
    cuts.push_back(values[values.size() * static_cast<size_t>(b) / static_cast<size_t>(buckets)]);
  return cuts;
}

struct Sampled {
  size_t tile, place;
};

std::vector<Sampled> choose_samples(const std::vector<std::unique_ptr<Points>>& tiles, bool neighbours) {
  int64_t total = 0;
  for (const auto& t : tiles) total += t->n - t->pass_start[1];
  std::vector<Sampled> samples;
  const bool first_too = total < 1024;
  if (first_too) {
    total = 0;
    for (const auto& t : tiles) total += t->n;
  }
  const int64_t step = std::max<int64_t>(
      1, total / (neighbours ? std::clamp(total / kPointsPerSample, kFewestSamples, kMostSamples) : kPaletteSamples));
  int64_t next = step / 2, seen = 0;
  for (size_t t = 0; t < tiles.size(); ++t) {
    const int64_t begin = first_too ? 0 : tiles[t]->pass_start[1], count = tiles[t]->n - begin;
    for (; next < seen + count; next += step) samples.push_back({t, static_cast<size_t>(begin + next - seen)});
    seen += count;
  }
  return samples;
}

}  // namespace

std::vector<FittedColumn> fit_columns(ColumnsSpec* spec, const std::vector<std::unique_ptr<Points>>& tiles,
                                      const std::vector<int>& budget, const std::vector<bool>& shared, int threads) {
  const std::vector<Sampled> samples = choose_samples(tiles, spec->neighbours);
  const size_t components = spec->columns.size(), count = samples.size();
  const bool neighbours = spec->neighbours;
  const size_t most_terms = std::min(kMostTerms, count / kPointsPerTerm);
  std::vector<Column> own(components), sums(components), spreads(components);
  parallel_for(static_cast<int64_t>(components), threads, [&](int64_t index) {
    const size_t c = static_cast<size_t>(index);
    own[c].resize(count), sums[c].assign(count, 0), spreads[c].assign(count, 0);
    int64_t total = 0;
    for (size_t s = 0; s < count; ++s) total += own[c][s] = tiles[samples[s].tile]->values[c][samples[s].place];
    if (spec->columns[c].mode == ColumnMode::coordinate) return;  // has no centre, and neighbours have no sums of it
    spec->columns[c].center = static_cast<int32_t>(total / static_cast<int64_t>(count));
    if (!neighbours) return;
    for (size_t s = 0; s < count; ++s) {
      const Points& p = *tiles[samples[s].tile];
      const size_t place = samples[s].place;
      if (place < static_cast<size_t>(p.pass_start[1])) {
        sums[c][s] = kColumnNeighbours * spec->columns[c].center;
        continue;
      }
      int32_t v[kColumnNeighbours];
      for (int k = 0; k < kColumnNeighbours; ++k)
        sums[c][s] += v[k] = p.values[c][static_cast<size_t>(p.neighbours[k][place])];
      for (int32_t x : v) spreads[c][s] += std::abs(kColumnNeighbours * x - sums[c][s]);
      spreads[c][s] = std::min(spreads[c][s], kErrorLimit);
    }
  });
  Column far(count);
  for (size_t s = 0; s < count; ++s) far[s] = tiles[samples[s].tile]->distance[samples[s].place];

  Gram levels(count);
  std::vector<Column> told = own;  // what levels are linear in
  for (Column& column : told)
    for (int32_t& v : column)
      if (!spec->map.empty()) v = spec->map[std::min(static_cast<size_t>(v), spec->map.size() - 1)];
  std::vector<Column> features = told;
  features.insert(features.end(), sums.begin(), sums.end());
  if (!neighbours) features.resize(components);
  for (const Column& column : features)
    levels.add(column);  // component c is column 1 + c, its sum column 1 + components + c
  Gram errors(count);
  std::vector<size_t> error_column(components, 0);

  std::vector<Column> misses(components), squares(components);
  std::vector<FittedColumn> fitted(components);
  std::vector<std::vector<int32_t>> sizes(components);
  for (size_t c = 0; c < components; ++c) {
    ColumnSpec& column = spec->columns[c];
    if (column.mode == ColumnMode::coordinate) continue;
    std::vector<size_t> at = {0};
    std::vector<int> ids;
    for (size_t i = 0; i <= c; ++i) {
      if (i < c) at.push_back(1 + i), ids.push_back(static_cast<int>(2 * i));
      if (neighbours) at.push_back(1 + components + i), ids.push_back(static_cast<int>(2 * i + 1));
    }
    fit_linear(levels, at, ids, 1 + c, 1 << kWeightBits, most_terms, threads, &column.level, &column.level_bias);

    Column level(count, column.level_bias), error(count), off_center(count);
    for (const Term& term : column.level) {
      const Column& f = term.feature & 1 ? sums[static_cast<size_t>(term.feature >> 1)]
                                         : told[static_cast<size_t>(term.feature >> 1)];
      for (size_t s = 0; s < count; ++s)
        level[s] = static_cast<int32_t>(static_cast<uint32_t>(level[s]) +
                                        static_cast<uint32_t>(f[s]) * static_cast<uint32_t>(term.weight));
    }
    for (size_t s = 0; s < count; ++s) {
      const int32_t top = static_cast<int32_t>(column.size - 1) << 4;
      level[s] =
          spec->map.empty()
              ? std::clamp(level[s] >> (kWeightBits - 4), 0, top)
              : std::min(
                    spec->level_of[static_cast<size_t>(std::clamp(level[s] >> kWeightBits, 0, (1 << kMapBits) - 1))],
                    top);
      error[s] = std::min(std::abs((own[c][s] << 4) - level[s]), kErrorLimit);
      off_center[s] = std::min(std::abs(level[s] - (column.center << 4)), kErrorLimit);
    }
    at = {0}, ids.clear();
    const int last = static_cast<int>(2 * components);
    for (size_t i = 0; i < c; ++i)
      if (error_column[i] && (i + kRecentErrors >= c || !neighbours))
        at.push_back(error_column[i]), ids.push_back(static_cast<int>(2 * i));
    Column target = error;  // outliers would bend the fit
    int64_t total = 0;
    for (int32_t e : error) total += e;
    const int32_t most =
        static_cast<int32_t>(std::min<int64_t>(kErrorLimit, kMostMeanErrors * total / static_cast<int64_t>(count) + 1));
    for (int32_t& e : target) e = std::min(e, most);
    Column square(count);
    for (size_t s = 0; s < count; ++s) square[s] = squared_offset(column, own[c][s]);
    for (size_t i = 0; i < c; ++i)
      if (error_column[i] && (i + kRecentSquares >= c || !neighbours))
        at.push_back(error_column[i] + 1), ids.push_back(last + 2 + static_cast<int>(i));
    const size_t first = errors.add(error);
    errors.add(square);
    error_column[c] = first;
    misses[c] = error, squares[c] = square;
    const size_t target_column = errors.add(target);
    at.push_back(errors.add(off_center)), ids.push_back(last + 1);
    if (neighbours) at.push_back(errors.add(spreads[c])), ids.push_back(static_cast<int>(2 * c + 1));
    if (neighbours) at.push_back(errors.add(far)), ids.push_back(last);
    fit_linear(errors, at, ids, target_column, 1 << kWeightBits, most_terms, threads, &column.error,
               &column.error_bias);

    Column& size = sizes[c];
    size.assign(count, column.error_bias);
    for (const Term& term : column.error) {
      const size_t source = static_cast<size_t>(term.feature >> 1);
      const Column& f = source > components    ? squares[static_cast<size_t>(term.feature - last) - 2]
                        : source == components ? (term.feature & 1 ? off_center : far)
                        : term.feature & 1     ? spreads[source]
                                               : misses[source];
      for (size_t s = 0; s < count; ++s)
        size[s] = static_cast<int32_t>(static_cast<uint32_t>(size[s]) +
                                       static_cast<uint32_t>(f[s]) * static_cast<uint32_t>(term.weight));
    }
    for (int32_t& e : size) e >>= kWeightBits;
    if (shared[c]) continue;
    const Column by_size = ascending(size), by_level = ascending(level);
    const int b = budget[c];
    const int level_buckets = b >= 48 ? 4 : b >= 24 ? 2 : 1;
    const std::vector<int32_t> fractions = level_buckets == 4   ? std::vector<int32_t>{2, 4, 6}
                                           : level_buckets == 2 ? std::vector<int32_t>{4}
                                                                : std::vector<int32_t>{};
    auto propose = [&](ColumnMode mode, std::vector<int32_t> error_cuts, std::vector<int32_t> level_cuts) {
      fitted[c].candidates.push_back({mode, std::move(error_cuts), std::move(level_cuts), {-1, -1}});
    };
    propose(ColumnMode::residual_by_level, quantiles(by_size, b / level_buckets), quantiles(by_level, level_buckets));
    if (column.size <= kSmallAlphabet)
      propose(ColumnMode::residual_by_fraction, quantiles(by_size, b / level_buckets), fractions);
    const int values = std::min(16, b);
    propose(ColumnMode::direct, quantiles(by_size, b / values), quantiles(by_level, values));
    if (b > values) propose(ColumnMode::direct, quantiles(by_size, values), quantiles(by_level, b / values));
    // By the two components before it, where they belong to the same attribute (rotations, scales).
    auto related = [&](size_t other) {
      return spec->columns[other].mode != ColumnMode::coordinate &&
             spec->columns[other].stream / 4 == column.stream / 4;
    };
    if (b == kMaxContexts && c > 1 && related(c - 1) && related(c - 2)) {
      std::vector<int32_t> cuts[2];
      for (size_t k = 0; k < 2; ++k) {
        Column off(count);
        for (size_t s = 0; s < count; ++s) off[s] = offset_from_center(spec->columns[c - 2 + k], own[c - 2 + k][s]);
        cuts[k] = quantiles(ascending(std::move(off)), 8);
      }
      const int before = static_cast<int>(c) - 2;
      fitted[c].candidates.push_back({ColumnMode::direct, cuts[0], cuts[1], {before, before + 1}});
    }
  }
  // Shared contexts: common cuts over all components of the stream.
  for (size_t c = 0; c < components; ++c) {
    if (!shared[c] || spec->columns[c].mode == ColumnMode::coordinate) continue;
    if (c && shared[c - 1] && spec->columns[c - 1].stream == spec->columns[c].stream) {
      fitted[c] = fitted[c - 1];
      continue;
    }
    std::vector<int32_t> pooled;
    for (size_t k = c; k < components && spec->columns[k].stream == spec->columns[c].stream; ++k)
      pooled.insert(pooled.end(), sizes[k].begin(), sizes[k].end());
    fitted[c].candidates.push_back({ColumnMode::residual_by_fraction,
                                    quantiles(ascending(std::move(pooled)), count < kManySamples ? 4 : 16),
                                    count < kManySamples ? std::vector<int32_t>{4} : std::vector<int32_t>{2, 4, 6},
                                    {-1, -1}});
  }
  return fitted;
}

}  // namespace splatzip
