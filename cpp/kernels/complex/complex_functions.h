// SPDX-License-Identifier: MIT
// Complex numbers where no vector instruction would help: conversions, moves of 16 bytes, functions of libm.
#pragma once

#include "kernels/table.h"

namespace plait {

// Fills the entries of complex dtypes and of items of 16 bytes that no instruction set replaces.
void fill_complex_functions(KernelTable& table);

}  // namespace plait
