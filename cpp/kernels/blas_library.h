// SPDX-License-Identifier: MIT
// The OpenBLAS that is installed beside the extension: an alternative provider of products, and the LAPACK of
// decompositions. It is loaded at the first use and runs single-threaded inside the library's own split over
// threads.
#pragma once

#include <string>

namespace plait {

class BlasLibrary {
 public:
  // Null if there is none.
  static const BlasLibrary* get();
  // A function by its name without the prefix of the library, such as "cblas_sgemm" or "dpotrf_"; null if the
  // library has none of that name.
  template <class Fn>
  Fn find(const std::string& name) const {
    return reinterpret_cast<Fn>(symbol(name));
  }
  const std::string& name() const { return name_; }  // "OpenBLAS 0.3.34 (SkylakeX)"

 private:
  BlasLibrary();
  void* symbol(const std::string& name) const;

  void* handle_ = nullptr;
  std::string name_;
};

}  // namespace plait
