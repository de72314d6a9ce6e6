// One small thread pool: std::thread, restarts after fork, serial where there are no threads.
#pragma once
#include <cstdint>
#include <functional>

namespace splatzip {

// Calls body(i) once for every i in [0, count), from at most `threads` threads (0: all cores). What a body
// writes must depend on i alone, so that the result is the same for any number of threads. Bodies run under
// ExactFloats. If one throws, the first exception arrives here, when no body runs any more.
void parallel_for(int64_t count, int threads, const std::function<void(int64_t)>& body);

// Those that this process may run on, and the time that it gets on them (cpu_quota.h): taskset, a batch system or a
// container may have kept some.
int core_count();

}  // namespace splatzip
