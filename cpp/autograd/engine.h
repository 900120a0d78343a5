// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "autograd/node.h"

namespace plait {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool allow_unused = false;  // gradients with respect to tensors outside the graph: undefined, not an error
  bool accumulate = true;     // add to the leaves' .grad (with `inputs`: only to theirs)
  const std::vector<Tensor>* inputs = nullptr;  // when set, gradients are found for these alone
};

// Runs the graph from `roots`, seeded with `seeds` (undefined: ones, for one-element roots only).
// Returns the gradients of options.inputs when accumulate is false.
Grads run_backward(const std::vector<Tensor>& roots, const std::vector<Tensor>& seeds,
                   const BackwardOptions& options);

// The backward pass that runs in this thread, by a number of its own; 0 when none does.
int64_t current_backward_run();
// Whether that pass comes to the gradient of t.
bool backward_reaches(const Tensor& t);

}  // namespace plait
