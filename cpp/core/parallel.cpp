// SPDX-License-Identifier: MIT
#include "core/parallel.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

#include "core/cgroup.h"
#include "core/cpu_info.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace plait {
namespace {

int default_threads() {
  if (const char* env = std::getenv("OMP_NUM_THREADS")) {
    const int n = std::atoi(env);
    if (n > 0) return n;
  }
  int n = omp_get_num_procs();  // honours the affinity mask
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = std::min(n, CPU_COUNT(&set));
  if (const int limit = read_cgroup().cpus) n = std::min(n, limit);
  return std::max(1, n);
}

std::atomic<int>& thread_cap() {
  static std::atomic<int> cap{default_threads()};
  return cap;
}

// libgomp's pool does not survive fork: a child that enters a parallel region waits forever for threads that
// exist only in the parent. A child forked after the pool was started therefore computes serially.
std::atomic<bool> g_pool_started{false};
std::atomic<bool> g_serial_child{false};

void on_fork_child() {
  if (g_pool_started.load()) g_serial_child.store(true);
}

std::atomic<bool> g_flush_denormal{true};
thread_local bool t_in_region = false;
thread_local bool t_serial = false;

// ---- Interrupts ----

std::atomic<InterruptCheck> g_interrupt_check{nullptr};
constexpr std::chrono::milliseconds kInterruptPeriod{200};
thread_local std::chrono::steady_clock::time_point t_next_check{};
thread_local int t_uninterrupted = 0;

// The pieces of a range that one thread computes, between which it looks whether to stop. A piece is worth
// several grains, so that a call costs nothing beside it, and long ranges begin at whole cache lines,
// whatever the element size: a store across two lines costs twice.
constexpr int64_t kAlign = 64, kPieces = 16, kLeastGrains = 4, kMostGrains = 1024;

int64_t piece_of(int64_t range, int64_t grain) {
  const int64_t least = std::max<int64_t>(1, grain);
  if (range / kLeastGrains <= least) return range;
  const int64_t most = least > range / kMostGrains ? range : least * kMostGrains;
  const int64_t piece = std::clamp(range / kPieces, kLeastGrains * least, most);
  return piece >= 16 * kAlign ? piece / kAlign * kAlign : piece;
}

// f(begin, end) piece by piece until `stop`, which is set when a check or a piece throws.
void run_pieces(int64_t begin, int64_t end, int64_t grain, FunctionRef<void(int64_t, int64_t)> f,
                const std::atomic<bool>* stop = nullptr) {
  const int64_t piece = piece_of(end - begin, grain);
  for (int64_t at = begin; at < end; at += piece) {
    if (at > begin) poll_interrupt();
    if (stop && stop->load(std::memory_order_relaxed)) return;
    f(at, std::min(end, at + piece));
  }
}

// Runs body(thread, threads) on `threads` threads and rethrows the first exception.
void run_region(int threads, FunctionRef<void(int, int, const std::atomic<bool>&)> body) {
  static const int registered = pthread_atfork(nullptr, nullptr, on_fork_child);
  (void)registered;
  g_pool_started.store(true, std::memory_order_relaxed);
  std::exception_ptr error;
  std::mutex error_mutex;
  std::atomic<bool> stop{false};
  const bool uninterrupted = t_uninterrupted > 0;
#pragma omp parallel num_threads(threads)
  {
    const bool outer = t_in_region;
    t_in_region = true;
    DenormalGuard guard;
    // The thread that called is asked, if it is one that answers at all.
    const int ask = t_uninterrupted;
    t_uninterrupted = uninterrupted || omp_get_thread_num() != 0;
    try {
      body(omp_get_thread_num(), omp_get_num_threads(), stop);
    } catch (...) {
      stop.store(true, std::memory_order_relaxed);
      std::lock_guard<std::mutex> lock(error_mutex);
      if (!error) error = std::current_exception();
    }
    t_uninterrupted = ask;
    t_in_region = outer;
  }
  if (error) std::rethrow_exception(error);
}

bool must_be_serial() { return t_in_region || t_serial || g_serial_child.load(std::memory_order_relaxed); }

}  // namespace

