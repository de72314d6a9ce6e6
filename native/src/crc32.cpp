#include "crc32.h"

#include <cstring>

namespace splatzip {
namespace {

constexpr int kAtOnce = 16;  // bytes

// of[k][b]: what byte b becomes with k more behind it. Made at run time: it would be a tenth of the module.
struct CrcTables {
  uint32_t of[kAtOnce][256];
  CrcTables() {
    for (uint32_t b = 0; b < 256; ++b) {
      uint32_t c = b;
      for (int bit = 0; bit < 8; ++bit) c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
      of[0][b] = c;
    }
    for (int k = 1; k < kAtOnce; ++k)
      for (int b = 0; b < 256; ++b) of[k][b] = of[k - 1][b] >> 8 ^ of[0][of[k - 1][b] & 255];
  }
};

const CrcTables kTables;

}  // namespace

uint32_t crc32(const uint8_t* data, size_t size) {
  uint32_t crc = 0xFFFFFFFFu;
  for (; size >= kAtOnce; data += kAtOnce, size -= kAtOnce) {
    uint32_t words[kAtOnce / 4], next = 0;
    std::memcpy(words, data, sizeof words);
    words[0] ^= crc;
#pragma GCC unroll 16
    for (int k = 0; k < kAtOnce; ++k) next ^= kTables.of[kAtOnce - 1 - k][words[k / 4] >> 8 * (k % 4) & 255];
    crc = next;
  }
  for (; size > 0; --size) crc = crc >> 8 ^ kTables.of[0][(crc ^ *data++) & 255];
  return ~crc;
}

}  // namespace splatzip
