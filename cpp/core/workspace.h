// SPDX-License-Identifier: MIT
// Scratch memory of kernels: per thread, reused from call to call, so steady state touches no fresh page.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plait {

// A block of uninitialised memory for the lifetime of the object, 64-byte aligned; from 2 MB on aligned for
// huge pages. Freed blocks stay with the thread for its next Workspace up to a bound (64 MB a thread) and go
// back to the system when the thread ends. May be nested: must be destroyed by the thread that made it, the
// last one first.
class Workspace {
 public:
  explicit Workspace(size_t bytes);  // throws MemoryError
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace plait
