// SPDX-License-Identifier: MIT
#include "autograd/op.h"

#include "autograd/runtime.h"

namespace plait {

void OpContext::save_input(const Tensor& t) {
  // The in-place form is about to overwrite this input: keep its old values.
  if (t.defined() && t.is_same(destination_)) {
    NoGradGuard guard;
    Tensor old = autograd_runtime().clone(t);
    const Edge edge = gradient_edge(t);
    if (edge.node) set_history(old, edge.node, edge.slot);
    saved_.push_back(SavedTensor::input(old));
    return;
  }
  saved_.push_back(SavedTensor::input(t));
}

namespace detail {

bool any_requires_grad(const std::vector<Tensor>& ts) {
  for (const Tensor& t : ts) {
    if (any_requires_grad(t)) return true;
  }
  return false;
}

void no_derivative(const char* op) {
  PLAIT_FAIL(kNotImplemented, op, ": no derivative exists for this op, and an input requires grad",
             "\nhint: call it under no_grad() or on x.detach()");
}

void no_second_derivative(const OpMeta& op) {
  PLAIT_FAIL(
      kNotImplemented, op.name,
      ": no second derivative exists for this op: its gradient comes from a kernel and is not recorded",
      "\nhint: ", op.hint ? op.hint : "call backward() or grad() without create_graph=True");
}

void freed_twice(const char* op) {
  PLAIT_FAIL(kRuntime, "backward: Trying to backward through the graph a second time: the tensors saved by ",
             op,
             " have already been freed\nhint: pass retain_graph=True to the first backward() or grad() call");
}

void connect_result(const Tensor& y, const NodeRef& node, uint32_t slot) {
  std::vector<ResultInfo>& results = node->results();
  if (results.size() <= slot) results.resize(slot + 1);
  if (!y.defined()) return;
  results[slot] = {y.shape(), y.dtype()};
  if (!y.is_differentiable()) return;
  AutogradMeta& meta = ensure_meta(y);
  meta.grad_fn = node;
  meta.slot = slot;
  meta.requires_grad = true;
  meta.view_version = y.version();
}

void connect_results(const std::vector<Tensor>& ys, const NodeRef& node) {
  for (uint32_t i = 0; i < ys.size(); ++i) connect_result(ys[i], node, i);
}

RecordedOp::RecordedOp(size_t inputs) {
  edges().reserve(inputs);
  ctx.node_ = this;
}

void RecordedOp::add_edge(const Tensor& input) {
  edges().push_back(input.defined() ? gradient_edge(input) : Edge{});
}

void RecordedOp::begin_backward(EdgeSet unwanted) {
  if (released_) freed_twice(name());
  ctx.unwanted_ = unwanted;
}

void RecordedOp::release_saved() {
  released_ = !ctx.saved_.empty();
  for (SavedTensor& s : ctx.saved_) s.reset();
}

void InplaceCall::finish(const Tensor& result, RecordedOp* node) {
  if (!result.is_same(self_)) autograd_runtime().copy_into(self_, result);
  self_.bump_version();
  ctx_.destination_ = Tensor();
  if (!node) return;
  for (SavedTensor& s : ctx_.saved_) {
    if (s.is_result()) s.refresh_version();
  }
  rebase_history(self_, NodeRef(node));
}

}  // namespace detail
}  // namespace plait
