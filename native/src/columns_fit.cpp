#include "columns_fit.h"

#include <array>
#include <cmath>
#include <numeric>

#include "columns_gram.h"
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

int32_t rounded(double value, double limit) {
  return static_cast<int32_t>(std::floor(std::clamp(value, -limit, limit) + 0.5));
}

// A linear function of columns of a Gram: its features (the first is the constant) and their names in the file.
struct Regression {
  std::vector<size_t> features = {0};
  std::vector<int> ids;
  size_t target = 0;
  void add(size_t column, int id) { features.push_back(column), ids.push_back(id); }
  void ask(Gram& gram) const {
    std::vector<size_t> all = features;
    all.push_back(target);
    gram.ask(all);
  }
};

// Solves, keeps the terms that matter, solves again.
void fit_linear(const Gram& gram, const Regression& regression, double scale, size_t most, std::vector<Term>* terms,
                int32_t* bias) {
  std::vector<size_t> features = regression.features;
  std::vector<int> ids = regression.ids;
  const size_t target = regression.target;
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

// What the samples say of each component, found in steps: within one, no component needs another.
class Fit {
 public:
  Fit(ColumnsSpec* spec, const std::vector<std::unique_ptr<Points>>& tiles, int threads)
      : spec_(*spec),
        tiles_(tiles),
        threads_(threads),
        samples_(choose_samples(tiles, spec->neighbours)),
        count_(samples_.size()),
        components_(spec->columns.size()),
        most_terms_(std::min(kMostTerms, count_ / kPointsPerTerm)),
        far_(count_) {
    for (auto* columns : {&own_, &told_, &sums_, &spreads_, &levels_, &misses_, &squares_, &off_center_, &sizes_})
      columns->resize(components_);
    for (size_t s = 0; s < count_; ++s) far_[s] = tiles[samples_[s].tile]->distance[samples_[s].place];
    each_component([&](size_t c) { gather(c); });
    fit_levels();
    fit_errors();
  }

  template <class Body>
  void each_component(Body body) const {
    parallel_for(static_cast<int64_t>(components_), threads_, [&](int64_t c) { body(static_cast<size_t>(c)); });
  }

  size_t samples() const { return count_; }
  const Column& own(size_t c) const { return own_[c]; }
  const Column& level(size_t c) const { return levels_[c]; }
  const Column& size(size_t c) const { return sizes_[c]; }  // expected, of the error

 private:
  bool is_coordinate(size_t c) const { return spec_.columns[c].mode == ColumnMode::coordinate; }

  void gather(size_t c) {
    Column &own = own_[c], &sums = sums_[c], &spreads = spreads_[c];
    ColumnSpec& column = spec_.columns[c];
    own.resize(count_), sums.assign(count_, 0), spreads.assign(count_, 0);
    int64_t total = 0;
    for (size_t s = 0; s < count_; ++s) total += own[s] = tiles_[samples_[s].tile]->values[c][samples_[s].place];
    told_[c] = own;
    for (size_t s = 0; s < count_ && !spec_.map.empty(); ++s)
      told_[c][s] = spec_.map[std::min(static_cast<size_t>(own[s]), spec_.map.size() - 1)];
    if (is_coordinate(c)) return;  // has no centre, and neighbours have no sums of it
    column.center = static_cast<int32_t>(total / static_cast<int64_t>(count_));
    squares_[c].resize(count_);
    for (size_t s = 0; s < count_; ++s) squares_[c][s] = squared_offset(column, own[s]);
    if (!spec_.neighbours) return;
    for (size_t s = 0; s < count_; ++s) {
      const Points& p = *tiles_[samples_[s].tile];
      const size_t place = samples_[s].place;
      if (place < static_cast<size_t>(p.pass_start[1])) {
        sums[s] = kColumnNeighbours * column.center;
        continue;
      }
      int32_t v[kColumnNeighbours];
      for (int k = 0; k < kColumnNeighbours; ++k)
        sums[s] += v[k] = p.values[c][static_cast<size_t>(p.neighbours[k][place])];
      for (int32_t x : v) spreads[s] += std::abs(kColumnNeighbours * x - sums[s]);
      spreads[s] = std::min(spreads[s], kErrorLimit);
    }
  }

  void fit_levels() {
    Gram gram(count_);
    std::vector<size_t> of_told, of_sums;
    for (const Column& column : told_) of_told.push_back(gram.add(column));
    for (size_t c = 0; c < components_ && spec_.neighbours; ++c) of_sums.push_back(gram.add(sums_[c]));
    std::vector<Regression> fits(components_);
    for (size_t c = 0; c < components_; ++c) {
      fits[c].target = of_told[c];
      for (size_t i = 0; i <= c; ++i) {
        if (i < c) fits[c].add(of_told[i], static_cast<int>(2 * i));
        if (spec_.neighbours) fits[c].add(of_sums[i], static_cast<int>(2 * i + 1));
      }
      if (!is_coordinate(c)) fits[c].ask(gram);
    }
    gram.compute(threads_);
    each_component([&](size_t c) {
      if (is_coordinate(c)) return;
      ColumnSpec& column = spec_.columns[c];
      fit_linear(gram, fits[c], 1 << kWeightBits, most_terms_, &column.level, &column.level_bias);
      apply_level(c);
    });
  }

  void apply_level(size_t c) {
    const ColumnSpec& column = spec_.columns[c];
    std::vector<ColumnFeature> features;
    for (const Term& term : column.level) {
      const size_t source = static_cast<size_t>(term.feature >> 1);
      features.push_back({(term.feature & 1 ? sums_ : told_)[source].data(), term.weight, ColumnFeatureKind::wide});
    }
    const int32_t top = static_cast<int32_t>(column.size - 1) << 4;
    Column& level = levels_[c];
    if (spec_.map.empty()) {
      add_up(features, column.level_bias, kWeightBits - 4, 0, top, &level);
    } else {
      add_up(features, column.level_bias, kWeightBits, 0, (1 << kMapBits) - 1, &level);
      for (int32_t& v : level) v = std::min(spec_.level_of[static_cast<size_t>(v)], top);
    }
    misses_[c].resize(count_), off_center_[c].resize(count_);
    for (size_t s = 0; s < count_; ++s) {
      misses_[c][s] = std::min(std::abs((own_[c][s] << 4) - level[s]), kErrorLimit);
      off_center_[c][s] = std::min(std::abs(level[s] - (column.center << 4)), kErrorLimit);
    }
  }

  void add_up(const std::vector<ColumnFeature>& features, int32_t bias, int shift, int32_t low, int32_t high,
              Column* out) const {
    out->resize(count_);
    kernels().columns->weighted_sum({features.data(), static_cast<int>(features.size()), bias, shift, low, high,
                                     static_cast<int64_t>(count_), out->data()});
  }

  // Errors as a fit sees them: outliers would bend it.
  Column without_outliers(const Column& errors) const {
    int64_t total = 0;
    for (int32_t e : errors) total += e;
    const int32_t most = static_cast<int32_t>(
        std::min<int64_t>(kErrorLimit, kMostMeanErrors * total / static_cast<int64_t>(count_) + 1));
    Column column = errors;
    for (int32_t& e : column) e = std::min(e, most);
    return column;
  }

  void fit_errors() {
    Gram gram(count_);
    const int last = static_cast<int>(2 * components_);
    std::vector<size_t> of_misses(components_), of_squares(components_);
    const size_t of_far = gram.add(far_);
    std::vector<Regression> fits(components_);
    for (size_t c = 0; c < components_; ++c) {
      if (is_coordinate(c)) continue;
      const auto recent = [&](size_t i, size_t most) {
        return !is_coordinate(i) && (i + most >= c || !spec_.neighbours);
      };
      for (size_t i = 0; i < c; ++i)
        if (recent(i, kRecentErrors)) fits[c].add(of_misses[i], static_cast<int>(2 * i));
      for (size_t i = 0; i < c; ++i)
        if (recent(i, kRecentSquares)) fits[c].add(of_squares[i], last + 2 + static_cast<int>(i));
      of_misses[c] = gram.add(misses_[c]), of_squares[c] = gram.add(squares_[c]);
      fits[c].target = gram.add(without_outliers(misses_[c]));
      fits[c].add(gram.add(off_center_[c]), last + 1);
      if (spec_.neighbours) fits[c].add(gram.add(spreads_[c]), static_cast<int>(2 * c + 1));
      if (spec_.neighbours) fits[c].add(of_far, last);
      fits[c].ask(gram);
    }
    gram.compute(threads_);
    each_component([&](size_t c) {
      if (is_coordinate(c)) return;
      ColumnSpec& column = spec_.columns[c];
      fit_linear(gram, fits[c], 1 << kWeightBits, most_terms_, &column.error, &column.error_bias);
      std::vector<ColumnFeature> features;
      for (const Term& term : column.error) {
        const size_t source = static_cast<size_t>(term.feature >> 1);
        const Column& f = source > components_    ? squares_[static_cast<size_t>(term.feature - last) - 2]
                          : source == components_ ? (term.feature & 1 ? off_center_[c] : far_)
                          : term.feature & 1      ? spreads_[source]
                                                  : misses_[source];
        features.push_back({f.data(), term.weight, ColumnFeatureKind::wide});
      }
      add_up(features, column.error_bias, kWeightBits, INT32_MIN, INT32_MAX, &sizes_[c]);
    });
  }

  ColumnsSpec& spec_;
  const std::vector<std::unique_ptr<Points>>& tiles_;
  int threads_;
  std::vector<Sampled> samples_;
  size_t count_, components_, most_terms_;
  Column far_;  // how far the neighbours are
  // By component: values, what levels are linear in, the neighbours' sums and spreads; then what the fits found.
  std::vector<Column> own_, told_, sums_, spreads_, levels_, misses_, squares_, off_center_, sizes_;
};

// Ways to code a component whose contexts are its own.
std::vector<ColumnCandidate> candidates_of(const ColumnsSpec& spec, const Fit& fit, size_t c, int budget) {
  const ColumnSpec& column = spec.columns[c];
  const Column by_size = ascending(fit.size(c)), by_level = ascending(fit.level(c));
  const int level_buckets = budget >= 48 ? 4 : budget >= 24 ? 2 : 1;
  const std::vector<int32_t> fractions = level_buckets == 4   ? std::vector<int32_t>{2, 4, 6}
                                         : level_buckets == 2 ? std::vector<int32_t>{4}
                                                              : std::vector<int32_t>{};
  std::vector<ColumnCandidate> candidates;
  auto propose = [&](ColumnMode mode, std::vector<int32_t> error_cuts, std::vector<int32_t> level_cuts) {
    candidates.push_back({mode, std::move(error_cuts), std::move(level_cuts), {-1, -1}});
  };
  propose(ColumnMode::residual_by_level, quantiles(by_size, budget / level_buckets),
          quantiles(by_level, level_buckets));
  if (column.size <= kSmallAlphabet)
    propose(ColumnMode::residual_by_fraction, quantiles(by_size, budget / level_buckets), fractions);
  const int values = std::min(16, budget);
  propose(ColumnMode::direct, quantiles(by_size, budget / values), quantiles(by_level, values));
  if (budget > values) propose(ColumnMode::direct, quantiles(by_size, values), quantiles(by_level, budget / values));
  // By the two components before it, where they belong to the same attribute (rotations, scales).
  auto related = [&](size_t other) {
    return spec.columns[other].mode != ColumnMode::coordinate && spec.columns[other].stream / 4 == column.stream / 4;
  };
  if (budget == kMaxContexts && c > 1 && related(c - 1) && related(c - 2)) {
    std::vector<int32_t> cuts[2];
    for (size_t k = 0; k < 2; ++k) {
      Column off;
      for (int32_t value : fit.own(c - 2 + k)) off.push_back(offset_from_center(spec.columns[c - 2 + k], value));
      cuts[k] = quantiles(ascending(std::move(off)), 8);
    }
    const int before = static_cast<int>(c) - 2;
    candidates.push_back({ColumnMode::direct, cuts[0], cuts[1], {before, before + 1}});
  }
  return candidates;
}

}  // namespace

