// Warps whose lanes run as a GPU may run them: each by itself up to the next collective function, where the others wait
// for it. For ThreadSanitizer, to which a lane is a thread (a fiber): only the barrier behind `each` and the end of a
// launch order memory, exchanges of values do not. So it reports what a GPU leaves open: lanes that read outside of
// `each` what a later one writes, warps of a launch that meet in memory, in global memory as well as in shared. Lanes
// that wait for each other in different places end the program.
//
//   warp 0 -> team 0: lane 0 .. collective | lane 1 .. collective | ... | lane 0 goes on ...
//   warp 1 -> team 1, so that neither is before the other; warp 2 -> team 0
#pragma once
#include <sanitizer/tsan_interface.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "../warp.h"
#include "float_mode.h"

// ThreadSanitizer does not look into the code that switches between lanes.
#define SPLZ_UNSEEN __attribute__((no_sanitize("thread"), noinline))

namespace splatzip::cuda {

// 32 fibers, and what they tell each other.
class Team {
 public:
  class Work {
   public:
    virtual ~Work() = default;
    virtual void run(Team* team, int lane) const = 0;
  };

  Team() : stacks_(kLanes * kStackBytes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      fibers_[lane] = __tsan_create_fiber(0);
      getcontext(&contexts_[lane]);
      contexts_[lane].uc_stack.ss_sp = stacks_.data() + static_cast<size_t>(lane) * kStackBytes;
      contexts_[lane].uc_stack.ss_size = kStackBytes;
      contexts_[lane].uc_link = nullptr;
      const uint64_t self = reinterpret_cast<uint64_t>(this);
      makecontext(&contexts_[lane], reinterpret_cast<void (*)()>(&Team::begin), 3, static_cast<uint32_t>(self),
                  static_cast<uint32_t>(self >> 32), lane);
    }
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    for (void* fiber : fibers_) __tsan_destroy_fiber(fiber);
  }

  // A warp's work, to its end; the launcher's memory is there.
  SPLZ_UNSEEN void work(const Work& work, bool falling) {
    work_ = &work, falling_ = falling, running_ = kLanes;
    for (int lane = 0; lane < kLanes; ++lane) meetings_[lane] = 0, is_done_[lane] = false;
    main_ = __tsan_get_current_fiber();
    __tsan_release(&start_);
    const int first = falling ? kLanes - 1 : 0;
    __tsan_switch_to_fiber(fibers_[first], __tsan_switch_to_fiber_no_sync);
    swapcontext(&main_context_, &contexts_[first]);
  }
  // All that was done is seen by the launcher.
  void finish() { __tsan_acquire(&end_); }

  // What all lanes write before is seen by all behind.
  SPLZ_UNSEEN void synchronise(int lane) {
    char* order = &barriers_[meetings_[lane] % 2];
    __tsan_release(order);
    meet(lane);
    __tsan_acquire(order);
  }
  // Values, but no order of memory. They are there until the meeting after the next.
  SPLZ_UNSEEN const uint64_t* exchange(int lane, uint64_t value) {
    uint64_t* values = exchanged_[meetings_[lane] % 2];
    store(values + lane, value);
    meet(lane);
    return values;
  }
  SPLZ_UNSEEN static uint64_t load(const uint64_t* from) { return *from; }

 private:
  static constexpr size_t kStackBytes = size_t{1} << 18;

  SPLZ_UNSEEN static void store(uint64_t* to, uint64_t value) { *to = value; }

