// What each splat of a tile contributes to the picture, and what a change of its attributes would do; included by
// isa_kernels.inl inside its anonymous namespace.

// Of a tile: transmittance so far, and colour that is still to come, by block and pixel of the block.
struct ScoreState {
  alignas(64) float transmittance[kTilePixels], rest[3][kTilePixels];
};

// Blends the tile: all of its colour is still to come.
bool begin_traced_score(const ScoreTileJob& job, const TileCentres& centres, ScoreState* state, uint32_t* stop) {
  TileMemory memory;
  const TileJob tile = memory.used_by(job.tile);
  BlendState blended;
  if (!blend_entries<false, true>(tile, centres, &blended, &job.trace)) return false;
  for (int c = 0; c < 3; ++c)
    for (int at = 0; at < kTilePixels; ++at)
      state->rest[c][at] = blended.color[c][at] + memory.transmittance[at] * tile.background[c];
  begin_transmittance(tile, centres, state->transmittance);
  *stop = memory.stop;
  return true;
}

// Accumulators of one entry. Rows as in its slot: sums, and behind a row that is not in use the moments.
template <ScorePass Pass>
struct EntrySums {
  Floats basics[4][kBlockParts] = {};
  Floats moments[Pass >= kScoreCurvature ? 1 + kScoreMoments : 1][kBlockParts] = {};
  Floats most[kBlockParts] = {};
  int pixels = 0;
};

// A splat in one part of a block; `raw` is its opacity there, 0 outside.
template <ScorePass Pass>
inline void add_block(const ScoreTileJob& job, const ProjectedSplat& s, const Footprint& f, Floats raw,
                      float root_along, float root_across, float* transmittance, float* rest, int part,
                      EntrySums<Pass>* sums) {
  const Floats most_alpha = broadcast(kMostAlpha), alpha = least(raw, most_alpha);
  const Floats before = load<Floats>(transmittance), weight = alpha * before, square = weight * weight;
  store(transmittance, before - weight);
  sums->basics[kScoreWeight][part] += weight;
  sums->basics[kScoreSquares][part] += square;
  if constexpr (Pass == kScoreTransmittance)
    sums->basics[kScoreTransmittanceSum][part] += keep(above_zero(raw), before);
  sums->pixels += __builtin_popcount(bits_of(at_least(weight, broadcast(kCountedWeight))));
  sums->most[part] = weight > sums->most[part] ? weight : sums->most[part];
  if constexpr (Pass >= kScoreRemoval) {
    // weight * (colour - colour behind); what is still to come is (1 - alpha) T times the colour behind.
    const Floats ratio = alpha / (1.0f - alpha);
    Floats removal = Floats{};
    for (int c = 0; c < 3; ++c) {
      const Floats own = weight * s.color[c], after = load<Floats>(rest + c * kTilePixels) - own;
      store(rest + c * kTilePixels, after);
      const Floats change = own - ratio * after;
      removal += change * change;
    }
    sums->basics[kScoreRemovalSum][part] += removal;
    if constexpr (Pass >= kScoreCurvature) {
      const Floats e = f.e * root_along, d = f.dy * root_across;
      const Floats m0 = keep(at_least(most_alpha, raw), removal + square * job.floor);
      const Floats m1 = m0 * e, m2 = m0 * d, m3 = m1 * e, m4 = m1 * d, m5 = m2 * d;
      const Floats m6 = m3 * e, m7 = m3 * d, m8 = m4 * d, m9 = m5 * d;
      const Floats all[kScoreMoments] = {m0, m1, m2,     m3,     m4,     m5,     m6,    m7,
                                         m8, m9, m6 * e, m6 * d, m7 * d, m8 * d, m9 * d};
      for (int m = 0; m < kScoreMoments; ++m) sums->moments[1 + m][part] += all[m];
    }
  }
}

template <ScorePass Pass>
inline void store_entry(const EntrySums<Pass>& sums, float* slot) {
  store_sums<4>(sums.basics, slot);
  if constexpr (Pass >= kScoreCurvature) store_sums<1 + kScoreMoments>(sums.moments, slot + kScoreMost);
  Floats most = sums.most[0];
  for (int part = 1; part < kBlockParts; ++part) most = sums.most[part] > most ? sums.most[part] : most;
  slot[kScoreMost] = most_of_lanes(most);
  slot[kScorePixels] = static_cast<float>(sums.pixels);
}

