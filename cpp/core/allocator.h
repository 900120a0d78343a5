// SPDX-License-Identifier: MIT
// The caching allocator behind every tensor.
//
// Small objects (tensors, graph nodes, data of up to kSmallLimit bytes) come from free lists of the thread,
// one per size class: a few nanoseconds and no lock. Larger blocks come from shared free lists, one per size
// class (eight per power of two), backed by mmap with transparent huge pages. Blocks are reused because the
// first touch of a fresh page costs more than most memory-bound ops spend on it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plait {

inline constexpr size_t kAlignment = 64;
inline constexpr size_t kSmallLimit = 2048;

// Memory for objects and small data. Both calls get the same `size`, at most kSmallLimit.
void* pool_alloc(size_t size);
void pool_free(void* p, size_t size) noexcept;

// Memory for data of any size, aligned to kAlignment. Throws an Error of kind kMemory.
// `capacity` receives what large_free needs.
void* large_alloc(size_t bytes, size_t* capacity);
void large_free(void* p, size_t capacity) noexcept;

struct MemoryStats {
  int64_t allocated_bytes;       // in live large blocks
  int64_t peak_allocated_bytes;  // highest value of the above
  int64_t cached_bytes;          // in free large blocks kept for reuse
  int64_t allocations;           // large blocks handed out
  int64_t cache_hits;            // of these, served from the cache
};
MemoryStats memory_stats();
void reset_peak_memory_stats();
void empty_cache();                   // gives cached large blocks back to the system
void set_cache_limit(int64_t bytes);  // most bytes kept free; default: a quarter of the memory

// Test hook: the k-th allocation from now fails (0 = off).
void fail_allocation_after(int64_t k);

// Base for objects that live in the pool.
template <class Derived>
struct Pooled {
  static void* operator new(size_t size) {
    return size <= kSmallLimit ? pool_alloc(size) : ::operator new(size);
  }
  static void operator delete(void* p, size_t size) noexcept {
    if (size <= kSmallLimit) {
      pool_free(p, size);
    } else {
      ::operator delete(p);
    }
  }
};

}  // namespace plait
