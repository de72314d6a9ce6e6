// Run-time choice of an instruction set. Each table is filled by one translation unit (isa_*.cpp), all from the
// same source (isa_kernels.inl); every instruction set gives the same bits.
#pragma once
#include <cstdint>

namespace splatzip {

// Decodes n symbols of one plane. `states` holds `lanes` states; `context_base[c]` is where the table of context
// c starts in `tables` (in entries). Returns the first word not taken, or nullptr if the words ran out.
using RansDecodePlane = const uint16_t* (*)(uint32_t* states, int lanes, const uint32_t* tables,
                                            const uint32_t* context_base, const uint8_t* contexts, uint8_t* symbols,
                                            int64_t n, const uint16_t* words, const uint16_t* words_end);

// Rows of values predicted from neighbours' rows (FORMAT.md 5.3): value = share * (weighted mean) + code * step.
struct PredictedRows {
  int64_t n;
  int width;                // values a row
  int stride;               // floats from row to row, a multiple of 16 and >= width
  const uint32_t* keys;     // (4, n) of FindNeighbours
  const float* weights;     // (n, 4)
  const float* shares;      // (8, stride) by distance bucket
  const uint8_t* distance;  // (n)
  const float* steps;       // (n)
  int32_t* const* codes;    // `width` planes of n
  float* values;            // (n, stride), behind one row of zeros at values - stride
  // Encoder only: what the values should be, and room for the errors that were made (behind a row of zeros, too).
  const float* targets;
  float* errors;
  float diffusion;  // share of the neighbours' errors that is taken off the target
};
using RebuildRows = void (*)(const PredictedRows& rows);

// out (n, coefficients, 3) = color * (basis^T * values); values: (n, stride), component-major, colour-minor.
struct ShTransform {
  int64_t n;
  int stride;
  int coefficients;  // components, too
  const float* values;
  const float* basis;  // (components, kShRowFloats)
  const float* color;  // (3, 3): coded space -> RGB, row-major
  float* out;          // row stride `out_stride` floats
  int64_t out_stride;
};
constexpr int kShRowFloats = 32;
using ShInverse = void (*)(const ShTransform& transform);

// The nearest 4 of the 64 splats before each of n splats (FORMAT.md 5.2). x, y, z point at the first splat and may
// be read 64 values to the left (kFarAway there) and 16 to the right of the end. keys: (4, n) plane-major,
// ascending: squared distance as float bits with the low 6 bits replaced by how far back, less one.
constexpr int kNeighbours = 4;
constexpr int kNeighbourWindow = 64;
constexpr float kFarAway = 1e30f;
constexpr uint32_t kNoNeighbour = 0x7F800000u;  // keys from here on are none
using FindNeighbours = void (*)(const float* x, const float* y, const float* z, int64_t n, uint32_t* keys);

struct Kernels {
  const char* name;
  RansDecodePlane rans_decode_plane;
  RebuildRows decode_rows, encode_rows;
  ShInverse sh_inverse;
  FindNeighbours find_neighbours;
};

const Kernels& kernels();                     // the best that this machine has, or what SPLATZIP_ISA forces
const char* select_kernels(const char* isa);  // nullptr on success, else why not ("avx512" on a machine without)

extern const Kernels kScalarKernels, kSse4Kernels, kAvx2Kernels, kAvx512Kernels;

}  // namespace splatzip
