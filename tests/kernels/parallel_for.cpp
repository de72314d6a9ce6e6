// What parallel_for promises, said by its exit code: the line of the first check that failed.
#include "parallel.h"

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <new>
#include <thread>

#define CHECK(what) \
  if (!(what)) return __LINE__

namespace {

int64_t pages() {
  int64_t all = 0;
  std::ifstream("/proc/self/statm") >> all;
  return all;
}

}  // namespace

int main() {
  std::atomic<int> running{0}, sum{0};
  bool arrived = false;
  try {
    splatzip::parallel_for(8, 4, [&](int64_t i) {
      ++running;
      if (i == 0) {
        --running;
        throw std::bad_alloc();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      --running;
    });
  } catch (const std::bad_alloc&) {
    arrived = true;
  }
  CHECK(arrived);
  CHECK(running == 0);  // nobody works any more on what the caller is about to take away

  splatzip::parallel_for(100, 4, [&](int64_t i) { sum += static_cast<int>(i); });
  CHECK(sum == 4950);

  const rlimit limit = {static_cast<rlim_t>(4096 * pages() + (20 << 20)), RLIM_INFINITY};  // two stacks more
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  sum = 0;
  splatzip::parallel_for(100, 50, [&](int64_t i) { sum += static_cast<int>(i); });
  CHECK(sum == 4950);
  return 0;
}
