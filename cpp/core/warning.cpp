// SPDX-License-Identifier: MIT
#include "core/warning.h"

#include <atomic>
#include <cstdio>

namespace plait {
namespace {

void print(const std::string& message) { std::fprintf(stderr, "plait: %s\n", message.c_str()); }

std::atomic<Warner> g_warner{print};

}  // namespace

void warn(const std::string& message) { g_warner.load()(message); }
void set_warner(Warner warner) { g_warner.store(warner); }

}  // namespace plait
