// SPDX-License-Identifier: MIT
// Autocast: within it, ops that gain from a 16-bit dtype get their floating-point operands in it, ops that
// need the range of float32 get theirs in float32, and ops that join tensors get the widest of theirs. The
// other ops compute in the dtypes they are given. float64 is left alone.
//
// It acts where every call from Python passes, call_op() of ops/registry.h. The state belongs to a thread.
#pragma once

#include "core/dtype.h"

namespace plait {

bool autocast_enabled();
void set_autocast_enabled(bool on);

DType autocast_dtype();
void set_autocast_dtype(DType dtype);

// Whether the 16-bit copies of leaves that require grad are kept until the outermost autocast ends: a weight
// used twice is then converted once.
bool autocast_cache_enabled();
void set_autocast_cache_enabled(bool on);
void clear_autocast_cache();

}  // namespace plait
