// Codec STEPPED: colour DC and the SH coefficients above it (FORMAT.md 6.7 and 6.8).
//
// Both are rows of values in a decorrelated space, predicted from the neighbours' rows. The writer also takes most of
// the neighbours' errors off its targets: errors of one sign add up where splats overlap, diffused ones cancel.
//
// Over 400 lines: numbers and codebooks, colour and SH, reader and writer are the same rows, sizes and contexts.
#include <algorithm>
#include <cstdlib>

#include "isa.h"
#include "splatzip/exact_math.h"
#include "stepped.h"
#include "stepped_books.h"
#include "stepped_tile.h"

namespace splatzip {
namespace {

constexpr float kUnit = 1.0f / 16384.0f;  // of the bases

int padded(int width) { return (width + 15) / 16 * 16; }

// Room for values, plane by plane, so that each can take the memory of one that is done with.
std::vector<int32_t*> fit_values(std::vector<Codes>& codes, int64_t n, int width) {
  codes.resize(static_cast<size_t>(width));
  std::vector<int32_t*> planes;
  for (Codes& plane : codes) {
    plane.values.fit(n);
    planes.push_back(plane.values.data());
  }
  return planes;
}

template <class Io>
void code_plane(Io& io, const uint8_t* contexts, int64_t n, Codes* codes) {
  if constexpr (Io::kReading) {
    codes->symbols.fit(n);
    if (io.symbols(contexts, codes->symbols.data(), n)) return;
    codes->values.fit(n);
    io.complete(contexts, codes->symbols.data(), codes->values.data(), n, true);
    codes->symbols = {};
    int32_t bits = 0;  // above those that a sign fills
    for (int32_t value : codes->values) bits |= value ^ value >> 31;
    if (bits > INT16_MAX) return;
    codes->shorts.fit(n);
    std::copy(codes->values.begin(), codes->values.begin() + n, codes->shorts.begin());
    codes->values = {};
  } else {
    io.plane(contexts, codes->values.data(), n, true);
  }
}

Plane<float> steps_of(const StepRule& rule, const TileState& tile) {
  Plane<float> steps;
  steps.fit(tile.n);
  StepSum sum = tile.step_sum(rule);
  sum.sizes = steps.data();
  kernels().stepped->sum_steps(sum);
  return steps;
}

// Expected sizes of the codes, plane by plane (FORMAT.md 5.4): a weighted sum of what is known, cut into quarter
// octaves that are the contexts. Float32 in the written order.
class SizeModel {
 public:
  // of: the rows that planes are of; nullptr: all.
  SizeModel(const TileState& tile, const Plane<float>& steps, const std::vector<int32_t>* of = nullptr)
      : n_(of ? static_cast<int64_t>(of->size()) : tile.n) {
    spread_.fit(n_);
    distance_.fit(n_);
    contexts_.fit(n_);
    sum_.clear_to(n_, 0);
    for (Plane<uint8_t>* plane : {&channels_, &before_[0], &before_[1], &before_[2]}) plane->clear_to(n_, 0);
    if (!tile.color_size.empty()) color_.fit(n_);
    for (size_t i = 0; i < static_cast<size_t>(n_); ++i) {
      const size_t row = of ? static_cast<size_t>((*of)[i]) : i;
      distance_[i] = kSpread[tile.distance[row]];
      spread_[i] = distance_[i] / steps[row];
      if (!color_.empty()) color_[i] = tile.color_size[row];
    }
  }
  // Of the next plane.
  const uint8_t* contexts(const std::array<int16_t, kSizeTerms>& weights) {
    float w[kSizeTerms];
    for (size_t t = 0; t < kSizeTerms; ++t) w[t] = static_cast<float>(weights[t]) / 256.0f;
    kernels().size_contexts(terms(), w, contexts_.data());
    return contexts_.data();
  }
  double term(int t, size_t i) const {
    const SizeTerms now = terms();
    switch (t) {
      case kSizeOne: return 1.0;
      case kSizeSpread: return now.spread[i];
      case kSizeDistance: return now.distance[i];
      case kSizeChannels: return now.channels[i];
      case kSizeBefore: return now.before[i];
      case kSizeMean: return static_cast<float>(now.sum[i]) * now.share;
      default: return now.color ? now.color[i] : 0;
    }
  }
  // The next plane (component plane / 3, channel plane % 3) is known now.
  void add(const CodePlane& codes) {
    const size_t channel = static_cast<size_t>(planes_ % 3);
    kernels().add_size_plane({n_, codes, channel == 2, channels_.data(), before_[channel].data(), sum_.data()});
    ++planes_;
  }
  Plane<uint16_t> sum() { return std::move(sum_); }

