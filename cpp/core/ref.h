// SPDX-License-Identifier: MIT
// Intrusive reference counting.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace plait {

// Owner of one reference on a T, which offers incref() and decref(). Null is allowed.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}  // NOLINT: implicit like a pointer
  explicit Ref(T* p) : p_(p) {
    if (p_) p_->incref();
  }
  Ref(const Ref& other) : Ref(other.p_) {}
  Ref(Ref&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  template <class U>
  Ref(Ref<U>&& other) noexcept : p_(other.release()) {}  // NOLINT
  ~Ref() {
    if (p_) p_->decref();
  }
  Ref& operator=(const Ref& other) {
    Ref(other).swap(*this);
    return *this;
  }
  Ref& operator=(Ref&& other) noexcept {
    Ref(std::move(other)).swap(*this);
    return *this;
  }
  T* release() { return std::exchange(p_, nullptr); }
  void swap(Ref& other) noexcept { std::swap(p_, other.p_); }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  bool operator==(const Ref& other) const { return p_ == other.p_; }

 private:
  T* p_ = nullptr;
};

// The count. increment() needs no ordering; the last decrement() must see the writes of all others.
class RefCount {
 public:
  void increment() { n_.fetch_add(1, std::memory_order_relaxed); }
  bool decrement() {
    if (n_.load(std::memory_order_acquire) == 1) return true;  // sole owner: no locked instruction
    return n_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  uint32_t load() const { return n_.load(std::memory_order_acquire); }

 private:
  std::atomic<uint32_t> n_{0};
};

}  // namespace plait
