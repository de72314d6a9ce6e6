// The gradient of blending: a tile back to front; included by isa_kernels.inl inside its anonymous namespace.
//
// Lane by lane, sums run over the blocks of an entry in their order; then over the 16 lanes as a tree. Instruction sets
// that take a block in parts add the same numbers in the same order.

typedef float FourFloats __attribute__((vector_size(16)));

constexpr int kPixelSums = kShapeSums + 3;
struct LaneSums {
  alignas(64) float rows[kSlot][kBlockPixels];
};

// Four rows of 16 lanes to their sums: lanes l, l + 8 first, then l, l + 4, then l, l + 2, then the last two.
inline FourFloats sum_rows(const float (*rows)[kBlockPixels]) {
  FourFloats r[4];
  for (int k = 0; k < 4; ++k)
    r[k] = (load<FourFloats>(rows[k]) + load<FourFloats>(rows[k] + 8)) +
           (load<FourFloats>(rows[k] + 4) + load<FourFloats>(rows[k] + 12));
  const FourFloats a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
  const FourFloats b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const FourFloats c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const FourFloats d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  return (__builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(c, d, 0, 1, 4, 5)) +
         (__builtin_shufflevector(a, b, 2, 3, 6, 7) + __builtin_shufflevector(c, d, 2, 3, 6, 7));
}

inline void sum_lanes(const LaneSums& sums, float* slot) {
  for (int row = 0; row < kSlot; row += 4) store(slot + row, sum_rows(sums.rows + row));
}

// By block and pixel: the loss's gradient to the colour; transmittance before the splats that were visited; what lies
// behind them, times the gradient.
struct BackwardState {
  alignas(64) float g_color[3][kTilePixels], transmittance[kTilePixels], behind[kTilePixels];
  uint32_t block_last[kTileBlocks];  // entries from this one on touched no pixel of the block
};

void begin_backward(const BlendBackwardJob& job, BackwardState* state) {
  const TileJob& tile = job.tile;
  LaneSums background = {};
  for (int block = 0; block < kTileBlocks; ++block) {
    uint32_t last = tile.start;
    for (int pixel = 0; pixel < kBlockPixels; ++pixel) {
      const int at = block * kBlockPixels + pixel;
      const int64_t from = picture_index(tile, block, pixel);
      const float rest = tile.transmittance[at];
      float g_rest = from >= 0 && job.g_alpha ? -job.g_alpha[from] : 0.0f;
      for (int c = 0; c < 3; ++c) {
        const float g = from >= 0 ? job.g_color[3 * from + c] : 0.0f;
        state->g_color[c][at] = g;
        background.rows[c][pixel] += rest * g;
        g_rest += g * tile.background[c];
      }
      state->transmittance[at] = rest;
      state->behind[at] = rest * g_rest;
      if (from >= 0 && tile.last_entry[at] > last) last = tile.last_entry[at];
    }
    state->block_last[block] = last;
  }
  float sums[kSlot];
  sum_lanes(background, sums);
  for (int c = 0; c < 3; ++c) job.g_background[c] = sums[c];
}

// One part of the blocks of entry k.
inline void blend_backward_entry(const BlendBackwardJob& job, BackwardState* state, const TileCentres& centres,
                                 uint32_t k, unsigned blocks, int part, LaneSums* sums) {
  const TileJob& tile = job.tile;
  const ProjectedSplat& s = tile.splats[tile.entries[k].splat];
  const Floats cut = broadcast(s.cut), most_alpha = broadcast(kMostAlpha);
  Floats sum[kPixelSums] = {};
  for (; blocks; blocks &= blocks - 1) {
    const int block = __builtin_ctz(blocks), at = block * kBlockPixels + part * kWidth;
    const Footprint f = footprint(s, centres.x[block & 3] + part * kWidth, centres.y[block >> 2] + part * kWidth);
    const Mask blended = above(load<Ints>(tile.last_entry + at), Ints{} + static_cast<int32_t>(k));
    const Mask inside = at_least(blended, f.power, cut);
    const Floats full = exp2_of(f.power) * s.opacity;
    const Floats alpha = keep(inside, least(full, most_alpha));
    const Floats inverse = 1.0f / (1.0f - alpha);
    const Floats after = load<Floats>(state->transmittance + at), before = after * inverse;
    const Floats weight = alpha * before;
    store(state->transmittance + at, before);
    const Floats g0 = load<Floats>(state->g_color[0] + at), g1 = load<Floats>(state->g_color[1] + at);
    const Floats g2 = load<Floats>(state->g_color[2] + at);
    const Floats dot = (g0 * s.color[0] + g1 * s.color[1]) + g2 * s.color[2];
    const Floats behind = load<Floats>(state->behind + at);
    store(state->behind + at, behind + weight * dot);
    // dL/d(log alpha), nothing where alpha is clamped.
    const Floats u = keep(at_least(inside, most_alpha, full), (after * dot - behind) * inverse * full);
    const Floats ue = u * f.e, ud = u * f.dy;
    sum[0] += u;
    sum[1] += ue;
    sum[2] += ud;
    sum[3] += ue * f.e;
    sum[4] += ue * f.dy;
    sum[5] += ud * f.dy;
    sum[6] += weight * g0;
    sum[7] += weight * g1;
    sum[8] += weight * g2;
  }
  for (int row = 0; row < kPixelSums; ++row) store(sums->rows[row] + part * kWidth, sum[row]);
}

void blend_backward_tile(const BlendBackwardJob& job) {
  constexpr uint32_t kAhead = 8;
  const TileJob& tile = job.tile;
  const TileCentres centres(tile.x, tile.y);
  BackwardState state;
  begin_backward(job, &state);
  LaneSums sums = {};
  const uint32_t stop = *tile.stop;
  const auto slot_of = [&](uint32_t k) { return job.slots + static_cast<size_t>(tile.slot[k]) * kSlot; };
  for (uint32_t k = stop; k < tile.end; ++k) std::memset(slot_of(k), 0, sizeof(float) * kSlot);
  unsigned active = 0;    // blocks with pixels that were still blended into at entry k
  uint32_t wakes = stop;  // when the next block becomes active
  for (uint32_t k = stop; k-- > tile.start;) {
    if (k < wakes) {
      wakes = tile.start;
      for (int block = 0; block < kTileBlocks; ++block) {
        const uint32_t last = state.block_last[block];
        if (k < last) {
          active |= 1u << block;
        } else if (last > wakes) {
          wakes = last;
        }
      }
    }
    if (k >= tile.start + kAhead) {
      __builtin_prefetch(tile.splats + tile.entries[k - kAhead].splat);
      __builtin_prefetch(slot_of(k - kAhead), 1);
    }
    float* slot = slot_of(k);
    const unsigned blocks = tile.entries[k].blocks & active;
    if (!blocks) {
      std::memset(slot, 0, sizeof(float) * kSlot);
      continue;
    }
    for (int part = 0; part < kBlockParts; ++part) blend_backward_entry(job, &state, centres, k, blocks, part, &sums);
    sum_lanes(sums, slot);
  }
}
