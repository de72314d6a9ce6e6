// The CPU rasterizer: a prepared scene, and frames of it.
//
//   set_scene -> render -> (backward | score passes)
//   project splats, 16 at once -> sort by depth -> list them by tile, front to back -> blend
//
// A tile is 16 x 16 pixels, cut into 16 blocks of 4 x 4: the pixels of a block are the lanes of a vector (of 16 floats;
// narrower instruction sets take it in parts). Lists say which blocks an ellipse may touch; every pixel is then tested
// against the ellipse. Nothing is contracted into FMA and every sum has a written order, so pictures and gradients have
// the same bits from any number of threads and from every instruction set.
//
// A splat is blended into a pixel if the transmittance in front of it is at least 1e-4: the splat that takes it below
// is the last one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "buffer.h"
#include "raster_kernels.h"
#include "raster_sort.h"
#include "splatzip/projection.h"
#include "splatzip/scene_arrays.h"

namespace splatzip {

// Attributes by groups of 16 splats, attribute-major inside a group: what projection reads is one stream, coefficients
// are read only for groups that are seen, and an optimizer may change the values in place. Rows beyond `splats` are
// invisible.
struct PreparedScene {
  int64_t splats = 0;
  int sh_degree = 0;
  Buffer<float> geometry;  // (groups, kGeometryRows, kGroup)
  Buffer<float> sh;        // (groups, coefficients, 3, kGroup)
  Buffer<float> bounds;    // (groups / kGroup, kBoundRows, kGroup); call bound_group after a change of geometry

  int64_t groups() const { return (splats + kGroup - 1) / kGroup; }
  int sh_rows() const { return 3 * (sh_degree + 1) * (sh_degree + 1); }
};

// What the last render left behind; valid until the next.
struct Frame {
  View view = {};
  int tiles_x = 0, tiles_y = 0;

  // By group of the scene: which of its splats are seen, and where in `splats` the first of them is.
  Buffer<uint16_t> seen;
  Buffer<uint32_t> first_splat;
  Buffer<ProjectedSplat> splats;  // with gaps

  int64_t seen_count = 0;
  Buffer<uint32_t> order;  // indices into `splats`, front to back; of equal depths the lower row first

  // Entries of tile t: entries[tile_start[t]] to entries[tile_start[t + 1]], front to back.
  Buffer<uint32_t> tile_start;
  Buffer<TileEntry> entries;
  // A pass writes its result for entry k to slot[k]. The slots of the splat order[i] are first_slot[i] to
  // first_slot[i + 1], so that a splat's results are contiguous and are added up in the order of its tiles.
  Buffer<uint32_t> slot, first_slot;

  // By tile, block and pixel of the block; pixels outside the picture have transmittance 0.
  Buffer<float> transmittance;  // behind the last splat
  Buffer<uint32_t> last_entry;  // entries from this one on were not blended
  Buffer<uint32_t> tile_stop;   // entries from this one on were blended into no pixel of the tile

  int64_t tiles() const { return int64_t{tiles_x} * tiles_y; }
  int64_t entry_count() const { return tiles() ? tile_start[static_cast<size_t>(tiles())] : 0; }
};

void prepare_scene(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree, PreparedScene* scene,
                   int threads);
void bound_group(PreparedScene* scene, int64_t group);
void read_scene(const PreparedScene& scene, const SceneArrays<float>& arrays, int threads);

// Rows of a group of 16, as PreparedScene has them, to `width` floats a splat.
inline void from_rows(const float* rows, int width, int count, float* values) {
  for (int lane = 0; lane < count; ++lane)
    for (int row = 0; row < width; ++row) values[lane * width + row] = rows[row * kGroup + lane];
}

// Where a picture goes: (height, width, 3) and (height, width).
struct PictureArrays {
  float *color, *alpha, *depth;  // depth may be null
};

// Gradients to 16 splats, in the rows of PreparedScene; zero where `seen` has no bit.
struct GroupGradient {
  int64_t group;
  uint32_t seen;
  const float *geometry, *sh;
};
// A picture to move towards, (height, width, 3), and its Huber loss: differences up to `small` count by their square,
// larger ones by their size.
struct Target {
  const float* picture;
  float small;
};
using GroupSink = std::function<void(const GroupGradient&)>;

class Rasterizer {
 public:
  // Takes a copy of the arrays.
  void set_scene(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree, int threads) {
    prepare_scene(arrays, splats, sh_degree, &scene_, threads);
  }

  // Draws the scene and keeps the frame. False if the tiles have 2^31 entries or more.
  bool render(const View& view, const PictureArrays& picture, int threads);

  // Gradients of a loss of the last picture, given its gradients to the colour (height, width, 3) and, unless null, to
  // the alpha. All of `gradient` is written, 0 for splats that are not seen; g_background: 3.
  void backward(const float* g_color, const float* g_alpha, const SceneArrays<float>& gradient, float* g_background,
                int threads);

  // The same, handed over group by group, each once, from any thread: `sink` may change that group's values.
  void backward_groups(const float* g_color, const float* g_alpha, float* g_background, int threads,
                       const GroupSink& sink);

  // render and backward_groups at once, for the loss between picture and target; the picture itself is not kept.
  // Returns the mean |difference|, or a negative number where render says false.
  double towards(const View& view, const Target& target, int threads, const GroupSink& sink);

  // What render does before it blends: the frame without its transmittance.
  bool prepare(const View& view, int threads);

  TileJob tile_job(int64_t tile);

  // Calls work(job, trace, tile) for every tile, again with more room where it says false.
  void for_traced_tiles(int threads, const std::function<bool(const TileJob&, const TileTrace&, int64_t)>& work);

  const PreparedScene& scene() const { return scene_; }
  PreparedScene& scene() { return scene_; }
  const Frame& frame() const { return frame_; }

 private:
  void project(int threads);
  bool list(int threads);
  void blend(const PictureArrays& picture, int threads);
  void blend_backward(const float* g_color, const float* g_alpha, float* g_background, int threads);
  void hand_over(int threads, const GroupSink& sink);
  void prefetch_sums(int64_t group) const;
  void group_sums(int64_t group, float* rows) const;

  PreparedScene scene_;
  Frame frame_;

  // Kept from frame to frame.
  Buffer<TouchedTiles> touched_;  // by splat of the frame
  Buffer<uint32_t> depths_, starts_, keys_;
  SortScratch sort_;
  std::vector<Buffer<TileRecord>> records_;
  Buffer<uint64_t> records_used_;
  Buffer<uint32_t> tile_counts_;
  struct Trace {
    Buffer<float> alphas;
    Buffer<uint16_t> blocks;
  };
  std::vector<Trace> traces_;  // one a thread
  Buffer<float> slots_;        // backward: (entries, kSlot)
  Buffer<float> tile_sums_;    // backward: (tiles, 3)
  Buffer<uint32_t> rank_;      // backward: by splat of the frame, its place in the order
};

}  // namespace splatzip
