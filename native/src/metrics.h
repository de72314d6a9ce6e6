// Similarity of two pictures. Pictures are (height, width, 3) float32, interleaved, clipped to 0..1 by the caller.
// Every sum is over fixed pieces in a fixed order: the same bits from any number of threads and any instruction set.
#pragma once
#include <cstdint>

namespace splatzip {

// Means over pixels, by colour: SSIM (Wang et al. 2004: 11 Gaussian taps, sigma 1.5, borders reflected without
// repeating the edge, C1 = 0.01^2, C2 = 0.03^2), and its contrast-structure factor alone, which MS-SSIM needs.
struct Similarity {
  double ssim[3], contrast[3];
};
Similarity structural_similarity(const float* a, const float* b, int64_t height, int64_t width, int threads);

double mean_squared_error(const float* a, const float* b, int64_t n, int threads);  // n > 0

}  // namespace splatzip
