// SPDX-License-Identifier: MIT
// Errors that users see. bindings/ maps each kind to a Python class that also derives from the class that
// PyTorch raises.
#pragma once

#include <exception>
#include <sstream>
#include <string>
#include <utility>

namespace plait {

enum class ErrorKind : unsigned char {
  kValue,           // shape, range: ValueError and RuntimeError
  kType,            // dtype, kind of argument: TypeError and RuntimeError
  kIndex,           // dimension or index out of range: IndexError
  kRuntime,         // autograd misuse, state: RuntimeError
  kNotImplemented,  // NotImplementedError
  kMemory,          // MemoryError and RuntimeError
  kInternal,        // a bug of ours: RuntimeError that asks for a report
  kLinAlg,          // a matrix that a decomposition cannot take: LinAlgError, a RuntimeError
};

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
  std::string message_;
};

namespace detail {
template <class... Args>
[[noreturn, gnu::noinline, gnu::cold]] void throw_error(ErrorKind kind, const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  throw Error(kind, out.str());
}
}  // namespace detail

// PLAIT_CHECK(cond, kValue, "matmul: expected ..., got ", shape): the text is built on failure only.
#define PLAIT_CHECK(cond, kind, ...)                                       \
  do {                                                                     \
    if (__builtin_expect(!(cond), 0)) {                                    \
      ::plait::detail::throw_error(::plait::ErrorKind::kind, __VA_ARGS__); \
    }                                                                      \
  } while (0)
#define PLAIT_FAIL(kind, ...) ::plait::detail::throw_error(::plait::ErrorKind::kind, __VA_ARGS__)
// A condition that only a bug of ours can break.
#define PLAIT_ASSERT(cond)                                                          \
  PLAIT_CHECK(cond, kInternal, "internal: `" #cond "` does not hold in ", __func__, \
              "\nhint: this is a bug in plait; please report it with the program that led here")

}  // namespace plait
