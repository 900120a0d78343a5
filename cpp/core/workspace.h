// SPDX-License-Identifier: MIT
// Scratch memory of kernels, kept per thread and reused from call to call: repeated calls touch no fresh
// page.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plait {

// A block of uninitialised memory for the lifetime of the object, aligned to 64 bytes, from 2 MB on to huge
// pages. Up to 64 MB of freed blocks stay with the thread for its next Workspace; the rest, and all of it
// when the thread ends, goes back to the system. Objects may be nested; the thread that made them destroys
// them, the last one first.
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
