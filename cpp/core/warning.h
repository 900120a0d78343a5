// SPDX-License-Identifier: MIT
// Warnings: to Python's `warnings` where Python runs, else to stderr.
#pragma once

#include <string>

namespace plait {

void warn(const std::string& message);

// How to warn; may throw, as Python's filters may turn a warning into an error.
using Warner = void (*)(const std::string& message);
void set_warner(Warner warner);

}  // namespace plait
