#include "columns_model.h"

#include <climits>

#include "isa.h"

namespace splatzip {
namespace {

constexpr size_t kPadding = 16;  // vector code may read so many elements behind a pass
constexpr uint8_t kNearKnown = 1, kMappedKnown = 2;

// The next pass is twice as long: room for the longest at once, not a new block each time.
template <class T>
std::vector<T>& for_passes(std::vector<T>& list, int64_t n) {
  list.reserve(static_cast<size_t>(n + 1) / 2);
  return list;
}

}  // namespace

void Points::arrange(int64_t count, const ColumnsSpec& spec, const std::vector<uint32_t> (&coordinates)[3], int depth,
                     const uint32_t (&origin)[3]) {
  n = count;
  const size_t size = static_cast<size_t>(n), components = spec.columns.size();
  const int halvings = spec.halvings;
  pass_start = {0};
  rank.clear();
  rank.reserve(size);
  for (int p = 0; p <= halvings; ++p) {
    const int64_t step = int64_t{1} << (halvings - p);  // pass p: odd multiples of it; pass 0: all multiples
    for (int64_t r = p ? step : 0; r < n; r += p ? 2 * step : step) rank.push_back(static_cast<uint16_t>(r));
    pass_start.push_back(static_cast<int64_t>(rank.size()));
  }
  place.resize(size);
  for (size_t i = 0; i < size; ++i) place[rank[i]] = static_cast<uint16_t>(i);
  values.resize(components);
  near_.resize(components);
  mapped_.resize(components);
  errors_.resize(components);
  known_.assign(components, 0);
  for (size_t c = 0; c < components; ++c) {
    const ColumnSpec& column = spec.columns[c];
    if (column.mode != ColumnMode::coordinate) continue;
    values[c].resize(size);
    for (size_t i = 0; i < size; ++i)
      values[c][i] = static_cast<uint16_t>(origin[column.axis] + coordinates[column.axis][rank[i]]);
  }
  distance.assign(size, kFarBits);
  if (!spec.neighbours) return;
  for (auto& list : neighbours) list.assign(size, 0);

  const int shift = std::max(0, depth - kDistanceBits);
  auto coordinate = [&](int axis, int64_t r) {
    return static_cast<int32_t>(coordinates[axis][static_cast<size_t>(r)] >> shift);
  };
  std::vector<int32_t> x, y, z, best[kColumnNeighbours];
  for (int p = 1; p <= halvings; ++p) {
    const int64_t step = int64_t{1} << (halvings - p), begin = pass_start[static_cast<size_t>(p)];
    const int64_t found = pass_start[static_cast<size_t>(p) + 1] - begin;
    if (found == 0) continue;
    // Known ranks are the multiples of 2 step; the point (2 m + 1) step lies between known m and m + 1. A border of
    // far points on either side stands for ranks that do not exist.
    const int64_t known = (n + 2 * step - 1) / (2 * step);
    const int32_t far = 1 << 14;
    for (auto* list : {&x, &y, &z}) list->assign(static_cast<size_t>(known) + 2 * kColumnWindow + 16, far);
    for (int64_t k = 0; k < known; ++k) {
      const size_t at = static_cast<size_t>(k + kColumnWindow);
      x[at] = coordinate(0, 2 * step * k), y[at] = coordinate(1, 2 * step * k), z[at] = coordinate(2, 2 * step * k);
    }
    for (auto& list : best) list.assign(static_cast<size_t>(found), INT_MAX);
    std::vector<int32_t> mx(static_cast<size_t>(found)), my = mx, mz = mx;
    for (int64_t m = 0; m < found; ++m) {
      const int64_t r = (2 * m + 1) * step;
      const size_t at = static_cast<size_t>(m);
      mx[at] = coordinate(0, r), my[at] = coordinate(1, r), mz[at] = coordinate(2, r);
    }
    // Known point m - kColumnWindow + 1 + o of the document lies at m + o + 1 behind the border.
    kernels().columns->nearest_known({mx.data(),
                                      my.data(),
                                      mz.data(),
                                      x.data() + 1,
                                      y.data() + 1,
                                      z.data() + 1,
                                      2 * kColumnWindow,
                                      (1 << 26) - 1,
                                      found,
                                      {best[0].data(), best[1].data(), best[2].data(), best[3].data()}});
    for (int64_t m = 0; m < found; ++m) {
      const size_t at = static_cast<size_t>(begin + m);
      uint16_t nearest = 0;
      for (int k = 0; k < kColumnNeighbours; ++k) {
        const int32_t key = best[k][static_cast<size_t>(m)];
        int64_t index = m - kColumnWindow + 1 + (key & (2 * kColumnWindow - 1));
        // Fewer than four known points: the nearest one again.
        const bool exists = index >= 0 && index < known;
        const uint16_t found_place = exists ? place[static_cast<size_t>(2 * step * index)] : nearest;
        if (k == 0) nearest = found_place;
        neighbours[k][at] = found_place;
        if (exists) distance[at] = static_cast<uint16_t>(bit_length(static_cast<uint64_t>(key / (2 * kColumnWindow))));
      }
    }
  }
}

const Points::Near& Points::near(const ColumnsSpec& spec, int component, size_t pass) {
  const size_t c = static_cast<size_t>(component);
  Near& out = near_[c];
  if (known_[c] & kNearKnown) return out;
  known_[c] |= kNearKnown;
  const ColumnSpec& column = spec.columns[c];
  const size_t begin = static_cast<size_t>(pass_start[pass]), end = static_cast<size_t>(pass_start[pass + 1]);
  const uint32_t most = kColumnNeighbours * std::max(column.size - 1, static_cast<uint32_t>(column.center));
  const bool wide = most > UINT16_MAX || column.mode == ColumnMode::coordinate;
  const int32_t expected = kColumnNeighbours * column.center;  // of points without neighbours
  if (pass == 0 || !spec.neighbours) {
    if (wide) for_passes(out.wide_sums, n).assign(end - begin, expected);
    if (!wide) for_passes(out.sums, n).assign(end - begin, static_cast<uint16_t>(expected));
    if (column.spread_used) for_passes(out.spreads, n).assign(end - begin, 0);
    return out;
  }
  if (wide) for_passes(out.wide_sums, n).resize(end - begin);
  if (!wide) for_passes(out.sums, n).resize(end - begin);
  if (column.spread_used) for_passes(out.spreads, n).resize(end - begin);
  NearValues found = {values[c].data(),
                      {},
                      static_cast<int64_t>(end - begin),
                      kErrorLimit,
                      wide ? nullptr : out.sums.data(),
                      wide ? out.wide_sums.data() : nullptr,
                      column.spread_used ? out.spreads.data() : nullptr};
  for (int k = 0; k < kColumnNeighbours; ++k) found.near[k] = neighbours[k].data() + begin;
  kernels().columns->sum_neighbours(found);
  return out;
}

const uint16_t* Points::mapped(const ColumnsSpec& spec, int component, size_t pass) {
  const size_t c = static_cast<size_t>(component), begin = static_cast<size_t>(pass_start[pass]);
  if (spec.map.empty()) return values[c].data() + begin;
  std::vector<uint16_t>& out = mapped_[c];
  if (!(known_[c] & kMappedKnown)) {
    known_[c] |= kMappedKnown;
    out.resize(static_cast<size_t>(pass_start[pass + 1]) - begin);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<uint16_t>(spec.map[std::min<size_t>(values[c][begin + i], spec.map.size() - 1)]);
  }
  return out.data();
}

uint16_t* Points::errors_of(const ColumnsSpec& spec, int component, size_t pass) {
  const size_t c = static_cast<size_t>(component);
  const bool kept = spec.columns[c].errors_kept;  // a later layer asks for them, when all passes have been here
  std::vector<uint16_t>& list = errors_[c];
  const size_t begin = static_cast<size_t>(pass_start[pass]), end = static_cast<size_t>(pass_start[pass + 1]);
  if (list.size() < (kept ? static_cast<size_t>(n) : end - begin))
    for_passes(list, n).resize(kept ? static_cast<size_t>(n) : end - begin);
  return list.data() + (kept ? begin : 0);
}

void Points::predict(const ColumnsSpec& spec, int component, size_t pass) {
  const ColumnSpec& column = spec.columns[static_cast<size_t>(component)];
  const size_t begin = static_cast<size_t>(pass_start[pass]);
  const size_t count = static_cast<size_t>(pass_start[pass + 1]) - begin;
  level.resize(count + kPadding), error_size.resize(count + kPadding);
  std::vector<ColumnFeature> features;
  auto add_up = [&](int32_t bias, int shift, int32_t low, int32_t high, std::vector<int32_t>& out) {
    kernels().columns->weighted_sum({features.data(), static_cast<int>(features.size()), bias, shift, low, high,
                                     static_cast<int64_t>(count), out.data()});
    features.clear();
  };
  for (const Term& term : column.level) {
    const int source = term.feature >> 1;
    if (!(term.feature & 1)) {
      features.push_back({mapped(spec, source, pass), term.weight});
      continue;
    }
    const Near& found = near(spec, source, pass);
    if (found.wide_sums.empty()) {
      features.push_back({found.sums.data(), term.weight});
    } else {
      features.push_back({found.wide_sums.data(), term.weight, ColumnFeatureKind::wide});
    }
  }
  const int32_t top = static_cast<int32_t>(column.size - 1) << 4, center = column.center << 4;
  if (spec.map.empty()) {
    add_up(column.level_bias, kWeightBits - 4, 0, top, level);
  } else {
    add_up(column.level_bias, kWeightBits, 0, (1 << kMapBits) - 1, level);
    for (size_t i = 0; i < count; ++i) level[i] = std::min(spec.level_of[static_cast<size_t>(level[i])], top);
  }
  const int components = static_cast<int>(spec.columns.size());
  for (const Term& term : column.error) {
    const int source = term.feature >> 1;
    if (source > components) {
      const size_t other = static_cast<size_t>(term.feature - 2 * components - 2);
      const ColumnSpec& of = spec.columns[other];
      features.push_back(
          {values[other].data() + begin, term.weight, ColumnFeatureKind::square, of.center, offset_shift(of)});
    } else if (source == components && (term.feature & 1)) {
      features.push_back({level.data(), term.weight, ColumnFeatureKind::offset, center, 0, kErrorLimit});
    } else if (source == components) {
      features.push_back({distance.data() + begin, term.weight});
    } else if (term.feature & 1) {
      features.push_back({near(spec, source, pass).spreads.data(), term.weight});
    } else {
      features.push_back({errors_of(spec, source, pass), term.weight});
    }
  }
  add_up(column.error_bias, kWeightBits, INT32_MIN, INT32_MAX, error_size);
}

void Points::choose_contexts(const ColumnsSpec& spec, const ColumnSpec& column, size_t pass) {
  const size_t begin = static_cast<size_t>(pass_start[pass]), size = static_cast<size_t>(pass_start[pass + 1]) - begin;
  if (contexts.size() < size) contexts.resize(size);
  const int32_t *rows = error_size.data(), *columns = level.data();
  for (auto& list : replaced_) list.resize(size + kPadding);
  if (column.pair[0] >= 0) {
    for (size_t k = 0; k < 2; ++k) {
      const size_t other = static_cast<size_t>(column.pair[k]);
      for (size_t i = 0; i < size; ++i)
        replaced_[k][i] = offset_from_center(spec.columns[other], values[other][begin + i]);
    }
    rows = replaced_[0].data(), columns = replaced_[1].data();
  } else if (column.mode == ColumnMode::residual_by_fraction) {
    for (size_t i = 0; i < size; ++i) replaced_[1][i] = std::min(level[i] & 15, 16 - (level[i] & 15));
    columns = replaced_[1].data();
  }
  kernels().columns->grid_contexts(
      {rows, column.error_cuts.data(), columns, column.level_cuts.data(), static_cast<int>(column.error_cuts.size()),
       static_cast<int>(column.level_cuts.size()), column.first_context, static_cast<int64_t>(size), contexts.data()});
}

void Points::remember_errors(const ColumnsSpec& spec, int component, size_t pass) {
  const size_t c = static_cast<size_t>(component), begin = static_cast<size_t>(pass_start[pass]);
  if (!spec.columns[c].errors_used) return;
  uint16_t* out = errors_of(spec, component, pass);
  const uint16_t* v = values[c].data() + begin;
  const size_t count = static_cast<size_t>(pass_start[pass + 1]) - begin;
  for (size_t i = 0; i < count; ++i)
    out[i] = static_cast<uint16_t>(std::min(std::abs((static_cast<int32_t>(v[i]) << 4) - level[i]), kErrorLimit));
}

}  // namespace splatzip
