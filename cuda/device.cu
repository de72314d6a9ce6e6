#include "device.h"

#include <cuda_runtime.h>

namespace splatzip::cuda {
namespace {

std::string version_name(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string why_none(cudaError_t error) {
  const int driver = driver_version(), runtime = runtime_version();
  if (driver == 0) return "there is no NVIDIA driver";
  if (error == cudaErrorInsufficientDriver)
    return "the NVIDIA driver is for CUDA " + version_name(driver) + ", this build needs " + version_name(runtime);
  return error == cudaSuccess || error == cudaErrorNoDevice ? "there is no GPU" : cudaGetErrorString(error);
}

}  // namespace

std::vector<Device> find_devices(std::string* why) {
  std::vector<Device> devices;
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  for (int d = 0; d < count && error == cudaSuccess; ++d) {
    cudaDeviceProp properties;
    Device device;
    error = cudaGetDeviceProperties(&properties, d);
    if (error != cudaSuccess) break;
    device.name = properties.name;
    device.major = properties.major;
    device.minor = properties.minor;
    device.multiprocessors = properties.multiProcessorCount;
    device.total_bytes = properties.totalGlobalMem;
    devices.push_back(device);
  }
  if (devices.empty()) *why = why_none(error);
  cudaGetLastError();  // clears the error, which a later call would report
  return devices;
}

size_t free_bytes() {
  size_t left = 0, total = 0;
  if (cudaMemGetInfo(&left, &total) != cudaSuccess) cudaGetLastError();
  return left;
}

int driver_version() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess) cudaGetLastError();
  return version;
}

int runtime_version() {
  int version = 0;
  if (cudaRuntimeGetVersion(&version) != cudaSuccess) cudaGetLastError();
  return version;
}

}  // namespace splatzip::cuda
