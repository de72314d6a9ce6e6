// What machines have in common (device_machine.h, emulation/machine.h).
#pragma once
#include <cstddef>
#include <string>

namespace splatzip::cuda {

// needed: rounded up; there: rounded down, 0 where it is not known.
inline std::string lack_of_memory(size_t needed, size_t there) {
  constexpr size_t kMegabyte = 1000000;
  const std::string megabytes = std::to_string((needed + kMegabyte - 1) / kMegabyte) + " MB of video memory ";
  if (!there) return megabytes + "could not be allocated";
  return megabytes + "are needed, " + std::to_string(there / kMegabyte) + " MB are free";
}

}  // namespace splatzip::cuda
