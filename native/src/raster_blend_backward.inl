// The gradient of blending: a tile back to front; included by isa_kernels.inl inside its anonymous namespace.
//
// Lane by lane, sums run over the blocks of an entry in their order; then over the 16 lanes as a tree. Instruction sets
// that take a block in parts add the same numbers in the same order.

constexpr int kPixelSums = kShapeSums + 3;
static_assert(kPixelSums == 9 && kSlot >= kPixelSums);
typedef Floats PixelSums[kPixelSums][kBlockParts];

inline void store_slot(const PixelSums& sums, float* slot) {
  std::memset(slot + kPixelSums, 0, sizeof(float) * (kSlot - kPixelSums));
  store_sums<8>(sums, slot);
  slot[8] = sum_of_lanes(joined(sums[8]));
}

// By block and pixel: the loss's gradient to the colour; transmittance in front of the visited splats; what lies behind
// them, times the gradient.
struct BackwardState {
  alignas(64) float g_color[3][kTilePixels], transmittance[kTilePixels], behind[kTilePixels];
  uint32_t block_last[kTileBlocks];  // entries from this one on touched no pixel of the block
};

void begin_backward(const BlendBackwardJob& job, BackwardState* state) {
  const TileJob& tile = job.tile;
  alignas(64) float background[3][kBlockPixels] = {};
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
        background[c][pixel] += rest * g;
        g_rest += g * tile.background[c];
      }
      state->transmittance[at] = rest;
      state->behind[at] = rest * g_rest;
      if (from >= 0 && tile.last_entry[at] > last) last = tile.last_entry[at];
    }
    state->block_last[block] = last;
  }
  for (int c = 0; c < 3; ++c) {
    Floats parts[kBlockParts];
    for (int part = 0; part < kBlockParts; ++part) parts[part] = load<Floats>(background[c] + part * kWidth);
    job.g_background[c] = sum_of_lanes(joined(parts));
  }
}

// Removes a splat from what was blended in one part of a block, and adds its gradients to the sums. `full`: its opacity
// at each pixel before the clamp, 0 where it was not blended.
inline void take_off(const ProjectedSplat& s, const Footprint& f, Floats full, int at, BackwardState* state,
                     Floats* sum) {
  const Floats most_alpha = broadcast(kMostAlpha), alpha = least(full, most_alpha);
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
  const Floats u = keep(at_least(most_alpha, full), (after * dot - behind) * inverse * full);
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

// One part of the blocks of entry k.
inline void blend_backward_entry(const TileJob& tile, BackwardState* state, const TileCentres& centres, uint32_t k,
                                 unsigned blocks, int part, PixelSums* sums) {
  const ProjectedSplat& s = tile.splats[tile.entries[k].splat];
  Floats sum[kPixelSums] = {};
  for (; blocks; blocks &= blocks - 1) {
    const int block = __builtin_ctz(blocks), at = block * kBlockPixels + part * kWidth;
    const Footprint f = footprint(s, centres.x[block & 3] + part * kWidth, centres.y[block >> 2] + part * kWidth);
    const Mask blended = above(load<Ints>(tile.last_entry + at), Ints{} + static_cast<int32_t>(k));
    const Mask inside = at_least(blended, f.power, broadcast(s.cut));
    take_off(s, f, keep(inside, exp2_of(f.power) * s.opacity), at, state, sum);
  }
  for (int row = 0; row < kPixelSums; ++row) (*sums)[row][part] = sum[row];
}

// The same, of what was traced.
inline void blend_backward_traced(const ProjectedSplat& s, const float* alphas, BackwardState* state,
                                  const TileCentres& centres, unsigned blocks, int part, PixelSums* sums) {
  Floats sum[kPixelSums] = {};
  for (; blocks; blocks &= blocks - 1, alphas += kBlockPixels) {
    const int block = __builtin_ctz(blocks);
    const Footprint f = footprint(s, centres.x[block & 3] + part * kWidth, centres.y[block >> 2] + part * kWidth);
    take_off(s, f, load<Floats>(alphas + part * kWidth), block * kBlockPixels + part * kWidth, state, sum);
  }
  for (int row = 0; row < kPixelSums; ++row) (*sums)[row][part] = sum[row];
}

void blend_backward_tile(const BlendBackwardJob& job) {
  constexpr uint32_t kAhead = 8;
  const TileJob& tile = job.tile;
  const TileCentres centres(tile.x, tile.y);
  BackwardState state;
  begin_backward(job, &state);
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
    PixelSums sums;
    for (int part = 0; part < kBlockParts; ++part) blend_backward_entry(tile, &state, centres, k, blocks, part, &sums);
    store_slot(sums, slot);
  }
}