 private:
  // 2^(min(bucket, 6) / 2 - 3): how the neighbours' differences grow with distance.
  static constexpr float kSpread[kDistances] = {0.125f, 0.17677669f, 0.25f, 0.35355338f, 0.5f, 0.70710677f, 1.0f, 1.0f};

  SizeTerms terms() const {
    const float share = planes_ ? 1.0f / static_cast<float>(planes_) : 0.0f;
    return {n_,
            spread_.data(),
            distance_.data(),
            channels_.data(),
            before_[static_cast<size_t>(planes_ % 3)].data(),
            sum_.data(),
            share,
            color_.empty() ? nullptr : color_.data()};
  }

  int64_t n_;
  int planes_ = 0;  // known
  Plane<float> spread_, distance_;
  Plane<uint8_t> contexts_, channels_;
  std::array<Plane<uint8_t>, 3> before_;  // by channel
  Plane<uint16_t> sum_, color_;
};

// shares (8, stride) of `width` values from the first group on; groups end where the SH streams end.
std::vector<float> shares_of(const SteppedParams& params, int group, int width, int stride) {
  std::vector<float> shares(static_cast<size_t>(kDistances * stride));
  for (int d = 0; d < kDistances; ++d)
    for (int v = 0; v < width; ++v) {
      int g = group;
      if (group > 0)
        while (v / 3 >= kShBegin[g]) ++g;
      shares[static_cast<size_t>(d * stride + v)] =
          static_cast<float>(
              params.predict[static_cast<size_t>(g)][static_cast<size_t>(d)][static_cast<size_t>(v % 3)]) /
          256.0f;
    }
  return shares;
}

PredictedRows rows_of(const TileState& tile, const Plane<float>& steps, const std::vector<float>& shares, int width) {
  PredictedRows rows{};
  rows.n = tile.n;
  rows.runs = runs_of(tile.n);
  rows.width = width;
  rows.stride = padded(rows.width);
  rows.near = tile.near();
  rows.shares = shares.data();
  rows.distance = tile.distance.data();
  rows.steps = steps.data();
  return rows;
}

// One group of values: the colour itself (one component), or the SH above it.
struct Group {
  int first;  // of SteppedParams::predict
  int components;
  const StepRule* rule;
  const std::array<int16_t, 9>* color;
  std::vector<int16_t> basis;  // (components, components)
};

Group color_group(const SteppedParams& params) { return {0, 1, &params.color, &params.color_basis, {16384}}; }
Group sh_group(const SteppedParams& params) {
  return {1, params.rest(), &params.sh, &params.sh_color_basis, params.sh_basis};
}

// What the values of one group of a tile should be: `sh` points at its first coefficient of source row 0.
Uninitialised<float> targets_of(const SteppedParams& params, const Group& group, const TileState& tile, const float* sh,
                                const int64_t* source_rows) {
  const int count = group.components, stride = padded(3 * count);
  std::vector<float> basis(static_cast<size_t>(count * kBasisFloats));
  Uninitialised<float> targets(static_cast<size_t>(tile.n * stride), 0.0f);
  float color[9];
  for (size_t a = 0; a < 3; ++a)  // a basis is orthonormal up to rounding, so its transpose serves as inverse
    for (size_t c = 0; c < 3; ++c) color[c * 3 + a] = static_cast<float>((*group.color)[a * 3 + c]) * kUnit;
  for (int k = 0; k < count; ++k)
    for (int j = 0; j < count; ++j)
      basis[static_cast<size_t>(j * kBasisFloats + k)] =
          static_cast<float>(group.basis[static_cast<size_t>(k * count + j)]) * kUnit;
  ForwardTransform forward{tile.n,      count,         stride, basis.data(), color, sh, 3 * (1 + params.rest()),
                           source_rows, targets.data()};
  kernels().to_targets(forward);
  return targets;
}

// Chooses codes for one group of a tile.
void quantize_group(const SteppedTables& tables, const SteppedParams& params, const Group& group, const TileState& tile,
                    const float* sh, const int64_t* source_rows, float diffusion, float dead_zone,
                    std::vector<Codes>* codes) {
  const int width = 3 * group.components;
  const Uninitialised<float> targets = targets_of(params, group, tile, sh, source_rows);
  const Plane<float> steps = steps_of(*group.rule, tile);
  const std::vector<float> shares = shares_of(params, group.first, width, padded(width));
  const std::vector<int32_t*> planes = fit_values(*codes, tile.n, width);
  PredictedRows rows = rows_of(tile, steps, shares, width);
  rows.codes = planes.data();
  Uninitialised<float> ring(static_cast<size_t>(2 * ring_rows(rows.runs) * rows.stride));
  rows.ring = ring.data();
  rows.targets = targets.data();
  rows.diffusion = diffusion;
  rows.dead_zone = dead_zone;
  rows.most_step = most_step(tables, *group.rule);
  kernels().encode_rows(rows);
}

// Which rows of SH come from books, and which are coded number by number: the finer ones, if any.
struct RowsOfSh {
  std::vector<uint8_t> by_books;
  std::vector<int32_t> booked, numbered;
};
Plane<int32_t> half_octaves_of(const StepRule& rule, const TileState& tile) {
  Plane<int32_t> half_octaves;
  half_octaves.fit(tile.n);
  StepSum sum = tile.step_sum(rule);
  sum.half_octaves = half_octaves.data();
  kernels().stepped->sum_steps(sum);
  return half_octaves;
}
RowsOfSh rows_of_sh(const SteppedParams& params, const TileState& tile) {
  const Plane<int32_t> half_octaves = half_octaves_of(params.sh, tile);
  RowsOfSh rows;
  for (int32_t i = 0; i < tile.n; ++i) {
    rows.by_books.push_back(half_octaves[static_cast<size_t>(i)] >= params.books[kShBooks].from_step);
    (rows.by_books.back() ? rows.booked : rows.numbered).push_back(i);
  }
  return rows;
}

// Levels of an index, from the contexts of 5.4: the foreseen size of its entry, rounded down.
void index_levels(const uint8_t* sizes, int64_t n, uint8_t* levels) {
  uint8_t level[kSizeContexts];
  for (int c = 0; c < kSizeContexts; ++c) {
    const int quarters = c < 32 ? 0 : (4 + (c & 3)) << std::min((c - 32) >> 2, 3);  // of 1, from context 32 on
    level[c] = static_cast<uint8_t>(std::min(quarters >> 2, kLevels - 1));
  }
  for (int64_t i = 0; i < n; ++i) levels[i] = level[sizes[i]];
}

// How large the entries are that a plane of indices names.
void entry_sizes(const Codebook& book, const Plane<int32_t>& index, int64_t n, Codes* sizes) {
  sizes->values.fit(n);
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) sizes->values[i] = book.sizes[static_cast<size_t>(index[i])];
}

// Rebuilds the values of one group and writes RGB coefficients.
void rebuild_group(const SteppedParams& params, const Group& group, const TileState& tile, const Plane<float>& steps,
                   const std::vector<Codes>& codes, ColorRows out) {
  const int count = group.components, width = 3 * count;
  std::vector<float> basis(static_cast<size_t>(count * kBasisFloats));
  float color[9];
  for (size_t k = 0; k < 9; ++k) color[k] = static_cast<float>((*group.color)[k]) * kUnit;
  for (int k = 0; k < count; ++k)
    for (int j = 0; j < count; ++j)
      basis[static_cast<size_t>(k * kBasisFloats + j)] =
          static_cast<float>(group.basis[static_cast<size_t>(k * count + j)]) * kUnit;
  const Transform transform{count, basis.data(), color, out.first, out.stride};
  const std::vector<float> shares = shares_of(params, group.first, width, padded(width));
  std::vector<CodePlane> planes;
  for (const Codes& plane : codes) planes.push_back(plane.view());
  PredictedRows rows = rows_of(tile, steps, shares, width);
  rows.coded = planes.data();
  Uninitialised<float> ring(static_cast<size_t>(ring_rows(rows.runs) * rows.stride));
  rows.ring = ring.data();
  rows.transform = &transform;
  kernels().decode_rows(rows);
}

}  // namespace

