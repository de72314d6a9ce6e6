// What each splat contributes to pictures, estimated without rendering: opacity and area, less what more important
// splats of similar size nearby already cover; these are the weights of a random sample. Encoder only; the same bits
// from any number of threads.
#pragma once
#include <cstdint>

namespace splatzip {

// positions (n, 3), log_scales (n, 3), opacity_logits (n); importance (n).
void estimate_importance(const float* positions, const float* log_scales, const float* opacity_logits, int64_t n,
                         double* importance, int threads);

}  // namespace splatzip