std::vector<FittedColumn> fit_columns(ColumnsSpec* spec, const std::vector<std::unique_ptr<Points>>& tiles,
                                      const std::vector<ColumnInput>& inputs, const std::vector<int>& budgets,
                                      int threads) {
  const Fit fit(spec, tiles, threads);
  const size_t components = spec->columns.size(), count = fit.samples();
  std::vector<FittedColumn> fitted(components);
  fit.each_component([&](size_t c) {
    if (spec->columns[c].mode != ColumnMode::coordinate && !inputs[c].shared)
      fitted[c].candidates = candidates_of(*spec, fit, c, budgets[c]);
  });
  // Shared contexts: common cuts over all components of the stream.
  for (size_t c = 0; c < components; ++c) {
    if (!inputs[c].shared || spec->columns[c].mode == ColumnMode::coordinate) continue;
    if (c && inputs[c - 1].shared && spec->columns[c - 1].stream == spec->columns[c].stream) {
      fitted[c] = fitted[c - 1];
      continue;
    }
    std::vector<int32_t> pooled;
    for (size_t k = c; k < components && spec->columns[k].stream == spec->columns[c].stream; ++k)
      pooled.insert(pooled.end(), fit.size(k).begin(), fit.size(k).end());
    fitted[c].candidates.push_back({ColumnMode::residual_by_fraction,
                                    quantiles(ascending(std::move(pooled)), count < kManySamples ? 4 : 16),
                                    count < kManySamples ? std::vector<int32_t>{4} : std::vector<int32_t>{2, 4, 6},
                                    {-1, -1}});
  }
  return fitted;
}

}  // namespace splatzip