float most_step(const SteppedTables& tables, const StepRule& rule) {
  return rule.base * tables.half_octave[static_cast<size_t>(rule.most + kMaxHalfOctaves)];
}

void quantize_colors(const SteppedParams& params, const SteppedTables& tables, TileState* tile,
                     const SourceScene& source, const int64_t* rows, float diffusion) {
  quantize_group(tables, params, color_group(params), *tile, source.sh, rows, diffusion, 0.0f, &tile->color_codes);
}

void quantize_sh(const SteppedParams& params, const SteppedTables& tables, TileState* tile, const SourceScene& source,
                 const int64_t* rows, float diffusion, float dead_zone) {
  quantize_group(tables, params, sh_group(params), *tile, source.sh + 3, rows, diffusion, dead_zone, &tile->sh_codes);
}

int64_t find_lost_color(const SteppedParams& params, const TileState& tile) {
  const RowsOfSh of = params.by_books[kShBooks] ? rows_of_sh(params, tile) : RowsOfSh{};
  const auto find = [&](const std::vector<Codes>& codes, const std::vector<uint8_t>& by_books) {
    for (const Codes& plane : codes) {
      int32_t bits = 0;  // of all sizes: most planes are done with that
      for (int64_t i = 0; i < tile.n; ++i) bits |= plane.values[i] ^ plane.values[i] >> 31;
      for (int64_t i = 0; bits >= kMostCode - 1 && i < tile.n; ++i)
        if ((by_books.empty() || !by_books[i]) && std::abs(plane.values[i]) >= kMostCode) return i;
    }
    return int64_t{-1};
  };
  const int64_t lost = find(tile.color_codes, {});
  return lost < 0 ? find(tile.sh_codes, of.by_books) : lost;
}

