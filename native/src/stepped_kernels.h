// What codec STEPPED's vector code for geometry (stepped_kernels.inl, compiled once an instruction set) works on: plain
// pointers to planes, one value a row.
//
// Rows of a chunk are `runs` runs side by side (FORMAT.md 5.2), so that a register holds rows that do not depend on
// each other. Where runs are fewer than lanes, a register is computed again and again, `runs` rows further each time:
// lanes ahead of their turn hold something until then. So a plane has room for plane_room(n) values.
#pragma once
#include <cstdint>

namespace splatzip {

constexpr int kNeighbours = 4;
constexpr int kNeighbourWindow = 64;
constexpr int64_t plane_room(int64_t n) { return (n + 31) / 16 * 16; }

// What is known of a splat when a step is chosen, in 1/256 octave: log2 alpha, the three log2 scales relative to the
// scene's reference (largest first), log2 of the distance to its neighbours relative to the same reference; where a
// file has them, its classes: how many octaves coarser than others like it the geometry, and the colour, may be.
constexpr int kFeatures = 7;
enum Feature { kAlpha, kScale0, kScale1, kScale2, kSpacing, kGeometryClass, kColorClass };
constexpr int kFeaturesWithoutClasses = 5;
constexpr int kMostClass = 8;

constexpr int kMaxHalfOctaves = 40;

// Prediction of log2 scale j in 1/256 octave from 1, log2 alpha, its own larger scales, and the neighbours' scales:
// weights in 1/1024 (the constant in 1/256 octave).
constexpr int kScaleTerms = 8;
enum ScaleTerm { kOne, kOwnAlpha, kOwnScale0, kOwnScale1, kNearScale0, kNearScale1, kNearScale2, kOwnSpacing };

constexpr int32_t kMostOctaves = 120;  // of a scale, from the reference
constexpr int kLogTableBits = 12;      // of the index of the table of log2

// The splats that predict each splat: rows before it (-1: none, and none after that) and their weights, which sum to 1.
struct Neighbours {
  const int32_t* row[kNeighbours];
  const float* weight[kNeighbours];
};

// The nearest 4 of the 64 splats before each of n splats in its run (FORMAT.md 5.2), and how far the nearest is (6.2).
// x, y, z point at the first splat and may be read 64 * runs values to the left (kFarAway there) and 16 to the right.
constexpr float kFarAway = 1e30f;
struct NeighbourSearch {
  int64_t n, runs;
  const float *x, *y, *z;
  float softness;
  int32_t cell, far;  // spacing of neighbours one cell apart, and without neighbours
  int32_t* row[kNeighbours];
  float* weight[kNeighbours];
  int32_t* spacing;
  uint8_t* distance;
};

// Steps by a rule (FORMAT.md 6.1): as half octaves above the base, or as sizes; nullptr where that is not wanted.
struct StepSum {
  int64_t n;
  int feature_count;  // the first so many; others are 0
  const int32_t* features[kFeatures];
  int32_t weight[kFeatures];
  int32_t most;
  float base;
  int32_t* half_octaves;
  float* sizes;
};

// A class of all rows (FORMAT.md 6.3).
struct ClassPlane {
  int64_t n, runs;
  Neighbours near;
  const int32_t* other;  // the class coded before, or nullptr
  int32_t* residuals;    // code less what was expected: given to the decoder, made for the encoder
  const int32_t* codes;  // encoder
  int32_t* feature;
};

// Scale j of rows `first` to n - 1 (FORMAT.md 6.4).
struct ScalePlane {
  int64_t first, n, runs;
  int j;
  Neighbours near;
  int32_t* features[kFeatures];  // scale j is filled in
  int32_t* means[3];             // of the neighbours' scales; mean j is filled in
  const int32_t* half_octaves;   // of the step
  int32_t log2_base;             // of the step, 1/65536 octave
  int32_t power, predict[kScaleTerms];
  const int32_t* log2;  // CodeTables
  const uint32_t* exp2;
  const uint8_t* distance;
  uint8_t* contexts;
  int32_t* residuals;    // code less what was expected: given to the decoder, made for the encoder
  const int32_t* codes;  // encoder
  int32_t* scale;        // 1/65536 octave
};

// Steps and contexts of rotations (FORMAT.md 6.5), from the steps of needles and of discs.
struct RotationSteps {
  int64_t n;
  const int32_t* features[kFeatures];
  const uint8_t* distance;
  const float *axis_of[2], *spin_of[2];
  float *axis, *spin;
  uint8_t *axis_contexts, *spin_contexts;
};

constexpr int32_t kMostRotationCode = 1 << 24;  // encoder: what is more steps than this gets this code

// Axes from codes u, v, w (FORMAT.md 6.5), or both from the axes that the source has.
struct RotationPlanes {
  int64_t first, n, runs, room;  // rows `first` to n - 1
  Neighbours near;
  const int32_t* features[kFeatures];
  const float *axis, *spin;     // steps
  int32_t *u, *v, *w;           // given to the decoder, made for the encoder
  const float* true_main[3];    // encoder: x, y, z of the main axis that the source has
  const float* true_second[3];  // encoder
  float* axes;                  // (9, room): x, y, z of the longest, the middle, the shortest
};

struct SteppedKernels {
  void (*find_neighbours)(const NeighbourSearch& search);
  void (*sum_steps)(const StepSum& sum);
  void (*decode_classes)(const ClassPlane& plane);
  void (*encode_classes)(const ClassPlane& plane);
  void (*scale_contexts)(const ScalePlane& plane);
  void (*decode_scales)(const ScalePlane& plane);
  void (*encode_scales)(const ScalePlane& plane);
  // Distance buckets in sizes of the nearest neighbour.
  void (*distances_in_sizes)(int64_t n, const Neighbours& near, const int32_t* const* features, uint8_t* distance);
  void (*rotation_steps)(const RotationSteps& steps);
  void (*decode_rotations)(const RotationPlanes& planes);
  void (*encode_rotations)(const RotationPlanes& planes);
  void (*quaternions)(const float* axes, int64_t room, int64_t n, float* out);  // out: (n, 4) wxyz
  bool (*all_finite)(const float* values, int64_t count);
};

}  // namespace splatzip
