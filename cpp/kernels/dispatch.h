// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/table.h"

namespace plait {

// The kernels of the level in use (core/cpu_info.h). Filled once from generic, then overridden entry by
// entry, so an entry that a higher level lacks keeps the best lower one.
const KernelTable& kernels();

}  // namespace plait