  SPLZ_UNSEEN static void begin(uint32_t low, uint32_t high, int lane) {
    Team* team = reinterpret_cast<Team*>(static_cast<uint64_t>(high) << 32 | low);
    for (;;) team->work_once(lane);
  }
  SPLZ_UNSEEN void work_once(int lane) {
    {
      const ExactFloats exact;
      __tsan_acquire(&start_);
      work_->run(this, lane);
      __tsan_release(&end_);
    }
    leave(lane);
  }
  SPLZ_UNSEEN void meet(int lane) {
    ++meetings_[lane];
    if (running_ < kLanes) part_ways();
    go_on(lane, contexts_[next(lane)], fibers_[next(lane)]);
    for (int other = 0; other < kLanes; ++other)
      if (meetings_[other] < meetings_[lane]) part_ways();
  }
  SPLZ_UNSEEN void leave(int lane) {
    for (int other = 0; other < kLanes; ++other)
      if (meetings_[other] != meetings_[lane]) part_ways();
    is_done_[lane] = true;
    if (--running_) {
      go_on(lane, contexts_[next(lane)], fibers_[next(lane)]);
    } else {
      go_on(lane, main_context_, main_);
    }
  }
  SPLZ_UNSEEN void go_on(int lane, ucontext_t& context, void* fiber) {
    __tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync);
    swapcontext(&contexts_[lane], &context);
  }
  SPLZ_UNSEEN int next(int lane) const { return (lane + (falling_ ? kLanes - 1 : 1)) % kLanes; }
  [[noreturn]] static void part_ways() {
    std::fprintf(stderr, "lanes of a warp wait for each other in different places\n");
    std::abort();
  }

  std::vector<char> stacks_;
  ucontext_t main_context_, contexts_[kLanes];
  void *main_ = nullptr, *fibers_[kLanes];
  const Work* work_ = nullptr;
  bool falling_ = false, is_done_[kLanes];
  int running_ = 0;
  uint32_t meetings_[kLanes];
  uint64_t exchanged_[2][kLanes];
  char start_, end_, barriers_[2];
};

// As DeviceWarp has it.
class LaneWarp {
 public:
  template <class T>
  class Lanes {
   public:
    Lanes() = default;
    explicit Lanes(T value) : value_(value) {}
    T& operator[](int) { return value_; }
    const T& operator[](int) const { return value_; }

   private:
    T value_;
  };

  LaneWarp(Team* team, int lane) : team_(team), lane_(lane) {}

  template <class Body>
  void each(Body body) const {
    body(lane_);
    team_->synchronise(lane_);
  }
  template <class Body>
  void own(Body body) const {
    body(lane_);
  }
  uint32_t ballot(const Lanes<bool>& says) const {
    const uint64_t* all = team_->exchange(lane_, says[0]);
    uint32_t mask = 0;
    for (int lane = 0; lane < kLanes; ++lane) mask |= Team::load(all + lane) ? 1u << lane : 0;
    return mask;
  }
  template <class T, class From>
  Lanes<T> shuffle(const Lanes<T>& values, From from) const {
    return Lanes<T>(of_lane(values, from(lane_) & (kLanes - 1)));
  }
  template <class T>
  T of_lane(const Lanes<T>& values, int lane) const {
    static_assert(sizeof(T) <= 8);
    uint64_t word = 0;
    std::memcpy(&word, &values[0], sizeof(T));
    const uint64_t found = Team::load(team_->exchange(lane_, word) + lane);
    T value;
    std::memcpy(&value, &found, sizeof(T));
    return value;
  }
  Lanes<uint32_t> sums_before(const Lanes<uint32_t>& values, uint32_t* total) const {
    const uint64_t* all = team_->exchange(lane_, values[0]);
    uint32_t before = 0;
    *total = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
      if (lane == lane_) before = *total;
      *total += static_cast<uint32_t>(Team::load(all + lane));
    }
    return Lanes<uint32_t>(before);
  }

 private:
  Team* team_;
  int lane_;
};

template <class Job>
class WarpOfJob : public Team::Work {
 public:
  WarpOfJob(const Job& job, int64_t index) : job_(job), index_(index), shared_(new typename Job::Shared) {}
  void run(Team* team, int lane) const override { job_.run(LaneWarp(team, lane), index_, shared_.get()); }

 private:
  const Job& job_;
  int64_t index_;
  std::unique_ptr<typename Job::Shared> shared_;
};

inline Team* two_teams() {
  static Team* const teams = new Team[2];
  return teams;
}

// A launch: all warps, then the host goes on.
template <class Job>
void run_in_teams(const Job& job, int64_t warps, bool falling) {
  Team* const teams = two_teams();
  std::vector<std::unique_ptr<WarpOfJob<Job>>> all;  // until all that lanes read of them is known to be done
  for (int64_t k = 0; k < warps; ++k) {
    all.push_back(std::make_unique<WarpOfJob<Job>>(job, falling ? warps - 1 - k : k));
    teams[k % 2].work(*all.back(), falling);
  }
  teams[0].finish();
  teams[1].finish();
}

}  // namespace splatzip::cuda
