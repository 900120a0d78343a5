// SPDX-License-Identifier: MIT
// How a function of LAPACK is found and called. Private to the files lapack_*.cpp.
#pragma once

#include <cstddef>
#include <string>

#include "core/error.h"
#include "core/workspace.h"
#include "kernels/blas_library.h"
#include "kernels/linalg/lapack.h"

namespace plait::lapack {

template <class T>
inline constexpr bool kComplex = !std::is_same_v<T, Real<T>>;

// The letter of the element type.
template <class T>
constexpr char letter() {
  constexpr bool kSingle = sizeof(Real<T>) == 4;
  return kComplex<T> ? (kSingle ? 'c' : 'z') : (kSingle ? 's' : 'd');
}

// One function for T; its name is another for complex numbers where LAPACK says "unitary" and "Hermitian".
template <class T, class... Args>
class Function {
 public:
  Function(const char* real_name, const char* complex_name) {
    const std::string name = letter<T>() + std::string(kComplex<T> ? complex_name : real_name) + "_";
    const BlasLibrary* library = BlasLibrary::get();
    if (library) call_ = library->find<void (*)(Args...)>(name);
    PLAIT_CHECK(call_, kNotImplemented, "linalg: expected LAPACK's ", name,
                " in libscipy_openblas.so beside the extension, found none");
  }
  explicit Function(const char* name) : Function(name, name) {}
  void operator()(Args... args) const { call_(args...); }

 private:
  void (*call_)(Args...) = nullptr;
};

// Fortran passes everything by address, and the lengths of strings behind the arguments.
using Int = const int*;
using Char = const char*;
using Length = size_t;

// The size of a work array as a query with lwork = -1 reports it, which may be rounded down in float.
template <class T>
int work_size(T reported) {
  const double size = static_cast<double>(std::real(reported));
  return static_cast<int>(size * (1 + 1e-7)) + 1;
}

// An array of the thread's scratch memory.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t n) : space_(static_cast<size_t>(n > 0 ? n : 1) * sizeof(T)) {}
  operator T*() const { return space_.template as<T>(); }

 private:
  Workspace space_;
};

#define PLAIT_LAPACK_TYPES(X) \
  X(float)                    \
  X(double)                   \
  X(std::complex<float>)      \
  X(std::complex<double>)

}  // namespace plait::lapack
