// Which tiles, and which blocks of a tile, an ellipse may touch: small ones during projection, one ellipse per lane;
// large ones with the lists, one row of blocks per lane. Included by isa_kernels.inl inside its anonymous namespace.

// An ellipse a lane, as ProjectedSplat has it.
struct Ellipses {
  Floats x, y, slope, along, across, cut, reach_x, reach_y, lean;

  Ellipses() = default;
  explicit Ellipses(const ProjectedSplat& s)
      : x(broadcast(s.x)),
        y(broadcast(s.y)),
        slope(broadcast(s.slope)),
        along(broadcast(s.along)),
        across(broadcast(s.across)),
        cut(broadcast(s.cut)),
        reach_x(broadcast(s.reach_x)),
        reach_y(broadcast(s.reach_y)),
        lean(broadcast(s.lean)) {}
};

// Block columns [first, last] of the picture that an ellipse touches in a row of blocks; none where last is -1. Over
// the pixel centres of the row, y - s.y lies in [low, low + 3].
struct BlockSpans {
  Ints first, last;
};
inline BlockSpans block_spans(const Ellipses& s, Floats row, int columns, int rows) {
  const Floats low = row * static_cast<float>(kBlockSize) + (0.5f - s.y);
  const Floats high = low + (kBlockSize - 1.0f);
  const EllipseSpan<Floats> span = ellipse_span<LaneMath>(s, low, high);
  Floats x1 = s.x + span.right, x0 = s.x + span.left;
  // The pixels decide; what is rounded here must not take one away.
  const Floats margin = s.reach_x * 1e-5f + 0.01f;
  x1 = (x1 + (margin - 0.5f)) * (1.0f / kBlockSize);
  x0 = (x0 - (margin + (kBlockSize - 0.5f))) * (1.0f / kBlockSize);
  // Floor and ceiling of what is cut to the picture and a block around it.
  const Floats most = broadcast(static_cast<float>(columns)), least = broadcast(-1.0f);
  x1 = x1 > least ? x1 : least;  // and what is no number: lanes that hold no splat that is seen
  x1 = x1 < most ? x1 : most;
  x0 = x0 > least ? x0 : least;
  x0 = x0 < most ? x0 : most;
  Ints last = __builtin_convertvector(x1 + 1.0f, Ints) - 1, first = columns - __builtin_convertvector(most - x0, Ints);
  last = last < columns - 1 ? last : Ints{} + (columns - 1);
  first = first > 0 ? first : Ints{};
  const Floats reach = s.reach_y * 1.00001f + 0.01f;
  const Ints inside = (low <= reach) & (high >= -reach) & (row < static_cast<float>(rows));
  return {first, inside ? last : Ints{} - 1};
}

// Rows or columns of blocks that bounding boxes touch, cut to [0, count).
struct BlockRanges {
  Ints first, last;
};
inline BlockRanges bounding_blocks(Floats centre, Floats reach, int count) {
  const Floats most = broadcast(static_cast<float>(count)), wide = reach * 1.0001f + 0.02f;
  Floats first = (centre - wide) * (1.0f / kBlockSize), last = (centre + wide) * (1.0f / kBlockSize);
  first = first > 0.0f ? first : Floats{};
  first = first < most ? first : most;
  last = last > 0.0f ? last : Floats{};
  last = last < most ? last : most;
  const Ints end = __builtin_convertvector(last, Ints);
  return {__builtin_convertvector(first, Ints), end < count ? end : Ints{} + (count - 1)};
}

