#include "cpu_quota.h"

#if defined(__linux__)

#include <algorithm>
#include <cstdint>
#include <fstream>

namespace splatzip {
namespace {

constexpr int64_t kMostCores = 1 << 16;  // more is no limit

int cores_of(int64_t quota_us, int64_t period_us) {
  if (quota_us <= 0 || period_us <= 0) return 0;
  const int64_t cores = quota_us / period_us + (quota_us % period_us != 0);
  return cores < kMostCores ? static_cast<int>(cores) : 0;
}

int limit_2(const std::string& group) {
  std::ifstream file(group + "/cpu.max");  // "200000 100000" or "max 100000"
  int64_t quota = 0, period = 0;
  return file >> quota >> period ? cores_of(quota, period) : 0;
}

int limit_1(const std::string& group) {
  std::ifstream quota_file(group + "/cpu.cfs_quota_us"), period_file(group + "/cpu.cfs_period_us");
  int64_t quota = 0, period = 0;  // a quota of -1 is none
  return quota_file >> quota && period_file >> period ? cores_of(quota, period) : 0;
}

int smallest(int a, int b) { return a && b ? std::min(a, b) : a + b; }

// Of a group and those around it. In a container that cannot see these, its own is what is mounted: the path that the
// kernel tells leads nowhere, and the last step, the mount itself, is the right one.
template <class Limit>
int limit_along(const std::string& mount, std::string path, Limit limit) {
  int cores = 0;
  for (;;) {
    cores = smallest(cores, limit(mount + path));
    if (path.empty()) return cores;
    path.resize(std::min(path.rfind('/'), path.size()));
  }
}

bool lists_cpu(const std::string& controllers) { return ("," + controllers + ",").find(",cpu,") != std::string::npos; }

}  // namespace

int cpu_quota(const std::string& root) {
  const std::string mounts = root + "/sys/fs/cgroup";
  std::ifstream groups(root + "/proc/self/cgroup");
  int cores = 0;
  for (std::string line; std::getline(groups, line);) {  // "4:cpu,cpuacct:/a/b"; of version 2 "0::/a/b"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (path.empty() || path[0] != '/') continue;
    if (controllers.empty()) {
      for (const char* name : {"", "/unified"}) cores = smallest(cores, limit_along(mounts + name, path, limit_2));
    } else if (lists_cpu(controllers)) {
      for (const std::string& name : {controllers, std::string("cpu")}) {
        cores = smallest(cores, limit_along(mounts + "/" + name, path, limit_1));
      }
    }
  }
  return cores;
}

}  // namespace splatzip

#else

namespace splatzip {
int cpu_quota(const std::string&) { return 0; }
}  // namespace splatzip

#endif
