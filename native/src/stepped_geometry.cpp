// Codec STEPPED: neighbours, opacity, classes, positions (FORMAT.md 6.2, 6.3, 6.6).
#include <algorithm>
#include <cmath>

#include "isa.h"
#include "octree.h"
#include "splatzip/exact_math.h"
#include "splatzip/rounding.h"
#include "stepped_tile.h"

namespace splatzip {
namespace {

constexpr int32_t kFarSpacing = 8 * 256;  // the spacing feature of a splat without neighbours

// log2 of a cell's edge relative to the scene's reference scale, 1/256 octave.
int32_t cell_size_log2(const SteppedParams& params, const TileFrame& frame) {
  double octaves = exact_log(static_cast<double>(frame.mantissa)) * kInvLn2 + frame.exponent + frame.low_levels -
                   params.scale_reference / 65536.0;
  return static_cast<int32_t>(std::floor(octaves * 256.0));
}

}  // namespace

Neighbours TileState::near() const {
  Neighbours near;
  for (size_t k = 0; k < kNeighbours; ++k) {
    near.row[k] = near_row[k].data();
    near.weight[k] = near_weight[k].data();
  }
  return near;
}

StepSum TileState::step_sum(const StepRule& rule) const {
  StepSum sum{};
  sum.n = n;
  sum.feature_count = feature_count;
  for (size_t f = 0; f < kFeatures; ++f) {
    sum.features[f] = features[f].data();
    sum.weight[f] = rule.weight[f];
  }
  sum.most = rule.most;
  sum.base = rule.base;
  return sum;
}

void find_tile_neighbours(const SteppedParams& params, TileState* tile) {
  const int64_t n = tile->n, runs = runs_of(n);
  const size_t before = static_cast<size_t>(runs) * kNeighbourWindow, behind = 16;
  Uninitialised<float> axis[3];
  for (size_t a = 0; a < 3; ++a) {
    axis[a].resize(before + static_cast<size_t>(n) + behind);
    std::fill_n(axis[a].begin(), before, kFarAway);
    std::fill_n(axis[a].end() - behind, behind, kFarAway);
    tile->coordinates[a].fit(n);
    walk_curve(n, [&](size_t row, size_t place) {
      const uint32_t at = gather3(tile->cells[place] >> a);
      tile->coordinates[a][row] = at;
      axis[a][before + row] = static_cast<float>(at);
    });
  }
  for (size_t k = 0; k < kNeighbours; ++k) {
    tile->near_row[k].fit(n, -1);
    tile->near_weight[k].fit(n);
  }
  tile->feature_count = params.features();
  for (int f = 0; f < tile->feature_count; ++f) tile->features[static_cast<size_t>(f)].clear_to(n, 0);
  tile->distance.fit(n);
  NeighbourSearch search{};
  search.n = n;
  search.runs = runs;
  search.x = axis[0].data() + before;
  search.y = axis[1].data() + before;
  search.z = axis[2].data() + before;
  search.softness = params.neighbour_softness;
  search.cell = cell_size_log2(params, tile->frame);
  search.far = kFarSpacing;
  for (size_t k = 0; k < kNeighbours; ++k) {
    search.row[k] = tile->near_row[k].data();
    search.weight[k] = tile->near_weight[k].data();
  }
  search.spacing = tile->features[kSpacing].data();
  search.distance = tile->distance.data();
  kernels().stepped->find_neighbours(search);
}

template <class Io>
void code_opacity(Io& io, const SteppedParams& params, const SteppedTables& tables, TileState* tile,
                  const SourceScene* source, const int64_t* rows) {
  const size_t n = static_cast<size_t>(tile->n);
  const int32_t levels = params.opacity_levels;
  tile->opacity_codes.fit(tile->n);
  if constexpr (!Io::kReading) {
    tile->errors.assign(n, {});
    for (size_t i = 0; i < n; ++i)
      tile->opacity_codes[i] =
          opacity_code(source->opacity_logits[rows[i]], params.opacity_power, levels, &tile->errors[i][0]);
  }
  io.plane(tile->distance.data(), tile->opacity_codes.data(), tile->n, false);
  for (size_t i = 0; i < n; ++i) {
    int32_t code = std::clamp(tile->opacity_codes[i], 0, levels + 1);
    tile->opacity_codes[i] = code;
    tile->features[kAlpha][i] = tables.log2_alpha[static_cast<size_t>(code)];
  }
}

template <class Io>
void code_classes(Io& io, const SteppedParams& params, TileState* tile, const SourceScene* source,
                  const int64_t* rows) {
  if (!params.classes) return;
  const size_t n = static_cast<size_t>(tile->n);
  Plane<uint8_t> contexts;
  Plane<int32_t> residuals, codes;
  contexts.fit(tile->n);
  residuals.fit(tile->n);
  codes.fit(tile->n);
  for (int c = 0; c < 2; ++c) {
    for (size_t i = 0; i < n; ++i) {
      const int faint = std::min(5, -tile->features[kAlpha][i] >> 8);
      contexts[i] = static_cast<uint8_t>(kDistances + 24 * c + 4 * faint + (tile->distance[i] >> 1));
    }
    ClassPlane plane{};
    plane.n = tile->n;
    plane.runs = runs_of(tile->n);
    plane.near = tile->near();
    plane.other = c > 0 ? tile->features[kGeometryClass].data() : nullptr;
    plane.residuals = residuals.data();
    plane.codes = codes.data();
    plane.feature = tile->features[static_cast<size_t>(kGeometryClass + c)].data();
    if constexpr (Io::kReading) {
      io.plane(contexts.data(), residuals.data(), tile->n, true);
      kernels().stepped->decode_classes(plane);
    } else {
      for (size_t i = 0; i < n; ++i)
        codes[i] = std::clamp<int32_t>(source->classes[rows[i] * 2 + c], -kMostClass, kMostClass);
      kernels().stepped->encode_classes(plane);
      io.plane(contexts.data(), residuals.data(), tile->n, true);
    }
  }
}

template <class Io>
void code_positions(Io& io, const SteppedParams& params, TileState* tile, const SourceScene* source,
                    const int64_t* rows) {
  const size_t n = static_cast<size_t>(tile->n);
  const TileFrame& frame = tile->frame;
  const double cell = bits_to_double(static_cast<uint64_t>(1023 + frame.exponent) << 52);
  tile->positions.resize(n * 3);
  Plane<int32_t> half_octaves;
  half_octaves.fit(tile->n);
  StepSum steps = tile->step_sum(params.position);
  steps.half_octaves = half_octaves.data();
  kernels().stepped->sum_steps(steps);
  [[maybe_unused]] BitReader raw;  // of our own: what is stored below cannot change it
  if constexpr (Io::kReading) raw = io.raw_bits();
  for (size_t i = 0; i < n; ++i) {
    int left_out = std::clamp(frame.unit_level + (half_octaves[i] >> 1), 0, frame.low_levels);
    int bits = frame.low_levels - left_out;
    const bool at_once = 3 * bits <= BitReader::kMostAtOnce;
    [[maybe_unused]] uint64_t lows = 0;
    if constexpr (Io::kReading)
      if (at_once) lows = raw.get_long(3 * bits);
    for (size_t a = 0; a < 3; ++a) {
      uint64_t low;
      uint64_t high = static_cast<uint64_t>(tile->coordinates[a][i]) << frame.low_levels;
      if constexpr (Io::kReading) {
        low = at_once ? lows & ((uint64_t{1} << bits) - 1) : raw.get(bits);
        lows >>= bits;
      } else {
        const double at = units_from_origin(source->positions[rows[i] * 3 + static_cast<int64_t>(a)], cell,
                                            frame.origin[a], frame.mantissa);
        int64_t inside = static_cast<int64_t>(std::floor(at)) - static_cast<int64_t>(high);
        low = static_cast<uint64_t>(std::clamp<int64_t>(inside, 0, (int64_t{1} << frame.low_levels) - 1)) >> left_out;
        io.raw(static_cast<uint32_t>(low), bits);
      }
      uint64_t middle = left_out > 0 ? uint64_t{1} << (left_out - 1) : 0;
      int64_t at = static_cast<int64_t>(high + (low << left_out) + middle);
      tile->positions[i * 3 + a] =
          static_cast<float>(static_cast<double>(frame.origin[a] + frame.mantissa * at) * cell);
    }
  }
  if constexpr (Io::kReading) io.raw_bits() = raw;
}

void write_frame(ByteWriter& out, const TileFrame& frame) {
  for (int64_t v : frame.origin) out.signed_varint(v);
  out.byte(static_cast<uint8_t>(frame.mantissa));
  for (int v : {frame.exponent, frame.octree_levels, frame.low_levels, frame.unit_level}) out.signed_varint(v);
}

bool read_frame(ByteReader& in, TileFrame* frame) {
  constexpr int64_t kMost = int64_t{1} << 52;
  bool ok = true;
  for (int64_t& v : frame->origin) {
    v = in.signed_varint();
    ok = ok && v > -kMost && v < kMost;
  }
  frame->mantissa = in.byte();
  int64_t values[4];
  for (int64_t& v : values) {
    v = in.signed_varint();
    ok = ok && v >= -300 && v <= 300;
  }
  if (!ok || !in.ok()) return false;
  frame->exponent = static_cast<int>(values[0]);
  frame->octree_levels = static_cast<int>(values[1]);
  frame->low_levels = static_cast<int>(values[2]);
  frame->unit_level = static_cast<int>(values[3]);
  return frame->mantissa > 0 && frame->octree_levels >= 0 && frame->octree_levels <= kMaxOctreeDepth &&
         frame->low_levels >= 0 && frame->low_levels <= 22;
}

#define INSTANTIATE(Io)                                                                                           \
  template void code_opacity<Io>(Io&, const SteppedParams&, const SteppedTables&, TileState*, const SourceScene*, \
                                 const int64_t*);                                                                 \
  template void code_classes<Io>(Io&, const SteppedParams&, TileState*, const SourceScene*, const int64_t*);      \
  template void code_positions<Io>(Io&, const SteppedParams&, TileState*, const SourceScene*, const int64_t*);
INSTANTIATE(StreamReader)
INSTANTIATE(StreamWriter)

}  // namespace splatzip