StepCounts count_sh_steps(const SteppedParams& params, const TileState& tile) {
  const Plane<int32_t> half_octaves = half_octaves_of(params.sh, tile);
  StepCounts counts{};
  for (size_t i = 0; i < static_cast<size_t>(tile.n); ++i)
    ++counts[static_cast<size_t>(half_octaves[i] + kMaxHalfOctaves)];
  return counts;
}

int64_t quantize_sh_by_books(const SteppedParams& params, const SteppedTables& tables, const BookSearch* search,
                             TileState* tile, const SourceScene& source, const int64_t* source_rows, float diffusion,
                             int16_t* rest) {
  const Group group = sh_group(params);
  const int width = 3 * group.components;
  const RowsOfSh of = rows_of_sh(params, *tile);
  const Uninitialised<float> targets = targets_of(params, group, *tile, source.sh + 3, source_rows);
  const Plane<float> steps = steps_of(*group.rule, *tile);
  const std::vector<float> shares = shares_of(params, group.first, width, padded(width));
  const std::vector<int32_t*> planes = fit_values(tile->sh_codes, tile->n, width);
  PredictedRows rows = rows_of(*tile, steps, shares, width);
  rows.codes = planes.data();
  rows.targets = targets.data();
  rows.diffusion = diffusion;
  rows.most_step = most_step(tables, *group.rule);
  if (search) {
    tile->indices[kShBooks].resize(params.books[kShBooks].books.size());
    for (Plane<int32_t>& plane : tile->indices[kShBooks]) plane.fit(static_cast<int64_t>(of.booked.size()));
  }
  choose_entries(rows, of.by_books.data(), search, &tile->indices[kShBooks], rest);
  return static_cast<int64_t>(of.booked.size());
}

void rebuild_colors(const SteppedParams& params, TileState* tile, float* sh) {
  const Group color = color_group(params);
  const int64_t stride = 3 * (1 + params.rest());
  rebuild_group(params, color, *tile, steps_of(*color.rule, *tile), tile->color_codes, {sh, stride});
  if (params.rest() == 0) return;
  const Group group = sh_group(params);
  rebuild_group(params, group, *tile, steps_of(*group.rule, *tile), tile->sh_codes, {sh + 3, stride});
}

template <class Io>
void code_colors(Io& io, const SteppedParams& params, TileState* tile) {
  const int64_t n = tile->n;
  tile->color_codes.resize(3);
  tile->color_steps = steps_of(params.color, *tile);
  SizeModel sizes(*tile, tile->color_steps);
  for (size_t c = 0; c < 3; ++c) {
    code_plane(io, sizes.contexts(params.expect[c]), n, &tile->color_codes[c]);
    sizes.add(tile->color_codes[c].view());
  }
  tile->color_size = sizes.sum();
}

