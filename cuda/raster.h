// Pictures of a scene by a GPU, or by the CPU as a GPU would make them.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pictures.h"
#include "splatzip/projection.h"
#include "splatzip/scene_arrays.h"
#include "splatzip/score_arrays.h"

namespace splatzip::cuda {

constexpr int kTileSize = 16;

// A batch: views that differ in where their cameras are and in their lenses alone. There is at least one.
using Views = std::vector<View>;
inline int64_t pixels_of(const Views& views) {
  return static_cast<int64_t>(views.size()) * views[0].width * views[0].height;
}

// Pictures of a batch: (views, height, width, 3), (views, height, width). Null: not asked for.
struct BatchPictures {
  float *color, *alpha, *depth;
  // What backward needs: transmittance behind the last splat, and the entry from which on nothing was blended.
  float* transmittance;
  uint32_t* last_entry;
};

// What the last batch was about: groups of 32 splats there are and are seen, splats that are seen, entries of tiles.
struct BatchCounts {
  int64_t groups, seen_groups, seen, entries;
};

// What arrays are made for: splats of the scene, its SH coefficients, pixels of the pictures that were drawn last.
struct RasterSizes {
  int64_t splats;
  int coefficients;
  int64_t pixels;
};

// Draws one scene again and again. Everything is refused while there is none, because none was set or memory was short.
// Arrays are in the CPU's memory, or with `on_device` in the GPU's; then the host only waits for the count of entries.
class Raster {
 public:
  virtual ~Raster() = default;
  virtual RasterSizes sizes() const = 0;
  // Takes a copy of the arrays.
  virtual bool set_scene(const SceneArrays<const float>& arrays, int64_t splats, int sh_degree, bool on_device) = 0;
  // Keeps these rows of the scene, (splats) of the CPU, and drops the others.
  virtual bool keep(const uint32_t* rows, int64_t splats) = 0;
  // Draws a batch of views, without alpha or depth where those are null. `keeps`: backward may follow.
  virtual bool render(const Views& views, float* color, float* alpha, float* depth, bool keeps, bool on_device) = 0;
  // The same as bytes, (views, height, width, 3) of the CPU: clipped to 0..1, in 255ths.
  virtual bool render_bytes(const Views& views, uint8_t* color) = 0;
  // The same for later comparisons: colours stay on the device and are appended to `to`.
  virtual bool store(const Views& views, Pictures* to) = 0;
  // Draws a batch and compares it with stored pictures, one a view: squared differences of the colours, summed by view.
  virtual bool compare(const Views& views, const std::vector<StoredPicture>& targets, double* sums) = 0;
  // An empty list of pictures, on the same device.
  virtual std::unique_ptr<Pictures> make_pictures() const = 0;
  // What the last batch was about.
  virtual bool count(BatchCounts* counts) = 0;
  // Gradients of a loss of the last batch, which was rendered with `keeps`, given its gradients to the colour and,
  // unless null, to the alpha. All of `gradient` and g_background (3) are written.
  virtual bool backward(const float* g_color, const float* g_alpha, const SceneArrays<float>& gradient,
                        float* g_background, bool on_device) = 0;

  // Sets the sums of these kinds to zero.
  virtual bool begin_scores(const ScoreKinds& kinds) = 0;
  // Draws a batch of views and adds what each says, times its weight, as if they came one by one; `floor` is added to
  // the squared contrast in the curvature of geometry.
  virtual bool add_scores(const Views& views, const std::vector<float>& weights, float floor) = 0;
  virtual const ScoreKinds& score_kinds() const = 0;  // that were begun
  virtual bool read_scores(const ScoreArrays& out) = 0;

  // Coverage (splatzip/raster/covers.py). Begins with no view. matters: (splats) of the CPU, 0 for splats that need not
  // be covered. The calls below are about the view whose scores were begun and added last.
  virtual bool begin_covers(const uint8_t* matters, int64_t splats) = 0;
  virtual bool take_cover() = 0;     // it is chosen without being a candidate
  virtual bool add_candidate() = 0;  // candidates are numbered from 0
  // How many splats that view would be the first to cover; which ones nothing covers yet, (splats).
  virtual bool count_new(int64_t* count) = 0;
  virtual bool read_missing(uint8_t* out) = 0;
  // What a candidate would add to the views chosen; choosing it.
  virtual bool gain(size_t candidate, double* gain) = 0;
  virtual bool take_candidate(size_t candidate) = 0;

  // Why something returned false.
  virtual std::string problem() const = 0;
};

// `precise`: float32 throughout, which backward needs. On a GPU, work is queued on `stream` (a cudaStream_t).
std::unique_ptr<Raster> make_raster(bool precise, void* stream);
// The same by the CPU, lanes and warps in rising or in falling order, with so many bytes of memory.
std::unique_ptr<Raster> make_emulated_raster(bool precise, bool falling, size_t memory);

}  // namespace splatzip::cuda
