// SPDX-License-Identifier: MIT
#include "core/workspace.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "core/error.h"
#include "core/rounding.h"

namespace plait {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kKeptBytes = size_t{64} << 20;
constexpr int kKeptBlocks = 8;

struct Block {
  void* data;
  size_t capacity;
};

// Few blocks, so a linear search beats any index.
struct Cache {
  Block blocks[kKeptBlocks] = {};
  int count = 0;
  size_t bytes = 0;
  bool closed = false;  // the thread is ending: blocks are freed at once
  ~Cache() {
    for (int i = 0; i < count; ++i) std::free(blocks[i].data);
    count = 0;
    closed = true;
  }
};
thread_local Cache t_cache;

// One huge page per thread, for blocks that should stay in L2. L2 is indexed by physical addresses: small
// pages, scattered over memory, conflict long before it is full (a Winograd convolution of 64 channels of 32
// x 32 took 2.0 to 2.9 ms, depending on the process). Workspaces end in reverse order, so the page is a
// stack.
struct Arena {
  static constexpr size_t kMinBytes = size_t{32} << 10;  // smaller blocks stay in L1
  char* data = nullptr;
  size_t top = 0;
  bool closed = false;  // the thread is ending
  ~Arena() {
    std::free(data);
    data = nullptr;
    closed = true;
  }

  // Returns null where `bytes` do not fit.
  void* push(size_t bytes) {
    if (closed || bytes < kMinBytes || bytes > kHugePage - top) return nullptr;
    if (!data) {
      data = static_cast<char*>(std::aligned_alloc(kHugePage, kHugePage));
      if (!data) return nullptr;
      madvise(data, kHugePage, MADV_HUGEPAGE);
    }
    top += bytes;
    return data + (top - bytes);
  }
  bool holds(const void* block) const { return data && block >= data && block < data + kHugePage; }
};
thread_local Arena t_arena;

Block allocate(size_t bytes) {
  const bool huge = bytes >= kHugePage;
  const size_t alignment = huge ? kHugePage : 64;
  // Sizes grow in steps of an eighth, so that slightly different requests share blocks.
  size_t step = 4096;
  while (step * 8 < bytes) step *= 2;
  if (step < alignment) step = alignment;
  const size_t capacity = round_up(bytes, step);
  void* data = capacity >= bytes ? std::aligned_alloc(alignment, capacity) : nullptr;
  PLAIT_CHECK(data, kMemory, "out of memory: kernel scratch of ", bytes, " bytes");
  if (huge) madvise(data, capacity, MADV_HUGEPAGE);
  return {data, capacity};
}

}  // namespace

Workspace::Workspace(size_t bytes) {
  if (bytes == 0) return;
  capacity_ = round_up(bytes, size_t{64});
  data_ = t_arena.push(capacity_);
  if (data_) return;
  Cache& cache = t_cache;
  int best = -1;
  for (int i = 0; i < cache.count; ++i) {
    const size_t have = cache.blocks[i].capacity;
    if (have < bytes || have / 8 > bytes + 65536) continue;  // large blocks are kept for large requests
    if (best < 0 || have < cache.blocks[best].capacity) best = i;
  }
  if (best >= 0) {
    data_ = cache.blocks[best].data;
    capacity_ = cache.blocks[best].capacity;
    cache.blocks[best] = cache.blocks[--cache.count];
    cache.bytes -= capacity_;
    return;
  }
  const Block block = allocate(bytes);
  data_ = block.data;
  capacity_ = block.capacity;
}

Workspace::~Workspace() {
  if (!data_) return;
  if (t_arena.holds(data_)) {
    t_arena.top -= capacity_;
    return;
  }
  Cache& cache = t_cache;
  if (cache.closed || capacity_ > kKeptBytes) {
    std::free(data_);
    return;
  }
  // Drops the smallest blocks first: the largest cost the most to touch again.
  while (cache.count > 0 && (cache.count == kKeptBlocks || cache.bytes + capacity_ > kKeptBytes)) {
    int smallest = 0;
    for (int i = 1; i < cache.count; ++i) {
      if (cache.blocks[i].capacity < cache.blocks[smallest].capacity) smallest = i;
    }
    if (cache.blocks[smallest].capacity > capacity_) {
      std::free(data_);
      return;
    }
    std::free(cache.blocks[smallest].data);
    cache.bytes -= cache.blocks[smallest].capacity;
    cache.blocks[smallest] = cache.blocks[--cache.count];
  }
  cache.blocks[cache.count++] = {data_, capacity_};
  cache.bytes += capacity_;
}

}  // namespace plait