void write_colors(const SteppedParams& params, TileState* tile, ColorRows colors) {
  rebuild_group(params, color_group(params), *tile, tile->color_steps, tile->color_codes, colors);
  tile->color_codes = {};
  tile->color_steps = {};
}

template <class Io>
void code_sh_planes(Io* ios, const SteppedParams& params, SizeModel sizes, TileState* tile) {
  for (int s = 0; s < kShStreams && kShBegin[s] < params.rest(); ++s) {
    for (size_t v = static_cast<size_t>(3 * kShBegin[s]); v < static_cast<size_t>(3 * kShBegin[s + 1]); ++v) {
      code_plane(ios[s], sizes.contexts(params.expect[3 + v]), tile->n, &tile->sh_codes[v]);
      sizes.add(tile->sh_codes[v].view());
    }
  }
}

template <class Io>
void code_sh(Io* ios, const SteppedParams& params, TileState* tile, ColorRows out) {
  tile->sh_codes.resize(static_cast<size_t>(3 * params.rest()));
  const Group group = sh_group(params);
  const Plane<float> steps = steps_of(*group.rule, *tile);
  if constexpr (Io::kReading) {  // the steps are all that was left to know from them
    for (auto& plane : tile->features) plane = {};
  }
  code_sh_planes(ios, params, SizeModel(*tile, steps), tile);
  if (tile->last) RecycledMemory::drop();  // before the rest of the outputs is touched
  if constexpr (Io::kReading) rebuild_group(params, group, *tile, steps, tile->sh_codes, out);
}

namespace {

// The indices of the rows that come from books.
template <class Io>
bool code_sh_indices(Io& io, const Codebooks& books, SizeModel sizes, int64_t n, std::vector<Plane<int32_t>>* indices) {
  Plane<uint8_t> levels;
  Codes entry_size;
  levels.fit(n);
  indices->resize(books.books.size());
  for (size_t b = 0; b < indices->size(); ++b) {
    const Codebook& book = books.books[b];
    index_levels(sizes.contexts(book.expect), n, levels.data());
    if (!code_index(io, book, b, levels.data(), n, &(*indices)[b])) return false;
    entry_sizes(book, (*indices)[b], n, &entry_size);
    sizes.add(entry_size.view());
  }
  return true;
}

// The codes of the rows that do not; `planes` hold all rows.
template <class Io>
void code_sh_numbers(Io* ios, const SteppedParams& params, SizeModel sizes, const std::vector<int32_t>& rows,
                     const std::vector<int32_t*>& planes) {
  const int64_t n = static_cast<int64_t>(rows.size());
  Codes codes;
  codes.values.fit(n);
  for (int s = 0; s < params.sh_degree; ++s)
    for (int v = 3 * kShBegin[s]; v < 3 * kShBegin[s + 1]; ++v) {
      int32_t* plane = planes[static_cast<size_t>(v)];
      if constexpr (!Io::kReading)
        for (size_t i = 0; i < rows.size(); ++i) codes.values[i] = plane[rows[i]];
      ios[kSh1 + s].plane(sizes.contexts(params.expect[static_cast<size_t>(3 + v)]), codes.values.data(), n, true);
      if constexpr (Io::kReading)
        for (size_t i = 0; i < rows.size(); ++i) plane[rows[i]] = codes.values[i];
      sizes.add(codes.view());
    }
}

}  // namespace

template <class Io>
bool code_sh_by_books(Io* ios, const SteppedParams& params, TileState* tile, ColorRows out) {
  const Codebooks& books = params.books[kShBooks];
  if (books.empty()) return false;
  const Group group = sh_group(params);
  const RowsOfSh rows = rows_of_sh(params, *tile);
  const int64_t booked = static_cast<int64_t>(rows.booked.size());
  Plane<float> steps = steps_of(*group.rule, *tile);
  if (!code_sh_indices(ios[kShIndex], books, SizeModel(*tile, steps, &rows.booked), booked, &tile->indices[kShBooks]))
    return false;
  const std::vector<int32_t*> planes = fit_values(tile->sh_codes, tile->n, 3 * group.components);
  if (!books.all()) code_sh_numbers(ios, params, SizeModel(*tile, steps, &rows.numbered), rows.numbered, planes);
  if constexpr (Io::kReading) {
    sum_entries(books, tile->indices[kShBooks], booked, rows.booked.data(), planes);
    for (int32_t row : rows.booked) steps[static_cast<size_t>(row)] *= 1.0f / kBookFraction;
    rebuild_group(params, group, *tile, steps, tile->sh_codes, out);
  }
  return true;
}

