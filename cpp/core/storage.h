// SPDX-License-Identifier: MIT
// A reference-counted block of memory and the version counter that its views share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/allocator.h"
#include "core/ref.h"

namespace plait {

// Of this thread: the storages it makes meanwhile hold tensors that take no part in autograd (see
// autograd/grad_mode.h). Outside, a new storage costs one load of a counter.
bool inference_mode_enabled();
void set_inference_mode_flag(bool on);

// Of this thread: the tensors made meanwhile are on the device "meta": they have a geometry and no memory.
// The op table turns it on for a call on such tensors (ops/registry.h), the engine for their backward().
namespace detail {
extern std::atomic<int> meta_threads;
bool meta_mode_of_thread();
}  // namespace detail
inline bool meta_mode() {
  return detail::meta_threads.load(std::memory_order_relaxed) > 0 && detail::meta_mode_of_thread();
}
class MetaMode {
 public:
  explicit MetaMode(bool on);
  ~MetaMode();
  MetaMode(const MetaMode&) = delete;
  MetaMode& operator=(const MetaMode&) = delete;

 private:
  const bool before_;
};

class Storage {
 public:
  using Deleter = void (*)(void* context);

  // Uninitialised memory of our own.
  static Ref<Storage> allocate(size_t nbytes);
  // A small storage in one block of the pool: this object, `extra` bytes for its owner (see TensorImpl), and
  // the data.
  static Ref<Storage> allocate_small(size_t nbytes, size_t extra);
  // No memory: the storage of tensors on the device "meta", which counts `nbytes` and has `extra` bytes.
  static Ref<Storage> allocate_none(size_t nbytes, size_t extra);
  // Foreign memory; deleter(context) runs when the last view is gone.
  static Ref<Storage> wrap(void* data, size_t nbytes, Deleter deleter, void* context, bool read_only = false);

  void* data() const { return data_; }
  size_t nbytes() const { return nbytes_; }
  bool read_only() const { return read_only_; }
  bool is_inference() const { return inference_; }  // made in inference mode
  bool is_meta() const { return meta_; }            // has no memory
  uint32_t use_count() const { return refs_.load(); }

  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

  void* extra() { return this + 1; }  // the extra bytes of allocate_small() and allocate_none()

  void incref() { refs_.increment(); }
  void decref() {
    if (refs_.decrement()) destroy();
  }

 private:
  Storage();
  ~Storage() = default;
  void destroy() noexcept;

  RefCount refs_;
  std::atomic<uint32_t> version_{0};
  void* data_ = nullptr;
  size_t nbytes_ = 0;
  size_t capacity_ = 0;  // of the large block, else of this pool block
  Deleter deleter_ = nullptr;
  void* context_ = nullptr;
  bool small_ = false;
  bool read_only_ = false;
  bool inference_ = false;
  bool meta_ = false;
};

}  // namespace plait