// Front to back in one go, for what no colour is needed for.
template <ScorePass Pass>
bool score_tile(const ScoreTileJob& job) {
  static_assert(Pass < kScoreRemoval);
  constexpr uint32_t kAhead = 8;
  constexpr int kSlot = kScoreLightSlot;
  const TileJob& tile = job.tile;
  const TileCentres centres(tile.x, tile.y);
  ScoreState state;
  begin_transmittance(tile, centres, state.transmittance);
  const Floats least_t = broadcast(kLeastTransmittance);
  unsigned alive = 0xFFFF;  // blocks
  uint32_t k = tile.start;
  const auto slot_of = [&](uint32_t entry) { return job.slots + static_cast<size_t>(tile.slot[entry]) * kSlot; };
  for (; k < tile.end && alive; ++k) {
    if (k + kAhead < tile.end) {
      __builtin_prefetch(tile.splats + tile.entries[k + kAhead].splat);
      __builtin_prefetch(slot_of(k + kAhead), 1);
    }
    const ProjectedSplat& s = tile.splats[tile.entries[k].splat];
    float* slot = slot_of(k);
    EntrySums<Pass> sums;
    unsigned touched = 0;
    for (unsigned blocks = tile.entries[k].blocks & alive; blocks; blocks &= blocks - 1) {
      const int block = __builtin_ctz(blocks);
      unsigned open_pixels = 0;
      for (int part = 0; part < kBlockParts; ++part) {
        const int at = block * kBlockPixels + part * kWidth;
        const Mask open = at_least(load<Floats>(state.transmittance + at), least_t);
        const unsigned open_lanes = bits_of(open);
        open_pixels |= open_lanes;
        if (!open_lanes) continue;
        const Footprint f = footprint(s, centres.x[block & 3] + part * kWidth, centres.y[block >> 2] + part * kWidth);
        const Mask inside = at_least(open, f.power, broadcast(s.cut));
        touched |= bits_of(inside);
        add_block<Pass>(job, s, f, keep(inside, exp2_of(f.power) * s.opacity), 0, 0, state.transmittance + at, nullptr,
                        part, &sums);
      }
      if (!open_pixels) alive &= ~(1u << block);
    }
    if (touched) {
      store_entry(sums, slot);
    } else {
      std::memset(slot, 0, kSlot * sizeof(float));
    }
  }
  for (; k < tile.end; ++k) std::memset(slot_of(k), 0, kSlot * sizeof(float));
  return true;
}

// Front to back twice: for what is behind a splat, the colour of the picture has to be known.
template <ScorePass Pass>
bool score_tile_traced(const ScoreTileJob& job) {
  static_assert(Pass >= kScoreRemoval);
  constexpr uint32_t kAhead = 8;
  constexpr int kSlot = Pass >= kScoreCurvature ? kScoreSlot : kScoreLightSlot;
  const TileJob& tile = job.tile;
  const TileCentres centres(tile.x, tile.y);
  ScoreState state;
  uint32_t stop;
  if (!begin_traced_score(job, centres, &state, &stop)) return false;
  const float* alphas = job.trace.alphas;
  const auto slot_of = [&](uint32_t entry) { return job.slots + static_cast<size_t>(tile.slot[entry]) * kSlot; };
  for (uint32_t k = tile.start; k < stop; ++k) {
    if (k + kAhead < tile.end) {
      __builtin_prefetch(slot_of(k + kAhead), 1);
      if (kSlot > kScoreLightSlot) __builtin_prefetch(slot_of(k + kAhead) + kSlot - 1, 1);
    }
    float* slot = slot_of(k);
    unsigned blocks = job.trace.blocks[k - tile.start];
    if (!blocks) {
      std::memset(slot, 0, kSlot * sizeof(float));
      continue;
    }
    const ProjectedSplat& s = tile.splats[tile.entries[k].splat];
    // Offsets in sigmas (times a constant), so that no moment overflows.
    const float root_along = __builtin_sqrtf(-s.along), root_across = __builtin_sqrtf(-s.across);
    EntrySums<Pass> sums;
    for (; blocks; blocks &= blocks - 1, alphas += kBlockPixels) {
      const int block = __builtin_ctz(blocks);
      for (int part = 0; part < kBlockParts; ++part) {
        const int at = block * kBlockPixels + part * kWidth;
        const Footprint f = footprint(s, centres.x[block & 3] + part * kWidth, centres.y[block >> 2] + part * kWidth);
        add_block<Pass>(job, s, f, load<Floats>(alphas + part * kWidth), root_along, root_across,
                        state.transmittance + at, state.rest[0] + at, part, &sums);
      }
    }
    store_entry(sums, slot);
  }
  for (uint32_t k = stop; k < tile.end; ++k) std::memset(slot_of(k), 0, kSlot * sizeof(float));
  return true;
}

bool score_tile_of(const ScoreTileJob& job) {
  switch (job.pass) {
    case kScoreCurvature: return score_tile_traced<kScoreCurvature>(job);
    case kScoreRemoval: return score_tile_traced<kScoreRemoval>(job);
    case kScoreTransmittance: return score_tile<kScoreTransmittance>(job);
    default: return score_tile<kScoreWeights>(job);
  }
}

// The values of lanes whose `sum` is not zero.
inline Floats keep_above_zero(Floats sum, Floats value) { return (Floats)((Ints)value & (sum > 0.0f)); }

// Adds value * scale where it is a finite number and the splat was blended.
inline void add_finite(float* row, Floats value, float scale, Floats blended) {
  const Floats size = value < 0.0f ? -value : value;
  const Ints fine = (size <= 3e38f) & (blended > 0.0f);
  store(row, load<Floats>(row) + (Floats)((Ints)(value * scale) & fine));
}

