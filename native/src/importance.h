// What each splat adds to pictures, as far as that can be said without drawing any: opacity and area, less what more
// important splats of its size nearby cover already; then lots are drawn, in which that counts. Encoder only; the same
// bits from any number of threads.
#pragma once
#include <cstdint>

namespace splatzip {

// positions (n, 3), log_scales (n, 3), opacity_logits (n); importance (n).
void estimate_importance(const float* positions, const float* log_scales, const float* opacity_logits, int64_t n,
                         double* importance, int threads);

}  // namespace splatzip
