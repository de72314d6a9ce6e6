// Parameters of codec STEPPED: every number that a decoder needs beside the chunks (FORMAT.md 6.1).
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "bits.h"
#include "isa.h"

namespace splatzip {

// What is known of a splat when a step is chosen, in 1/256 octave: log2 alpha, the three log2 scales relative to the
// scene's reference (largest first), log2 of the distance to its neighbours relative to the same reference.
constexpr int kFeatures = 5;
enum Feature { kAlpha, kScale0, kScale1, kScale2, kSpacing };

constexpr int kMaxHalfOctaves = 40;
constexpr int kMostWeight = 4096;  // of a feature: weighted sums stay within 32 bits

// A step: base * 2^(e/2), e = the features times their weights (1/64), rounded, at most `most`.
struct StepRule {
  float base = 1;
  int16_t most = kMaxHalfOctaves;  // bounds the error of splats that hardly show
  std::array<int16_t, kFeatures> weight{};
};

// Prediction of log2 scale j in 1/256 octave from 1, log2 alpha, its own larger scales, and the neighbours' scales:
// weights in 1/1024 (the constant in 1/256 octave).
constexpr int kScaleTerms = 8;
enum ScaleTerm { kOne, kOwnAlpha, kOwnScale0, kOwnScale1, kNearScale0, kNearScale1, kNearScale2, kOwnSpacing };

struct ScaleRule {
  uint16_t power = 256;  // y = (s / reference)^(power / 256) is what has uniform steps
  StepRule step;         // of y
  std::array<int16_t, kScaleTerms> predict{};
};

// How far the nearest neighbour is, in its own sizes: floor(log2), -4..3, plus 4.
constexpr int kDistances = 8;
constexpr int kColorGroups = 5;

// What the size of a colour or SH code is expected from: 1, what the distance says in steps and alone, the same
// component's earlier channels, the same channel's component before, all planes before (mean), the colour's codes.
enum SizeTerm { kSizeOne, kSizeSpread, kSizeDistance, kSizeChannels, kSizeBefore, kSizeMean, kSizeColor };

struct SteppedParams {
  int sh_degree = 0;
  int32_t scale_reference = 0;  // log2 of the scene's median scale, 1/65536 octave
  uint16_t opacity_levels = 32;
  uint16_t opacity_power = 256;  // alpha^(power / 256) has uniform steps
  float neighbour_softness = 1;  // added to squared distances, in cells^2
  std::array<ScaleRule, 3> scales;
  std::array<StepRule, 2> axis, spin;  // of needles, of discs
  StepRule position, color, sh;
  std::array<int16_t, 9> color_basis{};  // coded space -> RGB, 1/16384
  std::array<int16_t, 9> sh_color_basis{};
  std::vector<int16_t> sh_basis;  // (B, B) components x coefficients, 1/16384
  // Share of the neighbours' mean that predicts a value, 1/256: by distance bucket, colour channel, and group
  // (0 the colour itself, 1.. the SH streams).
  std::array<std::array<std::array<uint8_t, 3>, kDistances>, kColorGroups> predict{};
  // Expected size of a code from what is known of its splat, 1/256: by plane (3 of the colour, then 3 B of SH).
  std::vector<std::array<int16_t, kSizeTerms>> expect;

  int rest() const { return (sh_degree + 1) * (sh_degree + 1) - 1; }
};

void write_params(ByteWriter& out, const SteppedParams& params);
bool read_params(ByteReader& in, SteppedParams* params);

// Tables that follow from the parameters or from nothing; the same everywhere (exact_exp, exact_log).
struct SteppedTables {
  explicit SteppedTables(const SteppedParams& params);
  // By opacity code 0 (invisible), 1..levels, levels + 1 (opaque).
  std::vector<float> logit;
  std::vector<int32_t> log2_alpha;                         // 1/256 octave, >= -16 octaves
  std::array<float, 2 * kMaxHalfOctaves + 1> half_octave;  // 2^(e / 2)
};

// Integer tables for the two functions below, from exact_log and exact_exp.
constexpr int kLogTableBits = 12;
struct CodeTables {
  std::array<int32_t, 1 << kLogTableBits> log2;  // of q, 1/65536 octave
  std::array<uint32_t, 256> exp2;                // 2^(i / 256) in 1/2^24
  CodeTables();
};
extern const CodeTables kCodeTables;

// log2 q in 1/65536 octave; q = 0 counts as 0.3.
inline int32_t log2_of_code(uint32_t q) {
  const int shift = bit_length(q >> kLogTableBits);
  return kCodeTables.log2[q >> shift] + (shift << 16);
}

// 2^(x / 256), x < 31 * 256, rounded down; 0 for x < -256.
inline uint32_t exp2_of_256th(int32_t x) {
  if (x < -256) return 0;
  if (x >= 31 * 256) x = 31 * 256 - 1;
  const uint64_t mantissa = kCodeTables.exp2[static_cast<size_t>(x & 255)];
  const int e = x >> 8;
  return static_cast<uint32_t>(e >= 0 ? (mantissa << e) >> 24 : mantissa >> (24 - e));
}

inline int half_octaves(const StepRule& rule, const int32_t* features) {
  int64_t sum = 4096;
  for (int f = 0; f < kFeatures; ++f) sum += static_cast<int64_t>(rule.weight[f]) * features[f];
  sum >>= 13;
  return static_cast<int>(sum < -kMaxHalfOctaves ? -kMaxHalfOctaves : sum > rule.most ? rule.most : sum);
}

}  // namespace splatzip