int num_threads() { return thread_cap().load(std::memory_order_relaxed); }
void set_num_threads(int n) {
  if (!t_serial) thread_cap().store(std::max(1, n));
}
bool in_parallel_region() { return t_in_region; }
void set_thread_serial(bool on) { t_serial = on; }
bool thread_is_serial() { return t_serial; }

void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> f) {
  if (n <= 0) return;
  const int64_t useful = grain > 0 ? n / grain : n;
  if (useful <= 1 || num_threads() == 1 || must_be_serial()) {
    DenormalGuard guard;
    run_pieces(0, n, grain, f);
    return;
  }
  const auto wanted = static_cast<int>(std::min<int64_t>(useful, num_threads()));
  run_region(wanted, [&](int thread, int threads, const std::atomic<bool>& stop) {
    const int64_t unit = n / threads >= 16 * kAlign ? kAlign : 1;
    const auto from = [&](int64_t t) { return t == threads ? n : n * t / threads / unit * unit; };
    const int64_t begin = from(thread), end = from(thread + 1);
    run_pieces(begin, end, grain, f, &stop);
  });
}

void parallel_chunks(int64_t chunks, FunctionRef<void(int64_t)> f) {
  if (chunks <= 0) return;
  if (chunks == 1 || num_threads() == 1 || must_be_serial()) {
    DenormalGuard guard;
    for (int64_t i = 0; i < chunks; ++i) {
      if (i > 0) poll_interrupt();
      f(i);
    }
    return;
  }
  // A thread starts with its own share, the same one in every operator of that many chunks, so that it finds
  // in its cache what it wrote before. When it has finished its share, it takes chunks of the others.
  struct alignas(64) Share {
    std::atomic<int64_t> next;
    int64_t end;
  };
  const auto wanted = static_cast<int>(std::min<int64_t>(chunks, num_threads()));
  std::vector<Share> shares(static_cast<size_t>(wanted));
  for (int t = 0; t < wanted; ++t) {
    shares[static_cast<size_t>(t)].next.store(chunks * t / wanted, std::memory_order_relaxed);
    shares[static_cast<size_t>(t)].end = chunks * (t + 1) / wanted;
  }
  run_region(wanted, [&](int thread, int, const std::atomic<bool>& stop) {
    for (int t = 0; t < wanted; ++t) {
      Share& share = shares[static_cast<size_t>((thread + t) % wanted)];
      for (int64_t i; (i = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;) {
        poll_interrupt();
        if (stop.load(std::memory_order_relaxed)) return;
        f(i);
      }
    }
  });
}

void set_interrupt_check(InterruptCheck check) { g_interrupt_check.store(check); }
void restart_interrupt_timer() { t_next_check = std::chrono::steady_clock::now() + kInterruptPeriod; }
void poll_interrupt() {
  if (t_uninterrupted > 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < t_next_check) [[likely]]
    return;
  t_next_check = now + kInterruptPeriod;
  if (const InterruptCheck check = g_interrupt_check.load(std::memory_order_relaxed)) check();
}
Uninterrupted::Uninterrupted() { ++t_uninterrupted; }
Uninterrupted::~Uninterrupted() { --t_uninterrupted; }

bool flush_denormal() { return g_flush_denormal.load(std::memory_order_relaxed); }
void set_flush_denormal(bool on) { g_flush_denormal.store(on); }

#if defined(__x86_64__)
DenormalGuard::DenormalGuard() : saved_(_mm_getcsr()) {
  constexpr unsigned kFtzDaz = 0x8040;
  if (flush_denormal() && (saved_ & kFtzDaz) != kFtzDaz) _mm_setcsr(saved_ | kFtzDaz);
}
DenormalGuard::~DenormalGuard() {
  if (_mm_getcsr() != saved_) _mm_setcsr(saved_);
}
#else
DenormalGuard::DenormalGuard() : saved_(0) {}
DenormalGuard::~DenormalGuard() { (void)saved_; }
#endif

}  // namespace plait
