// The GPUs of this machine, and CUDA's errors as values: nothing here throws, nothing needs a driver to be linked.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace splatzip::cuda {

struct Device {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  size_t total_bytes = 0;
};

// The GPUs that can be used. None: *why says in words why not.
std::vector<Device> find_devices(std::string* why);

// Of the GPU that is used, the first one: memory that could be taken now. Makes its context.
size_t free_bytes();

// Versions as CUDA counts them (13000 for 13.0): of the driver, 0 without one, and of the runtime that is linked in.
int driver_version();
int runtime_version();

}  // namespace splatzip::cuda