// The blocks of those that touch no more than 2 x 2 tiles, all at once: most do.
struct SmallTouches {
  Ints tile, upper, lower;  // see TouchedTiles
};
inline SmallTouches small_touches(const Ellipses& s, int columns, int rows, int tiles_x, unsigned seen) {
  const BlockRanges across = bounding_blocks(s.x, s.reach_x, columns), down = bounding_blocks(s.y, s.reach_y, rows);
  const Ints column = across.first & ~3, row = down.first & ~3;
  const Ints small = (across.last - column < 8) & (down.last - row < 8);
  const Floats from = __builtin_convertvector(row, Floats);
  Ints of_rows[2] = {};
  const int used = bits_of(down.last - row >= 4) & bits_of(small) & seen ? 8 : 4;
  for (int j = 0; j < used; ++j) {
    const BlockSpans span = block_spans(s, from + static_cast<float>(j), columns, rows);
    Ints first = span.first - column, last = span.last - column;
    first = first > 0 ? first : Ints{};
    last = last < 7 ? last : Ints{} + 7;
    const Ints any = first <= last;
    first = any ? first : Ints{};
    last = any ? last : Ints{} - 1;
    const Ints one = Ints{} + 1, blocks = (one << (last + 1)) - (one << first);
    of_rows[j / 4] |= ((blocks & 15) | ((blocks & 0xF0) << 12)) << (4 * (j % 4));
  }
  return {small ? (row >> 2) * tiles_x + (column >> 2) : Ints{} + static_cast<int>(kManyTiles), of_rows[0], of_rows[1]};
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

// The entries of one splat that touches many tiles. False if there may be no room for them.
bool list_large(ListJob* job, uint32_t index) {
  const ProjectedSplat& s = job->splats[index];
  const Ellipses same(s);
  const BlockRanges across = bounding_blocks(same.x, same.reach_x, job->columns);
  const BlockRanges down = bounding_blocks(same.y, same.reach_y, job->rows);
  const int first_row = down.first[0], last_row = down.last[0];
  const uint64_t most = static_cast<uint64_t>((across.last[0] >> 2) - (across.first[0] >> 2) + 2) *
                        static_cast<uint64_t>((last_row >> 2) - (first_row >> 2) + 2);
  if (job->used + most > job->room) return false;
  Floats lanes;
  for (int lane = 0; lane < kWidth; ++lane) lanes[lane] = static_cast<float>(lane);
  for (int row = first_row & ~3; row <= last_row; row += kWidth) {
    const BlockSpans spans = block_spans(same, lanes + static_cast<float>(row), job->columns, job->rows);
    alignas(64) int32_t first[kWidth], last[kWidth];
    store(first, spans.first);
    store(last, spans.last);
    for (int j = 0; j < kWidth && row + j <= last_row; j += 4)
      job->used += list_row(index, first + j, last + j,
                            static_cast<uint32_t>((row + j) >> 2) * static_cast<uint32_t>(job->tiles_x),
                            job->records + job->used, job->tile_counts);
  }
  return true;
}

void list_splats(ListJob* job) {
  constexpr int64_t kAhead = 16, kAheadIfLarge = 8;
  const uint32_t below = static_cast<uint32_t>(job->tiles_x);
  int64_t i = job->first;
  for (; i < job->last; ++i) {
    if (i + kAhead < job->last) __builtin_prefetch(job->touched + job->order[i + kAhead]);
    if (i + kAheadIfLarge < job->last) {
      const uint32_t later = job->order[i + kAheadIfLarge];
      if (job->touched[later].tile == kManyTiles) __builtin_prefetch(job->splats + later);
    }
    const uint32_t index = job->order[i];
    const TouchedTiles& touched = job->touched[index];
    job->first_record[i] = static_cast<uint32_t>(job->used);
    if (touched.tile == kManyTiles) {
      if (!list_large(job, index)) break;
      continue;
    }
    if (job->used + 4 > job->room) break;
    const uint32_t tiles[4] = {touched.tile, touched.tile + 1, touched.tile + below, touched.tile + below + 1};
    const uint32_t blocks[4] = {touched.upper & 0xFFFF, touched.upper >> 16, touched.lower & 0xFFFF,
                                touched.lower >> 16};
    for (int k = 0; k < 4; ++k) {
      if (!blocks[k]) continue;
      job->records[job->used++] = {tiles[k], index, blocks[k]};
      ++job->tile_counts[tiles[k]];
    }
  }
  job->first = i;
}
