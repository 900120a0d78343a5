// SPDX-License-Identifier: MIT
#include "core/allocator.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "core/cgroup.h"
#include "core/error.h"
#include "core/rounding.h"

namespace plait {
namespace {

// ---- Small objects ----

constexpr size_t kClassStep = 64;
constexpr size_t kClasses = kSmallLimit / kClassStep;
constexpr size_t kSlabBytes = 64 << 10;
constexpr size_t kMaxFreePerClass = 4096;  // of a thread; what exceeds it goes to the shared lists

struct FreeNode {
  FreeNode* next;
};

struct SharedPool {
  std::mutex mutex;
  FreeNode* free[kClasses] = {};
  std::vector<void*> slabs;  // never returned: the pool lives as long as the process
};
SharedPool& shared_pool() {
  static SharedPool* pool = new SharedPool;  // leaked on purpose: objects are freed until the very end
  return *pool;
}

struct ThreadPool {
  FreeNode* free[kClasses] = {};
  size_t count[kClasses] = {};
  ~ThreadPool();
};
thread_local ThreadPool t_pool;
thread_local bool t_pool_dead = false;

ThreadPool::~ThreadPool() {
  SharedPool& shared = shared_pool();
  std::lock_guard<std::mutex> lock(shared.mutex);
  for (size_t c = 0; c < kClasses; ++c) {
    while (FreeNode* n = free[c]) {
      free[c] = n->next;
      n->next = shared.free[c];
      shared.free[c] = n;
    }
  }
  t_pool_dead = true;
}

[[gnu::noinline]] void refill(ThreadPool& pool, size_t c) {
  const size_t size = (c + 1) * kClassStep;
  SharedPool& shared = shared_pool();
  std::lock_guard<std::mutex> lock(shared.mutex);
  for (size_t i = 0; i < 64 && shared.free[c]; ++i) {
    FreeNode* n = shared.free[c];
    shared.free[c] = n->next;
    n->next = pool.free[c];
    pool.free[c] = n;
    ++pool.count[c];
  }
  if (pool.free[c]) return;
  char* slab = static_cast<char*>(std::aligned_alloc(kAlignment, kSlabBytes));
  PLAIT_CHECK(slab, kMemory, "allocator: out of memory");
  shared.slabs.push_back(slab);
  for (size_t at = 0; at + size <= kSlabBytes; at += size) {
    FreeNode* n = reinterpret_cast<FreeNode*>(slab + at);
    n->next = pool.free[c];
    pool.free[c] = n;
    ++pool.count[c];
  }
}

[[gnu::noinline]] void spill(ThreadPool& pool, size_t c) {
  SharedPool& shared = shared_pool();
  std::lock_guard<std::mutex> lock(shared.mutex);
  for (size_t i = 0; i < kMaxFreePerClass / 2; ++i) {
    FreeNode* n = pool.free[c];
    pool.free[c] = n->next;
    n->next = shared.free[c];
    shared.free[c] = n;
  }
  pool.count[c] -= kMaxFreePerClass / 2;
}

// ---- Large blocks ----

constexpr size_t kHugePage = 2 << 20;

std::atomic<int64_t> g_fail_after{0};

void maybe_fail() {
  if (g_fail_after.load(std::memory_order_relaxed) == 0) return;
  if (g_fail_after.fetch_sub(1) == 1) PLAIT_FAIL(kMemory, "allocator: simulated failure");
}

// Eight classes per power of two: at most 12.5% is lost to rounding.
size_t round_up_to_class(size_t bytes) {
  const size_t power = std::bit_floor(bytes);
  const size_t step = std::max<size_t>(power / 8, kAlignment);
  return round_up(bytes, step);
}

using Clock = std::chrono::steady_clock;
// A block that nobody has asked for in that time goes back to the system, at the next call that frees one:
// what a spike has taken is not kept, while a loop of steps finds its blocks again without touching new
// pages.
constexpr std::chrono::seconds kIdle{10}, kBetweenLooks{1};

struct CachedBlock {
  void* memory;
  Clock::time_point since;
};

struct LargeCache {
  std::mutex mutex;
  std::map<size_t, std::vector<CachedBlock>> free;  // capacity -> blocks, most recently used last
  Clock::time_point next_look{};
  MemoryStats stats = {};
  int64_t limit;
  LargeCache() {
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    int64_t memory = pages > 0 && page > 0 ? static_cast<int64_t>(pages) * page : int64_t{4} << 30;
    if (const int64_t most = read_cgroup().memory_bytes) memory = std::min(memory, most);
    limit = memory / 4;
  }
};
LargeCache& cache() {
  static LargeCache* c = new LargeCache;  // leaked on purpose, like the pool
  return *c;
}

// Another thread may hold a lock while this one forks: the child must not inherit a lock that nobody
// releases.
void lock_all() {
  shared_pool().mutex.lock();
  cache().mutex.lock();
}
void unlock_all() {
  cache().mutex.unlock();
  shared_pool().mutex.unlock();
}
[[maybe_unused]] const int g_fork_handlers = pthread_atfork(lock_all, unlock_all, unlock_all);

void* map_block(size_t capacity) {
  if (capacity < kHugePage) return std::aligned_alloc(kAlignment, capacity);
  // Maps one huge page more and trims, so that the block starts at a huge-page boundary.
  const size_t page = 4096, rounded = round_up(capacity, page), span = rounded + kHugePage;
  void* raw = mmap(nullptr, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  char* base = static_cast<char*>(raw);
  char* start =
      reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(base) + kHugePage - 1) & ~(kHugePage - 1));
  if (start != base) munmap(base, static_cast<size_t>(start - base));
  char* end = start + rounded;
  if (end != base + span) munmap(end, static_cast<size_t>(base + span - end));
  madvise(start, rounded, MADV_HUGEPAGE);
  return start;
}

void unmap_block(void* p, size_t capacity) {
  if (capacity < kHugePage) {
    std::free(p);
  } else {
    munmap(p, (capacity + 4095) / 4096 * 4096);
  }
}

// Gives back the blocks of a capacity that have been there longest.
void drop_oldest(LargeCache& c, size_t capacity, std::vector<CachedBlock>& blocks, size_t count) {
  for (size_t i = 0; i < count; ++i) unmap_block(blocks[i].memory, capacity);
  c.stats.cached_bytes -= static_cast<int64_t>(capacity * count);
  blocks.erase(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(count));
}

// Drops cached blocks, largest first, until at most `keep` bytes stay.
void trim(LargeCache& c, int64_t keep) {
  while (c.stats.cached_bytes > keep && !c.free.empty()) {
    auto it = std::prev(c.free.end());
    drop_oldest(c, it->first, it->second, 1);
    if (it->second.empty()) c.free.erase(it);
  }
}

void drop_idle(LargeCache& c, Clock::time_point now) {
  if (now < c.next_look) return;
  c.next_look = now + kBetweenLooks;
  for (auto it = c.free.begin(); it != c.free.end();) {
    const auto fresh =
        std::ranges::find_if(it->second, [&](const CachedBlock& b) { return now - b.since <= kIdle; });
    drop_oldest(c, it->first, it->second, static_cast<size_t>(fresh - it->second.begin()));
    it = it->second.empty() ? c.free.erase(it) : std::next(it);
  }
}

}  // namespace

