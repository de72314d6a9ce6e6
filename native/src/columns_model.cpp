#include "columns_model.h"

#include <climits>

#include "isa.h"

namespace splatzip {
void Points::arrange(int64_t count, const ColumnsSpec& spec, const std::vector<uint32_t> (&coordinates)[3], int depth,
                     const uint32_t (&origin)[3]) {
  n = count;
  const size_t size = static_cast<size_t>(n), components = spec.columns.size();
  const int halvings = spec.halvings;
  pass_start = {0};
  rank.clear();
  for (int p = 0; p <= halvings; ++p) {
    const int64_t step = int64_t{1} << (halvings - p);  // pass p: odd multiples of it; pass 0: all multiples
    for (int64_t r = p ? step : 0; r < n; r += p ? 2 * step : step) rank.push_back(static_cast<int32_t>(r));
    pass_start.push_back(static_cast<int64_t>(rank.size()));
  }
  values.assign(components, std::vector<int32_t>(size));
  errors.assign(components, {});
  sums.assign(components, {});
  spreads.assign(components, {});
  mapped.assign(components, {});
  has_sums.assign(components, 0);
  has_spreads.assign(components, 0);
  for (size_t c = 0; c < components; ++c) {
    const ColumnSpec& column = spec.columns[c];
    if (column.mode != ColumnMode::coordinate) continue;
    for (size_t i = 0; i < size; ++i)
      values[c][i] = static_cast<int32_t>(origin[column.axis] + coordinates[column.axis][static_cast<size_t>(rank[i])]);
  }
  distance.assign(size, kFarBits);
  if (!spec.neighbours) return;
  for (auto& list : neighbours) list.assign(size, 0);

  const int shift = std::max(0, depth - kDistanceBits);
  auto coordinate = [&](int axis, int64_t r) {
    return static_cast<int32_t>(coordinates[axis][static_cast<size_t>(r)] >> shift);
  };
  std::vector<int32_t> place(size);  // of each rank
  for (size_t i = 0; i < size; ++i) place[static_cast<size_t>(rank[i])] = static_cast<int32_t>(i);
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
      int32_t nearest = 0;
      for (int k = 0; k < kColumnNeighbours; ++k) {
        const int32_t key = best[k][static_cast<size_t>(m)];
        int64_t index = m - kColumnWindow + 1 + (key & (2 * kColumnWindow - 1));
        // Fewer than four known points: the nearest one again.
        const bool exists = index >= 0 && index < known;
        const int32_t found_place = exists ? place[static_cast<size_t>(2 * step * index)] : nearest;
        if (k == 0) nearest = found_place;
        neighbours[k][at] = found_place;
        if (exists) distance[at] = bit_length(static_cast<uint64_t>(key / (2 * kColumnWindow)));
      }
    }
  }
}

const std::vector<int32_t>& Points::sum_of(const ColumnsSpec& spec, int component, size_t pass) {
  const size_t c = static_cast<size_t>(component);
  std::vector<int32_t>& out = sums[c];
  if (has_sums[c]) return out;
  has_sums[c] = 1;
  const size_t begin = static_cast<size_t>(pass_start[pass]), end = static_cast<size_t>(pass_start[pass + 1]);
  out.resize(end - begin);
  if (pass == 0 || !spec.neighbours) {
    std::fill(out.begin(), out.end(), kColumnNeighbours * spec.columns[c].center);
    return out;
  }
  const int32_t* v = values[c].data();
  for (size_t i = begin; i < end; ++i)
    out[i - begin] = v[neighbours[0][i]] + v[neighbours[1][i]] + v[neighbours[2][i]] + v[neighbours[3][i]];
  return out;
}

const std::vector<int32_t>& Points::spread_of(const ColumnsSpec& spec, int component, size_t pass) {
  const size_t c = static_cast<size_t>(component);
  std::vector<int32_t>& out = spreads[c];
  if (has_spreads[c]) return out;
  const std::vector<int32_t>& sum = sum_of(spec, component, pass);
  has_spreads[c] = 1;
  const size_t begin = static_cast<size_t>(pass_start[pass]);
  out.assign(sum.size(), 0);
  if (pass == 0 || !spec.neighbours) return out;
  const int32_t* v = values[c].data();
  for (const auto& list : neighbours)
    for (size_t i = 0; i < sum.size(); ++i)
      out[i] += std::abs(kColumnNeighbours * v[list[begin + i]] - sum[i]);  // 16 times the mean deviation
  for (int32_t& s : out) s = std::min(s, kErrorLimit);
  return out;
}

const int32_t* Points::values_for_level(const ColumnsSpec& spec, int component, size_t pass) {
  const size_t c = static_cast<size_t>(component), begin = static_cast<size_t>(pass_start[pass]);
  if (spec.map.empty()) return values[c].data() + begin;
  std::vector<int32_t>& out = mapped[c];
  if (!has_sums[c]) {  // there are no sums beside a map
    has_sums[c] = 1;
    out.resize(static_cast<size_t>(pass_start[pass + 1]) - begin);
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = spec.map[std::min(static_cast<size_t>(values[c][begin + i]), spec.map.size() - 1)];
  }
  return out.data();
}

