// SPDX-License-Identifier: MIT
// The autograd state of a tensor, and the questions asked of it.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/node.h"
#include "core/tensor.h"

namespace plait {

// A leaf's end of the graph: adds what arrives to the leaf's gradient. Owned by the leaf, which clears the
// way back when it dies.
class AccumulateGrad final : public Node {
 public:
  explicit AccumulateGrad(TensorImpl* leaf) : leaf_(leaf) {}
  Grads backward(Grads gys, EdgeSet unwanted) override;
  const char* name() const override { return "AccumulateGrad"; }
  void forget_leaf() { leaf_ = nullptr; }
  Tensor variable() const { return leaf_ ? Tensor(Ref<TensorImpl>(leaf_)) : Tensor(); }

  // Called with the leaf after a gradient has been accumulated.
  std::vector<Hook<void(const Tensor&)>> post_accumulate;

 private:
  TensorImpl* leaf_;
};

struct AutogradMeta final : AutogradMetaBase, Pooled<AutogradMeta> {
  ~AutogradMeta() override;

  bool requires_grad = false;
  bool retains_grad = false;
  int64_t retain_id = 0;           // of the hook that retain_grad() put on grad_fn
  bool view_without_grad = false;  // a view made without grad mode, or a view of one
  bool view_untracked = false;     // the same, or one of several results: not to be changed in place
  uint32_t slot = 0;               // which result of grad_fn this tensor is
  uint32_t view_version = 0;       // version of the storage at which grad_fn was last right for this view
  Tensor grad;
  NodeRef grad_fn;                  // null for a leaf
  Ref<AccumulateGrad> accumulator;  // of a leaf, made when first needed
  Tensor base;                      // of a view: the tensor it shows, never itself a view
};

inline AutogradMeta* meta_of(const Tensor& t) { return static_cast<AutogradMeta*>(t.impl()->autograd.get()); }
AutogradMeta& ensure_meta(const Tensor& t);

// A leaf that asked for a gradient, or the result of a recorded op.
bool requires_grad(const Tensor& t);
// Throws for dtypes of integers and, when turning off, for non-leaves.
void set_requires_grad(const Tensor& t, bool on);
bool is_leaf(const Tensor& t);
bool is_view(const Tensor& t);
// The node that made t; for a view of a tensor that was changed in place since, a fresh one. Null for a leaf.
NodeRef grad_fn(const Tensor& t);
// Where the gradient of t goes: grad_fn's slot, the accumulator of a leaf that requires grad, or nowhere.
Edge gradient_edge(const Tensor& t);
// Makes t result number `slot` of node.
void set_history(const Tensor& t, const NodeRef& node, uint32_t slot);

// Marks `view` as a view of `base`, for in-place changes of either.
void mark_view(const Tensor& view, const Tensor& base);
// Raises where `t` was made in inference mode and is about to be changed outside it.
void check_inference_write(const char* op, const Tensor& t);
// Checks that an in-place op may write to t, before anything changes. `shared`: elements may share memory.
void check_inplace(const char* op, const Tensor& t, bool records, bool shared = false);
// Records that `node` has replaced the values of t in place; for a view its base's history is rewritten too.
void rebase_history(const Tensor& t, const NodeRef& node);
// t takes over the shape and history of its view `view`: the in-place forms of views change what a handle
// shows, not the memory. Returns t.
Tensor become(const char* op, const Tensor& t, const Tensor& view);

// The same memory outside the graph.
Tensor detach(const Tensor& t);

// Hooks on the gradient of t; f returns a replacement or an undefined tensor to keep it. `held` as in Hook.
// Returns an id.
int64_t add_tensor_hook(const Tensor& t, std::function<Tensor(const Tensor&)> f, void* held);
int64_t add_post_accumulate_hook(const Tensor& t, std::function<void(const Tensor&)> f, void* held);
void remove_tensor_hook(const Tensor& t, int64_t id);
void retain_grad(const Tensor& t);

}  // namespace plait
