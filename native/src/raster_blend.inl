// Blending a tile front to back, a block of 4 x 4 pixels at once; included by isa_kernels.inl inside its anonymous
// namespace.

// Pixel centres of a tile by column and by row of blocks.
struct TileCentres {
  alignas(64) float x[4][kBlockPixels], y[4][kBlockPixels];

  TileCentres(int tile_x, int tile_y) {
    for (int block = 0; block < 4; ++block)
      for (int pixel = 0; pixel < kBlockPixels; ++pixel) {
        x[block][pixel] = static_cast<float>(tile_x + kBlockSize * block + pixel % kBlockSize) + 0.5f;
        y[block][pixel] = static_cast<float>(tile_y + kBlockSize * block + pixel / kBlockSize) + 0.5f;
      }
  }
};

// Where a pixel of the tile is in the picture, or -1.
inline int64_t picture_index(const TileJob& tile, int block, int pixel) {
  const int x = tile.x + kBlockSize * (block & 3) + pixel % kBlockSize;
  const int y = tile.y + kBlockSize * (block >> 2) + pixel / kBlockSize;
  return x < tile.width && y < tile.height ? int64_t{y} * tile.width + x : -1;
}

// Of a tile, by block and pixel of the block: colour and depth so far.
struct BlendState {
  alignas(64) float color[3][kTilePixels], depth[kTilePixels];
};

// The offsets of pixels from a splat, and log2 of its Gaussian there.
struct Footprint {
  Floats e, dy, power;
};
inline Footprint footprint(const ProjectedSplat& s, const float* x, const float* y) {
  const Floats dy = load<Floats>(y) - s.y;
  const Floats e = (load<Floats>(x) - s.x) - dy * s.slope;
  return {e, dy, e * e * s.along + dy * dy * s.across};
}

// Before the first splat: outside of the picture nothing is seen.
inline void begin_transmittance(const TileJob& tile, const TileCentres& centres, float* transmittance) {
  const float width = static_cast<float>(tile.width), height = static_cast<float>(tile.height);
  for (int block = 0; block < kTileBlocks; ++block)
    for (int part = 0; part < kBlockPixels; part += kWidth) {
      const Floats x = load<Floats>(centres.x[block & 3] + part), y = load<Floats>(centres.y[block >> 2] + part);
      store(transmittance + block * kBlockPixels + part, ((x < width) & (y < height)) ? broadcast(1.0f) : Floats{});
    }
}

// Blends a tile into `state`. With a trace, what is found is written down; false if there may be no room for it.
template <bool WithDepth, bool Traced>
bool blend_entries(const TileJob& tile, const TileCentres& centres, BlendState* state, const TileTrace* trace) {
  constexpr uint32_t kAhead = 8;
  std::memset(state, 0, sizeof *state);
  begin_transmittance(tile, centres, tile.transmittance);
  if (!Traced)
    for (int at = 0; at < kTilePixels; ++at) tile.last_entry[at] = tile.end;
  uint16_t alive_pixels[kTileBlocks];  // as of the block's last entry
  unsigned alive = 0xFFFF;             // blocks
  for (uint16_t& pixels : alive_pixels) pixels = 0xFFFF;
  const Floats least_t = broadcast(kLeastTransmittance), most_alpha = broadcast(kMostAlpha);
  uint64_t traced = 0;
  uint32_t k = tile.start;
  for (; k < tile.end && alive; ++k) {
    if (k + kAhead < tile.end) __builtin_prefetch(tile.splats + tile.entries[k + kAhead].splat);
    if (Traced && traced + kTileBlocks > trace->room) return false;
    const ProjectedSplat& s = tile.splats[tile.entries[k].splat];
    unsigned blended = 0;
    for (unsigned blocks = tile.entries[k].blocks & alive; blocks; blocks &= blocks - 1) {
      const int block = __builtin_ctz(blocks);
      float* t = tile.transmittance + block * kBlockPixels;
      unsigned blended_to = 0;
      Mask open[kBlockParts];
      for (int part = 0; part < kBlockParts; ++part) {
        open[part] = at_least(load<Floats>(t + part * kWidth), least_t);
        blended_to |= bits_of(open[part]) << (part * kWidth);
      }
      if (blended_to != alive_pixels[block]) [[unlikely]] {
        for (unsigned done = Traced ? 0 : alive_pixels[block] & ~blended_to; done; done &= done - 1)
          tile.last_entry[block * kBlockPixels + __builtin_ctz(done)] = k;
        alive_pixels[block] = static_cast<uint16_t>(blended_to);
        if (!blended_to) {
          alive &= ~(1u << block);
          continue;
        }
      }
      unsigned touched = 0;
      for (int part = 0; part < kBlockParts; ++part) {
        const int at = block * kBlockPixels + part * kWidth;
        const Footprint f = footprint(s, centres.x[block & 3] + part * kWidth, centres.y[block >> 2] + part * kWidth);
        const Mask inside = at_least(open[part], f.power, broadcast(s.cut));
        const Floats full = keep(inside, exp2_of(f.power) * s.opacity), alpha = least(full, most_alpha);
        if constexpr (Traced) {
          store(trace->alphas + traced * kBlockPixels + part * kWidth, full);
          touched |= bits_of(inside);
        }
        const Floats before = load<Floats>(t + part * kWidth), weight = alpha * before;
        store(t + part * kWidth, before - weight);
        for (int c = 0; c < 3; ++c)
          store(state->color[c] + at, load<Floats>(state->color[c] + at) + weight * s.color[c]);
        if (WithDepth) store(state->depth + at, load<Floats>(state->depth + at) + weight * s.depth);
      }
      if (Traced && touched) {
        ++traced;
        blended |= 1u << block;
      }
    }
    if constexpr (Traced) trace->blocks[k - tile.start] = static_cast<uint16_t>(blended);
  }
  *tile.stop = k;
  return true;
}

// What a frame keeps of a tile, for passes with a trace.
struct TileMemory {
  alignas(64) float transmittance[kTilePixels];
  uint32_t stop;

  TileJob used_by(TileJob tile) {
    tile.transmittance = transmittance;
    tile.last_entry = nullptr;
    tile.stop = &stop;
    return tile;
  }
};

void blend_tile(const BlendJob& job) {
  const TileJob& tile = job.tile;
  const TileCentres centres(tile.x, tile.y);
  BlendState state;
  if (job.depth) {
    blend_entries<true, false>(tile, centres, &state, nullptr);
  } else {
    blend_entries<false, false>(tile, centres, &state, nullptr);
  }
  for (int block = 0; block < kTileBlocks; ++block)
    for (int pixel = 0; pixel < kBlockPixels; ++pixel) {
      const int64_t out = picture_index(tile, block, pixel);
      if (out < 0) continue;
      const int at = block * kBlockPixels + pixel;
      const float rest = tile.transmittance[at], alpha = 1.0f - rest;
      for (int c = 0; c < 3; ++c) job.color[3 * out + c] = state.color[c][at] + rest * tile.background[c];
      job.alpha[out] = alpha;
      if (job.depth) job.depth[out] = alpha > 0 ? state.depth[at] / alpha : 0.0f;
    }
}