// The target in a block, by channel and pixel; 0 outside of the picture.
inline void target_of_block(const TowardsJob& job, int block, float (*target)[kBlockPixels]) {
  const int x = job.tile.x + kBlockSize * (block & 3), y = job.tile.y + kBlockSize * (block >> 2);
  const int columns = job.tile.width - x < kBlockSize ? job.tile.width - x : kBlockSize;
  if (columns < kBlockSize || job.tile.height - y < kBlockSize) std::memset(target, 0, 3 * sizeof *target);
  for (int row = 0; row < kBlockSize && y + row < job.tile.height; ++row) {
    const float* from = job.target + 3 * (int64_t{y + row} * job.tile.width + x);
    for (int column = 0; column < columns; ++column)
      for (int c = 0; c < 3; ++c) target[c][row * kBlockSize + column] = from[3 * column + c];
  }
}

// Blended and compared: the loss's gradient to the colour, and what is behind the last splat.
void compare(const TowardsJob& job, const TileJob& tile, const TileCentres& centres, const BlendState& blended,
             BackwardState* state) {
  const float over_small = 1 / job.small, width = static_cast<float>(tile.width);
  const float height = static_cast<float>(tile.height);
  Floats difference[kBlockParts] = {};
  for (int block = 0; block < kTileBlocks; ++block) {
    alignas(64) float target[3][kBlockPixels];
    target_of_block(job, block, target);
    for (int part = 0; part < kBlockParts; ++part) {
      const int in_block = part * kWidth, at = block * kBlockPixels + in_block;
      const Ints inside = (load<Floats>(centres.x[block & 3] + in_block) < width) &
                          (load<Floats>(centres.y[block >> 2] + in_block) < height);
      const Floats rest = load<Floats>(tile.transmittance + at);
      Floats g_rest = Floats{};
      for (int c = 0; c < 3; ++c) {
        Floats d =
            (load<Floats>(blended.color[c] + at) + rest * tile.background[c]) - load<Floats>(target[c] + in_block);
        d = inside ? d : Floats{};
        difference[part] += d < 0.0f ? -d : d;
        const Floats g = huber_gradient(d, over_small, job.share);
        store(state->g_color[c] + at, g);
        g_rest += g * tile.background[c];
      }
      store(state->transmittance + at, rest);
      store(state->behind + at, rest * g_rest);
    }
  }
  *job.difference = sum_of_lanes(joined(difference));
}

bool towards_tile(const TowardsJob& job) {
  constexpr uint32_t kAhead = 8;
  TileMemory memory;
  const TileJob tile = memory.used_by(job.tile);
  const TileCentres centres(tile.x, tile.y);
  BackwardState state;
  {
    BlendState blended;
    if (!blend_entries<false, true>(tile, centres, &blended, &job.trace)) return false;
    compare(job, tile, centres, blended, &state);
  }
  const float* alphas = job.trace.alphas;
  for (uint32_t k = tile.start; k < memory.stop; ++k)
    alphas += __builtin_popcount(job.trace.blocks[k - tile.start]) * kBlockPixels;
  const auto slot_of = [&](uint32_t k) { return job.slots + static_cast<size_t>(tile.slot[k]) * kSlot; };
  for (uint32_t k = memory.stop; k < tile.end; ++k) std::memset(slot_of(k), 0, sizeof(float) * kSlot);
  for (uint32_t k = memory.stop; k-- > tile.start;) {
    if (k >= tile.start + kAhead) {
      __builtin_prefetch(tile.splats + tile.entries[k - kAhead].splat);
      __builtin_prefetch(slot_of(k - kAhead), 1);
    }
    float* slot = slot_of(k);
    const unsigned blocks = job.trace.blocks[k - tile.start];
    if (!blocks) {
      std::memset(slot, 0, sizeof(float) * kSlot);
      continue;
    }
    alphas -= __builtin_popcount(blocks) * kBlockPixels;
    const ProjectedSplat& s = tile.splats[tile.entries[k].splat];
    PixelSums sums;
    for (int part = 0; part < kBlockParts; ++part)
      blend_backward_traced(s, alphas, &state, centres, blocks, part, &sums);
    store_slot(sums, slot);
  }
  return true;
}