void Points::predict(const ColumnsSpec& spec, int component, size_t pass) {
  const ColumnSpec& column = spec.columns[static_cast<size_t>(component)];
  const size_t begin = static_cast<size_t>(pass_start[pass]);
  const size_t count = static_cast<size_t>(pass_start[pass + 1]) - begin;
  level.resize(count), error_size.resize(count);
  std::vector<const int32_t*> features;
  std::vector<int32_t> weights;
  auto add = [&](const int32_t* feature, int32_t weight) { features.push_back(feature), weights.push_back(weight); };
  auto add_up = [&](int32_t bias, int shift, std::vector<int32_t>& out) {
    kernels().columns->weighted_sum({features.data(), weights.data(), static_cast<int>(features.size()), bias, shift,
                                     static_cast<int64_t>(count), out.data()});
    features.clear(), weights.clear();
  };
  for (const Term& term : column.level) {
    const int source = term.feature >> 1;
    add(term.feature & 1 ? sum_of(spec, source, pass).data() : values_for_level(spec, source, pass), term.weight);
  }
  add_up(column.level_bias, spec.map.empty() ? kWeightBits - 4 : kWeightBits, level);
  const int32_t top = static_cast<int32_t>(column.size - 1) << 4, center = column.center << 4;
  if (spec.map.empty()) {
    for (int32_t& l : level) l = std::clamp(l, 0, top);
  } else {
    const int32_t most = (1 << kMapBits) - 1;
    for (int32_t& l : level) l = std::min(spec.level_of[static_cast<size_t>(std::clamp(l, 0, most))], top);
  }
  const int components = static_cast<int>(spec.columns.size());
  std::vector<int32_t> off_center;
  std::vector<std::vector<int32_t>> squares;
  squares.reserve(column.error.size());
  for (const Term& term : column.error) {
    const int source = term.feature >> 1;
    if (source > components) {
      const size_t other = static_cast<size_t>(term.feature - 2 * components - 2);
      squares.emplace_back(count);
      for (size_t i = 0; i < count; ++i)
        squares.back()[i] = squared_offset(spec.columns[other], values[other][begin + i]);
      add(squares.back().data(), term.weight);
    } else if (source == components && (term.feature & 1)) {
      off_center.resize(count);
      for (size_t i = 0; i < count; ++i) off_center[i] = std::min(std::abs(level[i] - center), kErrorLimit);
      add(off_center.data(), term.weight);
    } else if (source == components) {
      add(distance.data() + begin, term.weight);
    } else if (term.feature & 1) {
      add(spread_of(spec, source, pass).data(), term.weight);
    } else {
      add(errors[static_cast<size_t>(source)].data() + begin, term.weight);
    }
  }
  add_up(column.error_bias, kWeightBits, error_size);
}

void Points::choose_contexts(const ColumnsSpec& spec, const ColumnSpec& column, size_t pass) {
  const size_t begin = static_cast<size_t>(pass_start[pass]), size = static_cast<size_t>(pass_start[pass + 1]) - begin;
  if (contexts.size() < size) contexts.resize(size);
  std::vector<int32_t> replaced[2];
  const int32_t *rows = error_size.data(), *columns = level.data();
  if (column.pair[0] >= 0) {
    for (size_t k = 0; k < 2; ++k) {
      const size_t other = static_cast<size_t>(column.pair[k]);
      replaced[k].resize(size);
      for (size_t i = 0; i < size; ++i)
        replaced[k][i] = offset_from_center(spec.columns[other], values[other][begin + i]);
    }
    rows = replaced[0].data(), columns = replaced[1].data();
  } else if (column.mode == ColumnMode::residual_by_fraction) {
    replaced[1].resize(size);
    for (size_t i = 0; i < size; ++i) replaced[1][i] = std::min(level[i] & 15, 16 - (level[i] & 15));
    columns = replaced[1].data();
  }
  const AddBuckets add_buckets = kernels().columns->add_buckets;
  const int level_buckets = static_cast<int>(column.level_cuts.size()) + 1;
  std::fill_n(contexts.begin(), size, static_cast<uint8_t>(column.first_context));
  add_buckets(rows, column.error_cuts.data(), static_cast<int>(column.error_cuts.size()), level_buckets,
              static_cast<int64_t>(size), contexts.data());
  add_buckets(columns, column.level_cuts.data(), level_buckets - 1, 1, static_cast<int64_t>(size), contexts.data());
}

void Points::remember_errors(int component, size_t pass) {
  const size_t c = static_cast<size_t>(component), begin = static_cast<size_t>(pass_start[pass]);
  std::vector<int32_t>& out = errors[c];
  if (out.empty()) out.resize(static_cast<size_t>(n));
  const size_t count = static_cast<size_t>(pass_start[pass + 1]) - begin;
  for (size_t i = 0; i < count; ++i)
    out[begin + i] = std::min(std::abs((values[c][begin + i] << 4) - level[i]), kErrorLimit);
}

}  // namespace splatzip
