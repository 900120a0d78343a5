// SPDX-License-Identifier: MIT
#include "core/workspace.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "core/error.h"

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

Block allocate(size_t bytes) {
  const bool huge = bytes >= kHugePage;
  const size_t alignment = huge ? kHugePage : 64;
  // Sizes grow in steps of an eighth, so that slightly different requests share blocks.
  size_t step = 4096;
  while (step * 8 < bytes) step *= 2;
  if (step < alignment) step = alignment;
  const size_t capacity = (bytes + step - 1) / step * step;
  void* data = capacity >= bytes ? std::aligned_alloc(alignment, capacity) : nullptr;
  PLAIT_CHECK(data, kMemory, "out of memory: kernel scratch of ", bytes, " bytes");
  if (huge) madvise(data, capacity, MADV_HUGEPAGE);
  return {data, capacity};
}

}  // namespace

Workspace::Workspace(size_t bytes) {
  if (bytes == 0) return;
  Cache& cache = t_cache;
  int best = -1;
  for (int i = 0; i < cache.count; ++i) {
    const size_t have = cache.blocks[i].capacity;
    if (have < bytes || have / 8 > bytes + 65536) continue;  // keep the large ones for large requests
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
  Cache& cache = t_cache;
  if (cache.closed || capacity_ > kKeptBytes) {
    std::free(data_);
    return;
  }
  // Make room by dropping the smallest blocks: the largest are the costliest to touch again.
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
