// Which tiles, and which blocks of a tile, an ellipse may touch: one row of blocks a lane; included by isa_kernels.inl
// inside its anonymous namespace.

// Block columns [first, last] of the picture by row of blocks; first > last: none.
struct BlockSpans {
  alignas(64) int32_t first[kWidth], last[kWidth];
};

// The rows of blocks from `row` on. Over the pixel centres of a row of blocks, y - s.y lies in [low, low + 3]; there
// the ellipse's right end is where y is nearest to `lean`, its left end nearest to -lean.
inline void block_spans(const ProjectedSplat& s, int row, int columns, int rows, BlockSpans* spans) {
  Floats index;
  for (int lane = 0; lane < kWidth; ++lane) index[lane] = static_cast<float>(lane);
  const Floats low = (index + static_cast<float>(row)) * static_cast<float>(kBlockSize) + (0.5f - s.y);
  const Floats high = low + (kBlockSize - 1.0f);
  const float along = 1.0f / s.along;
  Floats right = low > s.lean ? low : broadcast(s.lean);
  right = right > high ? high : right;
  Floats left = low > -s.lean ? low : broadcast(-s.lean);
  left = left > high ? high : left;
  Floats right_room = (s.cut - right * right * s.across) * along, left_room = (s.cut - left * left * s.across) * along;
  right_room = right_room > 0.0f ? right_room : Floats{};
  left_room = left_room > 0.0f ? left_room : Floats{};
  Floats x1 = s.x + (right * s.slope + root(right_room)), x0 = s.x + (left * s.slope - root(left_room));
  // The pixels decide; what is rounded here must not take one away.
  const float margin = 0.01f + 1e-5f * s.reach_x;
  x1 = (x1 + (margin - 0.5f)) * (1.0f / kBlockSize);
  x0 = (x0 - (margin + (kBlockSize - 0.5f))) * (1.0f / kBlockSize);
  // Floor and ceiling of what is cut to the picture and a block around it.
  const Floats most = broadcast(static_cast<float>(columns)), least = broadcast(-1.0f);
  x1 = x1 < least ? least : x1;
  x1 = x1 > most ? most : x1;
  x0 = x0 < least ? least : x0;
  x0 = x0 > most ? most : x0;
  Ints last = __builtin_convertvector(x1 + 1.0f, Ints) - 1, first = columns - __builtin_convertvector(most - x0, Ints);
  last = last < columns - 1 ? last : Ints{} + (columns - 1);
  first = first > 0 ? first : Ints{};
  const float reach = s.reach_y * 1.00001f + 0.01f;
  const Ints lane = __builtin_convertvector(index, Ints);
  const Ints inside = (low <= reach) & (high >= -reach) & (lane < rows - row);
  store(spans->first, first);
  store(spans->last, inside ? last : Ints{} - 1);
}

// The tiles of one row of tiles, from its four rows of blocks: 64 columns of blocks at once, a bit each.
inline uint64_t list_row(uint32_t splat, const int32_t* first, const int32_t* last, uint32_t tile, TileRecord* records,
                         uint32_t* tile_counts) {
  constexpr int kColumns = 64;
  int from = INT32_MAX, to = -1;
  for (int j = 0; j < 4; ++j) {
    if (first[j] > last[j]) continue;
    from = first[j] < from ? first[j] : from;
    to = last[j] > to ? last[j] : to;
  }
  uint64_t used = 0;
  for (int start = from & ~3; start <= to; start += kColumns) {
    uint64_t columns[4];
    for (int j = 0; j < 4; ++j) {
      const int a = first[j] > start ? first[j] - start : 0;
      const int b = last[j] < start + kColumns ? last[j] - start : kColumns - 1;
      columns[j] = a <= b ? ~uint64_t{0} << a & ~uint64_t{0} >> (kColumns - 1 - b) : 0;
    }
    const int end = to < start + kColumns ? to : start + kColumns - 1;
    for (uint32_t at = tile + static_cast<uint32_t>(start >> 2); at <= tile + static_cast<uint32_t>(end >> 2); ++at) {
      const uint64_t blocks =
          (columns[0] & 15) | (columns[1] & 15) << 4 | (columns[2] & 15) << 8 | (columns[3] & 15) << 12;
      for (uint64_t& row : columns) row >>= 4;
      if (!blocks) continue;
      records[used++] = {at, splat, static_cast<uint32_t>(blocks)};
      ++tile_counts[at];
    }
  }
  return used;
}

// Rows or columns of blocks that the bounding box touches, cut to [0, count).
struct Range {
  int first, last;
};
inline Range bounding_blocks(float centre, float reach, int count) {
  const float most = static_cast<float>(count);
  float first = (centre - reach - 0.02f) * (1.0f / kBlockSize), last = (centre + reach + 0.02f) * (1.0f / kBlockSize);
  first = first > 0 ? (first < most ? first : most) : 0;
  last = last > 0 ? (last < most ? last : most) : 0;
  const int end = static_cast<int>(last);
  return {static_cast<int>(first), end < count ? end : count - 1};
}

void list_splats(ListJob* job) {
  constexpr int64_t kAhead = 8;
  const int columns = (job->width + kBlockSize - 1) / kBlockSize, rows = (job->height + kBlockSize - 1) / kBlockSize;
  uint64_t used = job->used;
  int64_t i = job->first;
  for (; i < job->last; ++i) {
    if (i + kAhead < job->last) __builtin_prefetch(job->splats + job->order[i + kAhead]);
    const uint32_t index = job->order[i];
    const ProjectedSplat& s = job->splats[index];
    const Range across = bounding_blocks(s.x, s.reach_x * 1.0001f, columns);
    const Range down = bounding_blocks(s.y, s.reach_y * 1.0001f, rows);
    const uint64_t most = static_cast<uint64_t>((across.last >> 2) - (across.first >> 2) + 2) *
                          static_cast<uint64_t>((down.last >> 2) - (down.first >> 2) + 2);
    if (used + most > job->room) break;
    job->first_record[i] = static_cast<uint32_t>(used);
    for (int row = down.first & ~3; row <= down.last; row += kWidth) {
      BlockSpans spans;
      block_spans(s, row, columns, rows, &spans);
      for (int j = 0; j < kWidth && row + j <= down.last; j += 4)
        used += list_row(index, spans.first + j, spans.last + j,
                         static_cast<uint32_t>((row + j) >> 2) * static_cast<uint32_t>(job->tiles_x),
                         job->records + used, job->tile_counts);
    }
  }
  job->first = i;
  job->used = used;
}
