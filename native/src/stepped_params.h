// Parameters of codec STEPPED: every number that a decoder needs beside the chunks (FORMAT.md 6.1).
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "bits.h"
#include "codebooks.h"
#include "isa.h"

namespace splatzip {

constexpr int kMostWeight = 4096;  // of a feature: weighted sums stay within 32 bits

// A step: base * 2^(e/2), e = the features times their weights (1/64), rounded, at most `most`.
struct StepRule {
  float base = 1;
  int16_t most = kMaxHalfOctaves;  // bounds the error of splats that hardly show
  std::array<int16_t, kFeatures> weight{};
};

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
  bool classes = false;         // the features of classes exist
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

  std::array<bool, kBookedAttributes> by_books{};  // which attributes' codes come from codebooks, and those
  std::array<Codebooks, kBookedAttributes> books;  // (in chunks of their own)

  int features() const { return classes ? kFeatures : kFeaturesWithoutClasses; }
  // A CODEBOOKS chunk. False: not a legal one, or none is to be there.
  bool read_books(int attribute, const uint8_t* data, size_t size) {
    const size_t a = static_cast<size_t>(attribute);
    return by_books[a] && read_codebooks(data, size, booked_width(attribute), attribute == kShBooks, &books[a]);
  }
  int booked_width(int attribute) const { return attribute == kShBooks ? 3 * rest() : 3; }
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

// Integer tables of the two functions of FORMAT.md 6.4, from exact_log and exact_exp.
struct CodeTables {
  std::array<int32_t, 1 << kLogTableBits> log2;  // of q, 1/65536 octave
  std::array<uint32_t, 256> exp2;                // 2^(i / 256) in 1/2^24
  CodeTables();
};
extern const CodeTables kCodeTables;

inline int half_octaves(const StepRule& rule, const int32_t* features) {
  int64_t sum = 4096;
  for (int f = 0; f < kFeatures; ++f) sum += static_cast<int64_t>(rule.weight[f]) * features[f];
  sum >>= 13;
  return static_cast<int>(sum < -kMaxHalfOctaves ? -kMaxHalfOctaves : sum > rule.most ? rule.most : sum);
}

}  // namespace splatzip