namespace {

// Least squares of the planes' |code| on what is known before each, from the first of `sums` on.
Plane<uint16_t> add_planes(SizeModel sizes, int64_t n, const std::vector<Codes>& planes, size_t first, SizeSums* sums) {
  constexpr size_t kEvery = 4;  // splats looked at
  constexpr double kMost = 40;
  for (size_t v = 0; v < planes.size(); ++v) {
    auto& normal = sums->normal[first + v];
    auto& right = sums->right[first + v];
    for (size_t i = 0; i < static_cast<size_t>(n); i += kEvery) {
      double code = std::min(kMost, static_cast<double>(std::abs(planes[v].values[i]))), f[kSizeTerms];
      for (int t = 0; t < kSizeTerms; ++t) f[t] = std::min(kMost, sizes.term(t, i));
      for (int r = 0; r < kSizeTerms; ++r) {
        for (int c = 0; c <= r; ++c) normal[static_cast<size_t>(r * kSizeTerms + c)] += f[r] * f[c];
        right[static_cast<size_t>(r)] += f[r] * code;
      }
    }
    sizes.add(planes[v].view());
  }
  return sizes.sum();
}

// The sums of SH that comes from books, of all its splats or of some: numbers first, then the books' entries.
void add_sizes_by_books(const SteppedParams& params, const Plane<float>& steps, TileState* tile, SizeSums* sums) {
  const RowsOfSh rows = rows_of_sh(params, *tile);
  const Codebooks& books = params.books[kShBooks];
  std::vector<Codes> sizes(books.books.size()), numbers(tile->sh_codes.size());
  const int64_t booked = static_cast<int64_t>(rows.booked.size()),
                numbered = static_cast<int64_t>(rows.numbered.size());
  for (size_t b = 0; b < sizes.size(); ++b) entry_sizes(books.books[b], tile->indices[kShBooks][b], booked, &sizes[b]);
  add_planes(SizeModel(*tile, steps, &rows.booked), booked, sizes, 3 + numbers.size(), sums);
  if (books.all()) return;
  for (size_t v = 0; v < numbers.size(); ++v) {
    numbers[v].values.fit(numbered);
    for (size_t i = 0; i < rows.numbered.size(); ++i)
      numbers[v].values[i] = tile->sh_codes[v].values[static_cast<size_t>(rows.numbered[i])];
  }
  add_planes(SizeModel(*tile, steps, &rows.numbered), numbered, numbers, 3, sums);
}

}  // namespace

void add_sizes(const SteppedParams& params, TileState* tile, SizeSums* sums) {
  const int width = 3 * params.rest();
  if (sums->normal.empty()) {
    sums->normal.assign(3 + static_cast<size_t>(width) + params.books[kShBooks].books.size(), {});
    sums->right.assign(sums->normal.size(), {});
  }
  tile->color_size.clear();
  const Plane<float> color_steps = steps_of(params.color, *tile);
  tile->color_size = add_planes(SizeModel(*tile, color_steps), tile->n, tile->color_codes, 0, sums);
  if (width > 0) {
    const Plane<float> steps = steps_of(params.sh, *tile);
    if (params.by_books[kShBooks]) {
      add_sizes_by_books(params, steps, tile, sums);
    } else {
      add_planes(SizeModel(*tile, steps), tile->n, tile->sh_codes, 3, sums);
    }
  }
  tile->color_size.clear();
}

template void code_colors<StreamReader>(StreamReader&, const SteppedParams&, TileState*);
template void code_colors<StreamWriter>(StreamWriter&, const SteppedParams&, TileState*);
template bool code_sh_by_books<StreamReader>(StreamReader*, const SteppedParams&, TileState*, ColorRows);
template bool code_sh_by_books<StreamWriter>(StreamWriter*, const SteppedParams&, TileState*, ColorRows);
template void code_sh<StreamReader>(StreamReader*, const SteppedParams&, TileState*, ColorRows);
template void code_sh<StreamWriter>(StreamWriter*, const SteppedParams&, TileState*, ColorRows);

}  // namespace splatzip
