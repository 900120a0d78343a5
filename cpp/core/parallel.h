// SPDX-License-Identifier: MIT
// All of the library's threads. OpenMP is used in parallel.cpp and nowhere else.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace plait {

// A reference to a callable; it does not own it. Calls through it are one indirect call.
template <class Signature>
class FunctionRef;
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, FunctionRef>>>
  FunctionRef(F&& f)  // NOLINT: implicit on purpose
      : object_(const_cast<void*>(static_cast<const void*>(&f))), call_([](void* o, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(o))(std::forward<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

// Upper limit of threads an op may use. Default: OMP_NUM_THREADS, else the smaller of the affinity mask and
// the cgroup CPU quota.
int num_threads();
void set_num_threads(int n);  // no effect on a serial thread, whose limit is one

bool in_parallel_region();

// Makes parallel_for and parallel_chunks serial on this thread, for threads of which several work at once.
void set_thread_serial(bool on);
bool thread_is_serial();

// Calls f(begin, end) on disjoint ranges that cover [0, n), possibly from several threads: at most n / grain,
// so `grain` is the least work worth a thread. Serial when nested or in a forked child. The ranges depend on
// the number of threads, so f must write only outputs of its own range; reductions use parallel_chunks. The
// first exception thrown by f is rethrown after all threads are done.
void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> f);

// Calls f(chunk) once for each chunk in [0, chunks), in any order, from up to min(chunks, num_threads())
// threads. The caller derives `chunks` from the problem alone, so partial results combined in chunk order
// give the same bits at any number of threads.
void parallel_chunks(int64_t chunks, FunctionRef<void(int64_t)> f);

// How many elements of a loop are worth one more thread, for loops bound by memory. Loops bound by arithmetic
// gain from a quarter of that, but the op that follows loses more: one thread that reads what two have
// written waits for the other's cache. tuned: with a quarter, exp().sum() of 40,000 elements takes 18 us in
// place of 10
inline constexpr int64_t kGrainElements = 32768;

// Long loops ask now and then, on the thread that called the op, whether to stop: between pieces of
// parallel_for, chunks of parallel_chunks, units of for_units, and wherever poll_interrupt() is called. The
// check throws to abandon the op; the other threads then stop at their next piece. Results in the making are
// dropped; what is written in place is guarded by Uninterrupted.
using InterruptCheck = void (*)();
void set_interrupt_check(InterruptCheck check);
// The next check on this thread is due after the time between two checks: an op that is short never checks.
void restart_interrupt_timer();
void poll_interrupt();

// No checks on this thread for a scope.
class Uninterrupted {
 public:
  Uninterrupted();
  ~Uninterrupted();
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;
};

// Flush denormals to zero inside parallel regions and serial kernels; the caller's mode is restored.
bool flush_denormal();
void set_flush_denormal(bool on);

// Sets the denormal mode of the current thread for a scope; does nothing when flush_denormal() is false.
class DenormalGuard {
 public:
  DenormalGuard();
  ~DenormalGuard();
  DenormalGuard(const DenormalGuard&) = delete;
  DenormalGuard& operator=(const DenormalGuard&) = delete;

 private:
  unsigned saved_;
};

}  // namespace plait
