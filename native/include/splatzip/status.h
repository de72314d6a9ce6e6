// Status codes of the core; splatzip/errors.py and viewer/web/src/decoder/module.ts mirror the numbers.
#pragma once
#include <cstdint>

namespace splatzip {

enum class Status : int32_t {
  ok = 0,
  internal = -1,
  scene = -2,
  views = -3,
  backend = -4,
  format = -5,
  not_splatzip = -6,
  unsupported_version = -7,
  unsupported_feature = -8,
  truncated = -9,
  corrupt = -10,
};

}  // namespace splatzip
