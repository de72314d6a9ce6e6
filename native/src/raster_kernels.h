// Data of the rasterizer's vector code (raster_*.inl, compiled once per instruction set): plain pointers only, so that
// no inline function of a container is shared between instruction sets.
#pragma once
#include <cstdint>

#include "splatzip/projection.h"

namespace splatzip {

constexpr int kGroup = 16;  // splats that lie together in a prepared scene
constexpr int kTileSize = 16, kBlockSize = 4, kTileBlocks = 16, kBlockPixels = 16, kTilePixels = 256;

// Rows of a group's geometry; a row is one float a splat.
enum GeometryRow { kPositionRow = 0, kLogScaleRow = 3, kRotationRow = 6, kOpacityRow = 10, kGeometryRows = 11 };

// Bounds of groups, a row each, 16 groups side by side: a sphere around the centres of a group's splats, and their
// largest standard deviation. Splats that are invisible do not count; NaN bounds nothing.
enum BoundRow { kCentreRow = 0, kRadiusRow = 3, kDeviationRow = 4, kBoundRows = 5 };

// A splat in the picture: what a tile needs of it, one cache line.
//   log2 of the Gaussian = along * e^2 + across * dy^2,  e = dx - slope * dy,  nothing where that is below `cut`
struct alignas(64) ProjectedSplat {
  float x, y;  // centre
  float slope, along, across, cut;
  float opacity;
  float color[3];
  float depth;
  float reach_x, reach_y, lean;  // half the bounding box; y offset of the rightmost point
  uint32_t row;                  // of the scene
  uint32_t unused;
};
static_assert(sizeof(ProjectedSplat) == 64);

// Blocks that a splat's ellipse may touch: of the tile `tile` and the one to its right (the upper 16 bits), and of the
// two below. What touches more tiles has kManyTiles.
constexpr uint32_t kManyTiles = 0xFFFFFFFF;
struct alignas(16) TouchedTiles {
  uint32_t tile, upper, lower, unused;
};

// One splat in the list of a tile.
struct TileEntry {
  uint32_t splat;   // index into Frame::splats
  uint32_t blocks;  // bit 4 * row + column: blocks of the tile that its ellipse may touch
};

// Groups [first, last) of the scene; splats that are seen go to `splats`, `touched`, `depths` and on, without gaps.
struct ProjectJob {
  const ProjectionCamera* camera;
  const float *geometry, *sh, *bounds;  // of group 0
  int sh_degree;
  int64_t first, last;         // `first` a multiple of 16
  int columns, rows, tiles_x;  // of the picture, in blocks; its tiles in a row
  uint32_t base;               // index of *splats
  ProjectedSplat* splats;
  TouchedTiles* touched;
  uint32_t* depths;  // bits of the depth, which sort as unsigned integers do
  // By group: which of its splats are seen, and the index of the first.
  uint16_t* seen;
  uint32_t* first_splat;
};

// A splat on a tile, before the lists are cut to length.
struct TileRecord {
  uint32_t tile, splat, blocks;
};

// Splats order[first] to order[last]: `first` and `used` move on until all are done or `room` may not do.
struct ListJob {
  const ProjectedSplat* splats;
  const TouchedTiles* touched;
  const uint32_t* order;
  int64_t first, last;
  int columns, rows, tiles_x;  // of the picture, in blocks; its tiles in a row
  TileRecord* records;
  uint64_t room, used;
  uint32_t* first_record;  // by place in the order
  uint32_t* tile_counts;
};

// A tile of a frame, for forward and backward.
struct TileJob {
  const ProjectedSplat* splats;
  const TileEntry* entries;
  const uint32_t* slot;  // by entry: where sums over its pixels go
  uint32_t start, end;   // the tile's entries
  int x, y;              // its first pixel
  int width, height;     // of the picture
  float background[3];
  // By block and pixel of the block.
  float* transmittance;
  uint32_t* last_entry;
  uint32_t* stop;
};

// The record of blending a tile front to back, for passes that need it again. For entry start + i, `blocks[i]` says in
// which blocks it was blended into some pixel; each of them, in this order, has the 16 opacities, before they are
// clamped to kMostAlpha, 0 where nothing was blended.
struct TileTrace {
  float* alphas;  // (room, kBlockPixels)
  uint64_t room;
  uint16_t* blocks;  // by entry of the tile
};

struct BlendJob {
  TileJob tile;
  float *color, *alpha, *depth;  // of the picture; depth may be null
};

// Sums over the pixels of a tile for one entry: ShapeSums, then the gradient to the colour.
enum SlotRow { kShapeSums = 6, kColorSum = 6, kSlot = 12 };

struct BlendBackwardJob {
  TileJob tile;
  const float *g_color, *g_alpha;  // of the picture; g_alpha may be null
  float* slots;                    // (entries, kSlot); all of the tile's are written
  float* g_background;             // 3, of the tile
};

// One group. Rows as in the scene; `sums` are (kSlot, kGroup), zero for what is not seen.
struct ProjectBackwardJob {
  const ProjectionCamera* camera;
  const float *geometry, *sh;  // of this group
  int sh_degree;
  uint32_t seen;
  const float* sums;
  float *g_geometry, *g_sh;  // (kGeometryRows, kGroup), (coefficients, 3, kGroup)
};

// A tile on its way towards a target: blended, compared, and back to front again.
struct TowardsJob {
  TileJob tile;  // its transmittance, last_entry and stop are not used
  TileTrace trace;
  const float* target;  // of the picture
  float small, share;   // the loss's gradient is share x difference / small, from -share to share
  float* slots;         // as BlendBackwardJob
  float* difference;    // sum of |picture - target|
};

// A step of Adam for a group: the values of splats that are seen move against their gradients.
struct AdamJob {
  uint32_t seen;
  int sh_rows;
  const float *g_geometry, *g_sh;  // as ProjectBackwardJob
  float *geometry, *sh;            // the values
  float *moments, *squares;        // (kGeometryRows + sh_rows, kGroup)
  const float* sizes;              // (kGroup): of the splats, the unit of their positions
  // How far a step moves what is sure of its direction.
  float position, log_scale, rotation, opacity_logit, color, sh_rate;
  float unbias_moment, unbias_square;
};

struct ScoreTileJob;  // raster_score_kernels.h
struct ScoreGroupJob;

struct RasterKernels {
  uint32_t (*project)(const ProjectJob& job);  // how many splats are seen
  void (*list)(ListJob* job);
  void (*blend)(const BlendJob& job);
  void (*blend_backward)(const BlendBackwardJob& job);
  void (*project_backward)(const ProjectBackwardJob& job);
  void (*adam)(const AdamJob& job);
  bool (*towards)(const TowardsJob& job);       // false, and no slots, if the trace needs more room
  bool (*score_tile)(const ScoreTileJob& job);  // the same
  void (*score_group)(const ScoreGroupJob& job);
};

}  // namespace splatzip
