// SPDX-License-Identifier: MIT
#include "core/storage.h"

#include <new>

#include "core/rounding.h"

namespace plait {

namespace {

std::atomic<int> inference_threads{0};
thread_local bool t_inference = false;
thread_local bool t_meta = false;

void set_meta_mode(bool on) {
  if (on != t_meta) detail::meta_threads.fetch_add(on ? 1 : -1, std::memory_order_relaxed);
  t_meta = on;
}

}  // namespace

bool inference_mode_enabled() { return inference_threads.load(std::memory_order_relaxed) > 0 && t_inference; }
void set_inference_mode_flag(bool on) {
  if (on != t_inference) inference_threads.fetch_add(on ? 1 : -1, std::memory_order_relaxed);
  t_inference = on;
}

std::atomic<int> detail::meta_threads{0};
bool detail::meta_mode_of_thread() { return t_meta; }

MetaMode::MetaMode(bool on) : before_(t_meta) { set_meta_mode(on); }
MetaMode::~MetaMode() { set_meta_mode(before_); }

Storage::Storage() : inference_(inference_mode_enabled()) {}

Ref<Storage> Storage::allocate(size_t nbytes) {
  size_t capacity = 0;
  void* data = nbytes ? large_alloc(nbytes, &capacity) : nullptr;
  void* block = nullptr;
  try {
    block = pool_alloc(sizeof(Storage));
  } catch (...) {
    if (data) large_free(data, capacity);
    throw;
  }
  Storage* s = new (block) Storage;
  s->data_ = data;
  s->nbytes_ = nbytes;
  s->capacity_ = capacity;
  return Ref<Storage>(s);
}

Ref<Storage> Storage::allocate_small(size_t nbytes, size_t extra) {
  const size_t head = round_up(sizeof(Storage) + extra, kAlignment);
  const size_t total = head + nbytes;
  Storage* s = new (pool_alloc(total)) Storage;
  s->data_ = reinterpret_cast<char*>(s) + head;
  s->nbytes_ = nbytes;
  s->capacity_ = total;
  s->small_ = true;
  return Ref<Storage>(s);
}

Ref<Storage> Storage::allocate_none(size_t nbytes, size_t extra) {
  Ref<Storage> s = allocate_small(0, extra);
  s->data_ = nullptr;
  s->nbytes_ = nbytes;
  s->meta_ = true;
  return s;
}

Ref<Storage> Storage::wrap(void* data, size_t nbytes, Deleter deleter, void* context, bool read_only) {
  Storage* s = new (pool_alloc(sizeof(Storage))) Storage;
  s->data_ = data;
  s->nbytes_ = nbytes;
  s->deleter_ = deleter;
  s->context_ = context;
  s->read_only_ = read_only;
  return Ref<Storage>(s);
}

void Storage::destroy() noexcept {
  if (small_) {
    pool_free(this, capacity_);
    return;
  }
  if (deleter_) {
    deleter_(context_);
  } else if (data_) {
    large_free(data_, capacity_);
  }
  pool_free(this, sizeof(Storage));
}

}  // namespace plait