void add_geometry(const ScoreGroupJob& job, const Projection<Floats>& p, int part) {
  const float* moments = job.sums + kScoreFirstMoment * kGroup + part * kWidth;
  const Floats blended = load<Floats>(job.sums + kScoreWeight * kGroup + part * kWidth);
  ShapeJacobian<Floats> jacobian;
  shape_jacobian<LaneMath>(*job.camera, p, &jacobian);
  Floats weighted[kShapeSums][kGeometryParameters];
  for (int f = 0; f < kShapeSums; ++f) {
    Floats moment[kShapeSums];
    for (int g = 0; g < kShapeSums; ++g) moment[g] = load<Floats>(moments + moment_of_terms(f, g) * kGroup);
    for (int l = 0; l < kGeometryParameters; ++l) {
      Floats sum = moment[0] * jacobian.of[0][l];
      for (int g = 1; g < kShapeSums; ++g) sum += moment[g] * jacobian.of[g][l];
      weighted[f][l] = sum;
    }
  }
  float* row = job.geometry_curvature + part * kWidth;
  for (int k = 0; k < kGeometryParameters; ++k)
    for (int l = k; l < kGeometryParameters; ++l, row += kGroup) {
      Floats sum = jacobian.of[0][k] * weighted[0][l];
      for (int f = 1; f < kShapeSums; ++f) sum += jacobian.of[f][k] * weighted[f][l];
      add_finite(row, sum, job.view_weight, blended);
    }
}

template <int Degree>
void add_color(const ScoreGroupJob& job, const Floats* direction, int part) {
  constexpr int kCoefficients = sh_coefficients(Degree);
  Floats basis[kCoefficients];
  sh_basis<Degree>(direction[0], direction[1], direction[2], basis);
  const Floats squares = load<Floats>(job.sums + kScoreSquares * kGroup + part * kWidth);
  float* row = job.color_curvature + part * kWidth;
  for (int k = 0; k < kCoefficients; ++k) {
    const Floats left = keep_above_zero(squares, basis[k] * squares * job.view_weight);
    for (int l = k; l < kCoefficients; ++l, row += kGroup) store(row, load<Floats>(row) + left * basis[l]);
  }
}

void add_color_of(const ScoreGroupJob& job, const Floats* direction, int part) {
  switch (job.sh_degree) {
    case 0: return add_color<0>(job, direction, part);
    case 1: return add_color<1>(job, direction, part);
    case 2: return add_color<2>(job, direction, part);
    case 3: return add_color<3>(job, direction, part);
    default: return add_color<4>(job, direction, part);
  }
}

void add_directions(const ScoreGroupJob& job, const Floats* direction, int part) {
  const Floats weight = load<Floats>(job.sums + kScoreWeight * kGroup + part * kWidth);
  for (int k = 0; k < 3; ++k) {
    float* row = job.toward + k * kGroup + part * kWidth;
    store(row, load<Floats>(row) + keep_above_zero(weight, -(direction[k] * weight * job.view_weight)));
  }
  alignas(64) int32_t cells[kWidth];
  Floats column, row;
  octahedral_cell(-direction[0], -direction[1], -direction[2], &column, &row);
  store(cells, __builtin_convertvector(row, Ints) * 8 + __builtin_convertvector(column, Ints));
  for (int lane = 0; lane < kWidth; ++lane)
    if (job.sums[kScoreMost * kGroup + part * kWidth + lane] >= kCountedWeight)
      job.seen_from[part * kWidth + lane] |= uint64_t{1} << (cells[lane] & 63);
}

// Adds what a picture says about 16 splats to what is known of them.
void score_group(const ScoreGroupJob& job) {
  for (int part = 0; part < kBlockParts; ++part) {
    for (int r = 0; r < kScoreBasicRows; ++r) {
      float* row = job.basics + r * kGroup + part * kWidth;
      const Floats sum = load<Floats>(job.sums + r * kGroup + part * kWidth), known = load<Floats>(row);
      const float scale = r == kScorePixels ? 1.0f : job.view_weight;
      store(row, r == kScoreMost ? (sum > known ? sum : known) : known + sum * scale);
    }
    if (!job.toward && !job.color_curvature && !job.geometry_curvature) continue;
    const SplatShape<Floats> shape = load_shape(job.geometry + part * kWidth);
    const Projection<Floats> p = project<LaneMath>(*job.camera, shape);
    Floats direction[3];
    direction_of(p.offset, direction);
    // A splat that is not seen may have no direction: NaN for one right on the camera.
    const Floats weight = load<Floats>(job.sums + kScoreWeight * kGroup + part * kWidth);
    for (int k = 0; k < 3; ++k) direction[k] = weight > 0.0f ? direction[k] : broadcast(k == 2 ? 1.0f : 0.0f);
    if (job.toward) add_directions(job, direction, part);
    if (job.color_curvature) add_color_of(job, direction, part);
    if (job.geometry_curvature) add_geometry(job, p, part);
  }
}
