// Pictures in bytes: a quarter of what would go to the host as floats. A lane four values.
#pragma once
#include "raster_math.h"

namespace splatzip::cuda {

struct PictureBytes {
  struct Shared {};
  static constexpr int kTogether = 4;
  const float* color;
  int64_t values;
  uint8_t* bytes;

  template <class Warp>
  SPLZ_WARP void run(const Warp& warp, int64_t part, Shared*) const {
    warp.own([&](int lane) {
      for (int64_t at = (part * kLanes + lane) * kTogether, end = at + kTogether; at < end && at < values; ++at) {
        const float value = color[at] < 0.0f ? 0.0f : color[at] > 1.0f ? 1.0f : color[at];
        bytes[at] = static_cast<uint8_t>(value * 255.0f + 0.5f);
      }
    });
  }
};

}  // namespace splatzip::cuda
