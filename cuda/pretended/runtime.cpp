// The pretended GPU: its memory, its queue, its threads. See cuda_runtime.h.
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "cuda_runtime.h"
#include "float_mode.h"

namespace pretended {
namespace {

constexpr uint8_t kSpoiled = 0xA5;

[[noreturn]] void end(const char* what, const char* why) {
  std::fprintf(stderr, "pretended GPU: %s %s\n", what, why);
  std::abort();
}

// Addresses are never given out twice, so that memory that was freed stays closed.
class Memory {
 public:
  static constexpr size_t kRoom = size_t{1} << 40, kPage = 4096;
  static constexpr size_t kAlignment = 16;  // CUDA's is 256; what is read at once has 16 bytes at most

  Memory() {
    void* room = mmap(nullptr, kRoom, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) end("mmap", "gives no room for its memory");
    first_ = next_ = static_cast<uint8_t*>(room);
    const char* wanted = std::getenv("SPLATZIP_PRETENDED_MB");
    total_ = (wanted ? std::strtoull(wanted, nullptr, 10) : 8192) << 20;
  }

  // Ends at a closed page, as near as its alignment allows.
  void* take(size_t bytes) {
    if (bytes > total_ - used_) return nullptr;
    const size_t pages = (bytes + kPage - 1) / kPage * kPage;
    uint8_t* block = next_ + (pages - bytes) / kAlignment * kAlignment;
    if (next_ + pages + kPage > first_ + kRoom) end("memory", "has run out of addresses");
    taken_[block] = {next_, pages, bytes};
    next_ += pages + kPage;
    used_ += bytes;
    if (is_open_) protect(taken_[block], PROT_READ | PROT_WRITE);
    return block;
  }
  void give(void* at) {
    const auto found = taken_.find(static_cast<uint8_t*>(at));
    if (found == taken_.end()) end("memory", "is freed that was not taken");
    const Block& block = found->second;
    used_ -= block.bytes;
    mmap(block.begin, block.pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    taken_.erase(found);
  }
  void open(bool open) {
    for (const auto& [at, block] : taken_) protect(block, open ? PROT_READ | PROT_WRITE : PROT_NONE);
    is_open_ = open;
  }
  bool has(const void* at) const { return at >= first_ && at < first_ + kRoom; }
  bool has(const void* at, size_t bytes) const {
    const uint8_t* begin = static_cast<const uint8_t*>(at);
    auto after = taken_.upper_bound(const_cast<uint8_t*>(begin));
    if (after == taken_.begin()) return false;
    const auto& [start, block] = *--after;
    return begin + bytes <= start + block.bytes;
  }
  size_t left() const { return total_ - used_; }
  size_t used() const { return used_; }
  size_t total() const { return total_; }

 private:
  struct Block {
    uint8_t* begin;
    size_t pages, bytes;
  };
  static void protect(const Block& block, int how) {
    if (mprotect(block.begin, block.pages, how)) end("mprotect", std::strerror(errno));
  }
  uint8_t *first_, *next_;
  size_t total_, used_ = 0;
  bool is_open_ = false;
  std::map<uint8_t*, Block> taken_;
};

// The threads of one warp: each runs up to the next exchange, then the next one does.
class Warp {
 public:
  void run(const std::function<void()>& body, unsigned first_thread) {
    body_ = &body, first_thread_ = first_thread, running_ = kLanes;
    for (uint32_t& count : meetings_) count = 0;
    if (!stacks_) start();
    if (!_setjmp(main_)) go_on(0);
  }
  const uint64_t* exchange(uint64_t value) {
    const int lane = lane_;
    uint64_t* values = values_[meetings_[lane]++ % 2];
    values[lane] = value;
    if (running_ < kLanes) part_ways();
    if (!_setjmp(contexts_[lane])) go_on((lane + 1) % kLanes);
    for (uint32_t count : meetings_)
      if (count < meetings_[lane]) part_ways();
    return values;
  }

 private:
  static constexpr int kLanes = 32;
  static constexpr size_t kStackBytes = size_t{1} << 18;

  [[noreturn]] static void part_ways() { end("threads of a warp", "wait for each other in different places"); }
  [[noreturn]] void go_on(int lane) {
    lane_ = lane;
    threadIdx.x = first_thread_ + static_cast<unsigned>(lane);
    _longjmp(contexts_[lane], 1);
  }
  void start() {
    stacks_.reset(new char[kLanes * kStackBytes]);
    for (int lane = 0; lane < kLanes; ++lane) {
      ucontext_t fiber, here;
      getcontext(&fiber);
      fiber.uc_stack.ss_sp = stacks_.get() + static_cast<size_t>(lane) * kStackBytes;
      fiber.uc_stack.ss_size = kStackBytes;
      fiber.uc_link = nullptr;
      const uint64_t self = reinterpret_cast<uint64_t>(this), back = reinterpret_cast<uint64_t>(&here);
      makecontext(&fiber, reinterpret_cast<void (*)()>(&Warp::begin), 5, static_cast<uint32_t>(self),
                  static_cast<uint32_t>(self >> 32), static_cast<uint32_t>(back), static_cast<uint32_t>(back >> 32),
                  lane);
      swapcontext(&here, &fiber);
    }
  }
  static void begin(uint32_t low, uint32_t high, uint32_t back_low, uint32_t back_high, int lane) {
    Warp* warp = reinterpret_cast<Warp*>(static_cast<uint64_t>(high) << 32 | low);
    ucontext_t* back = reinterpret_cast<ucontext_t*>(static_cast<uint64_t>(back_high) << 32 | back_low);
    if (!_setjmp(warp->contexts_[lane])) setcontext(back);
    warp->work(lane);
  }
  [[noreturn]] void work(int lane) {
    for (;;) {
      (*body_)();
      for (uint32_t count : meetings_)
        if (count != meetings_[lane]) part_ways();
      if (!_setjmp(contexts_[lane])) {
        if (--running_) go_on((lane + 1) % kLanes);
        _longjmp(main_, 1);
      }
    }
  }