void* pool_alloc(size_t size) {
  maybe_fail();
  const size_t c = (size - 1) / kClassStep;
  ThreadPool& pool = t_pool;
  if (__builtin_expect(!pool.free[c], 0)) refill(pool, c);
  FreeNode* n = pool.free[c];
  pool.free[c] = n->next;
  --pool.count[c];
  return n;
}

void pool_free(void* p, size_t size) noexcept {
  const size_t c = (size - 1) / kClassStep;
  FreeNode* n = static_cast<FreeNode*>(p);
  if (__builtin_expect(t_pool_dead, 0)) {  // a thread-local destructor that runs after the pool's
    SharedPool& shared = shared_pool();
    std::lock_guard<std::mutex> lock(shared.mutex);
    n->next = shared.free[c];
    shared.free[c] = n;
    return;
  }
  ThreadPool& pool = t_pool;
  n->next = pool.free[c];
  pool.free[c] = n;
  if (__builtin_expect(++pool.count[c] > kMaxFreePerClass, 0)) spill(pool, c);
}

void* large_alloc(size_t bytes, size_t* capacity) {
  maybe_fail();
  const size_t size = round_up_to_class(std::max<size_t>(bytes, kAlignment));
  *capacity = size;
  LargeCache& c = cache();
  std::unique_lock<std::mutex> lock(c.mutex);
  c.stats.allocations++;
  c.stats.allocated_bytes += static_cast<int64_t>(size);
  const auto note_peak = [&] {
    c.stats.peak_allocated_bytes = std::max(c.stats.peak_allocated_bytes, c.stats.allocated_bytes);
  };
  // A cached block may be up to a quarter larger; a larger one would waste memory.
  const auto it = c.free.lower_bound(size);
  if (it != c.free.end() && it->first <= size + size / 4) {
    void* p = it->second.back().memory;
    it->second.pop_back();
    *capacity = it->first;
    c.stats.cached_bytes -= static_cast<int64_t>(it->first);
    c.stats.allocated_bytes += static_cast<int64_t>(it->first - size);
    c.stats.cache_hits++;
    note_peak();
    if (it->second.empty()) c.free.erase(it);
    return p;
  }
  lock.unlock();
  void* p = map_block(size);
  if (!p) {
    empty_cache();
    p = map_block(size);
  }
  lock.lock();
  if (!p) {
    c.stats.allocated_bytes -= static_cast<int64_t>(size);
    PLAIT_FAIL(kMemory, "allocator: could not allocate ", bytes, " bytes");
  }
  note_peak();
  return p;
}

void large_free(void* p, size_t capacity) noexcept {
  LargeCache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  c.stats.allocated_bytes -= static_cast<int64_t>(capacity);
  if (static_cast<int64_t>(capacity) > c.limit) {
    unmap_block(p, capacity);
    return;
  }
  const Clock::time_point now = Clock::now();
  trim(c, c.limit - static_cast<int64_t>(capacity));
  drop_idle(c, now);
  c.free[capacity].push_back({p, now});
  c.stats.cached_bytes += static_cast<int64_t>(capacity);
}

MemoryStats memory_stats() {
  LargeCache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  return c.stats;
}

void reset_peak_memory_stats() {
  LargeCache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  c.stats.peak_allocated_bytes = c.stats.allocated_bytes;
}

void empty_cache() {
  LargeCache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  trim(c, 0);
}

void set_cache_limit(int64_t bytes) {
  LargeCache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  c.limit = std::max<int64_t>(0, bytes);
  trim(c, c.limit);
}

void fail_allocation_after(int64_t k) { g_fail_after.store(k); }

}  // namespace plait
