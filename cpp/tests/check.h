// SPDX-License-Identifier: MIT
// Checks for the C++ tests: count failures, say where, go on.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/cpu_info.h"
#include "core/error.h"

namespace plait::test {

inline int g_failures = 0;

// Leaves the program with the "skipped" code when PLAIT_ISA asks for a level this CPU lacks.
inline void require_isa() {
  try {
    isa_level();
  } catch (const Error&) {
    std::puts("skipped: this CPU lacks the level");
    std::exit(77);
  }
}

inline int report(const char* name) {
  std::printf("%s@%s: %s\n", name, isa_name(isa_level()), g_failures ? "FAILED" : "ok");
  return g_failures ? 1 : 0;
}

}  // namespace plait::test

// TEST_CHECK(cond, "format", ...): the text says which case failed.
#define TEST_CHECK(cond, ...)                                  \
  do {                                                         \
    if (!(cond)) {                                             \
      if (++plait::test::g_failures <= 20) {                   \
        std::printf("%s:%d: " #cond ": ", __FILE__, __LINE__); \
        std::printf(__VA_ARGS__);                              \
        std::printf("\n");                                     \
      }                                                        \
    }                                                          \
  } while (0)