  std::unique_ptr<char[]> stacks_;
  jmp_buf main_, contexts_[kLanes];
  const std::function<void()>* body_ = nullptr;
  unsigned first_thread_ = 0;
  int lane_ = 0, running_ = 0;
  uint32_t meetings_[kLanes];
  uint64_t values_[2][kLanes];
};

struct Gpu {
  std::recursive_mutex mutex;
  Memory memory;
  std::deque<std::function<void()>> queue;
  std::set<const void*> pinned;
  Warp warp;
};
Gpu& gpu() {
  static Gpu* const only = new Gpu;  // arrays may outlive everything
  return *only;
}
using Lock = std::lock_guard<std::recursive_mutex>;

void finish() {
  const splatzip::ExactFloats exact;
  gpu().memory.open(true);
  while (!gpu().queue.empty()) {
    const std::function<void()> work = std::move(gpu().queue.front());
    gpu().queue.pop_front();
    work();
  }
  gpu().memory.open(false);
}

bool is_mapped(uint64_t address) {
  void* page = reinterpret_cast<void*>(address / Memory::kPage * Memory::kPage);
  return msync(page, Memory::kPage, MS_ASYNC) == 0;
}

thread_local cudaError_t last_error = cudaSuccess;
cudaError_t note(cudaError_t error) { return error == cudaSuccess ? error : last_error = error; }

}  // namespace

void enqueue(std::function<void()> work) {
  const Lock lock(gpu().mutex);
  gpu().queue.push_back(std::move(work));
}
void require_there(const void* at, size_t bytes, const char* what) {
  if (bytes && !gpu().memory.has(at, bytes)) end(what, "is not in the device's memory");
}
void spoil(void* at, size_t bytes) { std::memset(at, kSpoiled, bytes); }
void refuse_host_pointers(const void* values, size_t bytes, const char* what) {
  constexpr uint64_t kLeast = 0x550000000000, kMost = 0x7FFFFFFFFFFF;  // where Linux puts programs, heaps and stacks
  for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, static_cast<const char*>(values) + at, sizeof word);
    if (word < kLeast || word > kMost || gpu().memory.has(reinterpret_cast<void*>(word))) continue;
    if (is_mapped(word)) end(what, "holds an address of the host");
  }
}
void run_block(unsigned block, unsigned threads, const std::function<void()>& body) {
  blockIdx.x = block;
  for (unsigned first = 0; first < threads; first += 32) gpu().warp.run(body, first);
}
const uint64_t* exchange(uint64_t value) { return gpu().warp.exchange(value); }

}  // namespace pretended

using pretended::gpu, pretended::note;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInsufficientDriver: return "the driver is older than the runtime";
    default: return "there is no device";
  }
}
cudaError_t cudaGetLastError() { return std::exchange(pretended::last_error, cudaSuccess); }
cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"a pretended GPU", 9, 0, 1, gpu().memory.total()};
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) { return *value = 0, cudaSuccess; }
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) { return *pool = nullptr, cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr, void* value) {
  const pretended::Lock lock(gpu().mutex);
  *static_cast<uint64_t*>(value) = gpu().memory.used();  // reserved and used are the same
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* left, size_t* total) {
  const pretended::Lock lock(gpu().mutex);
  *left = gpu().memory.left(), *total = gpu().memory.total();
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 13000, cudaSuccess; }

cudaError_t cudaMallocHost(void** block, size_t bytes) {
  const pretended::Lock lock(gpu().mutex);
  gpu().pinned.insert(*block = std::malloc(bytes));
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* block) {
  const pretended::Lock lock(gpu().mutex);
  if (!gpu().pinned.erase(block)) return note(cudaErrorInvalidValue);
  std::free(block);
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** block, size_t bytes, cudaStream_t) {
  const pretended::Lock lock(gpu().mutex);
  *block = gpu().memory.take(bytes);
  if (!*block) return note(cudaErrorMemoryAllocation);
  pretended::enqueue([=, at = *block] { pretended::spoil(at, bytes); });
  return cudaSuccess;
}
cudaError_t cudaFreeAsync(void* block, cudaStream_t) {
  pretended::enqueue([=] { gpu().memory.give(block); });
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
  const pretended::Lock lock(gpu().mutex);
  const bool up = kind == cudaMemcpyHostToDevice;
  if (gpu().memory.has(up ? from : to)) pretended::end("a copy", "takes the device's memory for the host's");
  std::shared_ptr<uint8_t[]> aside;  // memory that is not pinned may be gone when the copy is made
  if (up && bytes) {
    pretended::refuse_host_pointers(from, bytes, "what is uploaded");
    aside.reset(new uint8_t[bytes]);
    std::memcpy(aside.get(), from, bytes);
    if (gpu().pinned.count(from)) aside.reset();
  }
  pretended::enqueue([=] {
    pretended::require_there(up ? to : from, bytes, "a copy");
    if (bytes) std::memcpy(to, aside ? aside.get() : from, bytes);
  });
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* block, int value, size_t bytes, cudaStream_t) {
  pretended::enqueue([=] {
    pretended::require_there(block, bytes, "what is cleared");
    std::memset(block, value, bytes);
  });
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
  const pretended::Lock lock(gpu().mutex);
  pretended::finish();
  return cudaSuccess;
}
