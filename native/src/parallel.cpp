#include "parallel.h"

#include "float_mode.h"

#include <algorithm>
#include <atomic>

#if defined(__wasm__)

namespace splatzip {
int core_count() { return 1; }
void parallel_for(int64_t count, int, const std::function<void(int64_t)>& body) {
  ExactFloats exact;
  for (int64_t i = 0; i < count; ++i) body(i);
}
}  // namespace splatzip

#else

#include "cpu_quota.h"

#if !defined(_WIN32)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace splatzip {
namespace {

struct Job {
  int64_t count = 0;
  const std::function<void(int64_t)>* body = nullptr;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};
  int helpers_wanted = 0;
  std::atomic<bool> failed{false};
  std::exception_ptr error;  // of the first body that failed

  void work() {
    ExactFloats exact;
    for (int64_t i; (i = next.fetch_add(1)) < count;) {
      try {
        if (!failed.load()) (*body)(i);
      } catch (...) {  // above all bad_alloc: no thread may leave while others still write to the caller's memory
        if (!failed.exchange(true)) error = std::current_exception();
      }
      done.fetch_add(1);
    }
  }
};

class Pool {
 public:
  void run(int64_t count, int threads, const std::function<void(int64_t)>& body) {
    auto job = std::make_shared<Job>();
    job->count = count;
    job->body = &body;
    job->helpers_wanted = threads - 1;
    {
      std::lock_guard lock(mutex_);
      hire(threads - 1);
      jobs_.push_back(job);
    }
    for (int i = 1; i < threads; ++i) wake_.notify_one();  // no more than wanted: the others would wake in vain
    job->work();
    std::unique_lock lock(mutex_);
    jobs_.erase(std::remove(jobs_.begin(), jobs_.end(), job), jobs_.end());
    finished_.wait(lock, [&] { return job->done.load() == count; });
    lock.unlock();
    if (job->error) std::rethrow_exception(job->error);
  }

 private:
  void hire(int helpers) {
    try {
      while (static_cast<int>(workers_.size()) < helpers) workers_.emplace_back([this] { serve(); });
    } catch (const std::exception&) {  // no memory, or no leave, for one more: the work gets done without it
    }
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      std::shared_ptr<Job> job;
      wake_.wait(lock, [&] {
        for (auto& j : jobs_) {
          if (j->helpers_wanted > 0 && j->next.load() < j->count) {
            job = j;
            return true;
          }
        }
        return false;
      });
      --job->helpers_wanted;
      lock.unlock();
      job->work();
      lock.lock();
      finished_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  std::vector<std::shared_ptr<Job> > jobs_;
  std::vector<std::thread> workers_;
};

// Never destroyed: its threads live as long as the process. A forked child has no threads, so it gets a new pool.
Pool* g_pool = nullptr;
std::mutex g_mutex;

Pool& pool() {
#if !defined(_WIN32)  // which does not fork
  static std::once_flag once;
  std::call_once(once, [] {
    pthread_atfork([] { g_mutex.lock(); }, [] { g_mutex.unlock(); },
                   [] {
                     g_pool = nullptr;
                     g_mutex.unlock();
                   });
  });
#endif
  std::lock_guard lock(g_mutex);
  if (!g_pool) g_pool = new Pool;
  return *g_pool;
}

}  // namespace

int core_count() {
  static const int quota = cpu_quota();  // files: read once
  int cores = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t ours;  // hardware_concurrency counts those of the machine
  if (sched_getaffinity(0, sizeof(ours), &ours) == 0) cores = CPU_COUNT(&ours);
#endif
  if (quota > 0) cores = std::min(cores, quota);
  return std::max(1, cores);
}

void parallel_for(int64_t count, int threads, const std::function<void(int64_t)>& body) {
  if (threads <= 0) threads = core_count();
  threads = static_cast<int>(std::min<int64_t>({threads, count, 256}));
  if (threads <= 1) {
    ExactFloats exact;
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  pool().run(count, threads, body);
}

}  // namespace splatzip

#endif
