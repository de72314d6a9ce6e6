// What control groups (cgroups) leave a process of a Linux machine's cores: `docker run --cpus 2` sets it, as do
// Kubernetes and batch systems, and no affinity shows it.
#pragma once
#include <string>

namespace splatzip {

// Cores' worth of time that this process gets, rounded up; 0: as much as there is. Of several limits, its group's own
// and those of the groups around it, the smallest; versions 1 and 2. What cannot be read limits nothing.
//   root: where /proc and /sys are.
int cpu_quota(const std::string& root = "");

}  // namespace splatzip
