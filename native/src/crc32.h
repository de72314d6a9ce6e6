// CRC-32 as zip, PNG and zlib have it, for browsers: Python has its own.
#pragma once
#include <cstddef>
#include <cstdint>

namespace splatzip {

uint32_t crc32(const uint8_t* data, size_t size);

}  // namespace splatzip
