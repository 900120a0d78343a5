// SPDX-License-Identifier: MIT
#include "autograd/meta.h"

#include <pthread.h>

#include <algorithm>
#include <mutex>

#include "autograd/runtime.h"

namespace plait {
namespace {

std::mutex& accumulator_mutex() {
  static std::mutex* m = new std::mutex;
  return *m;
}
void lock_accumulators() { accumulator_mutex().lock(); }
void unlock_accumulators() { accumulator_mutex().unlock(); }
// No lock is inherited by a forked child.
[[maybe_unused]] const int g_fork_handlers =
    pthread_atfork(lock_accumulators, unlock_accumulators, unlock_accumulators);

// Gradients of a tensor that was overwritten through a view: inside the view's elements the in-place op's own
// backward applies, outside the gradient passes unchanged.
class CopySlices final : public Node {
 public:
  CopySlices(const Tensor& base, const Tensor& view, NodeRef inner)
      : base_strides_(base.strides()),
        base_shape_(base.shape()),
        shape_(view.shape()),
        strides_(view.strides()),
        offset_(view.offset() - offset_of(base, view.dtype())),
        dtype_(view.dtype()),
        inner_(std::move(inner)) {
    edges().push_back(gradient_edge(base));
    for (size_t i = 1; i < inner_->edges().size(); ++i) edges().push_back(inner_->edges()[i]);
    results().push_back({base.shape(), base.dtype()});
  }

  const char* name() const override { return "CopySlices"; }

  Grads backward(Grads gys, EdgeSet unwanted) override {
    const AutogradRuntime& run = autograd_runtime();
    // gx = gy outside the view; inside it, what the in-place op passes on.
    const Tensor gy = dense_like_base(gys[0]);
    const Tensor g_view = run.clone(run.as_strided(gy, shape_, strides_, offset_, dtype_));
    Grads inner = inner_->backward({g_view}, unwanted);
    Grads out(edges().size());
    if (edges()[0].node && !unwanted.contains(0)) {
      const Tensor passed = inner[0].defined() ? inner[0] : run.zeros(shape_, dtype_);
      // gy - scatter(g_view) + scatter(passed), as one scatter of the difference: recorded when it must be.
      out[0] = scatter(gy, passed);
    }
    for (size_t i = 1; i < out.size() && i < inner.size(); ++i) out[i] = std::move(inner[i]);
    return out;
  }

  void release_saved() override { inner_->release_saved(); }

 private:
  Tensor dense_like_base(const Tensor& gy) const {
    if (gy.strides() == base_strides_) return gy;
    if (grad_enabled() && requires_grad(gy)) return gy.is_contiguous() ? gy : autograd_runtime().clone(gy);
    const Tensor t = Tensor::empty_strided(base_shape_, base_strides_, gy.dtype());
    autograd_runtime().copy_into(t, gy);
    return t;
  }
  Tensor scatter(const Tensor& gy, const Tensor& passed) const {
    const AutogradRuntime& run = autograd_runtime();
    const Tensor result = run.clone(gy);
    // In place on a view of a fresh tensor: recorded through the same mechanism under create_graph.
    run.copy(run.as_strided(result, shape_, strides_, offset_, dtype_), passed);
    return result;
  }

  // The offset of t in elements of a view's dtype, which may show a complex tensor's parts or the reverse.
  static int64_t offset_of(const Tensor& t, DType view) {
    return t.offset() * static_cast<int64_t>(t.item_size()) / static_cast<int64_t>(item_size(view));
  }

  Dims base_strides_, base_shape_, shape_, strides_;
  int64_t offset_;
  DType dtype_;
  NodeRef inner_;
};

void drop_retain_hook(AutogradMeta& meta) {
  if (!meta.retains_grad || !meta.grad_fn) return;
  if (Node::Hooks* hooks = meta.grad_fn->hooks_or_null()) {
    std::erase_if(hooks->retain, [&](const auto& h) { return h.id == meta.retain_id; });
  }
}

void put_retain_hook(const Tensor& t, AutogradMeta& meta) {
  meta.retain_id = next_hook_id();
  TensorImpl* impl = t.impl();  // the hook goes before the tensor does: see ~AutogradMeta
  const auto keep = [impl, slot = meta.slot](Grads& gys) {
    if (slot >= gys.size() || !gys[slot].defined()) return;
    static_cast<AutogradMeta*>(impl->autograd.get())->grad = gys[slot];
  };
  meta.grad_fn->hooks().retain.push_back({meta.retain_id, keep});
}

}  // namespace

AutogradMeta::~AutogradMeta() {
  drop_retain_hook(*this);
  if (accumulator) accumulator->forget_leaf();
}

AutogradMeta& ensure_meta(const Tensor& t) {
  if (!t.impl()->autograd) t.impl()->autograd = std::make_unique<AutogradMeta>();
  return *meta_of(t);
}

bool is_view(const Tensor& t) {
  const AutogradMeta* m = meta_of(t);
  return m && m->base.defined();
}

bool requires_grad(const Tensor& t) {
  const AutogradMeta* m = meta_of(t);
  if (!m) return false;
  if (m->requires_grad) return true;
  if (!m->base.defined() || !requires_grad(m->base)) return false;
  // A view made without grad mode is outside the graph until a recorded op rewrites its base.
  return !m->view_without_grad || (m->view_version != t.version() && !is_leaf(m->base));
}

void set_requires_grad(const Tensor& t, bool on) {
  if (!on && !meta_of(t)) return;
  PLAIT_CHECK(!on || t.is_differentiable(), kRuntime,
              "requires_grad_: only Tensors of floating point and complex dtype can require gradients, got ",
              dtype_name(t.dtype()));
  PLAIT_CHECK(
      on || is_leaf(t), kRuntime,
      "requires_grad_: you can only change requires_grad flags of leaf variables\nhint: use x.detach()");
  PLAIT_CHECK(!on || !t.is_inference() || inference_mode_enabled(), kRuntime,
              "requires_grad_: Setting requires_grad=True on inference tensor outside InferenceMode is not "
              "allowed.\nhint: clone() it for a normal tensor");
  AutogradMeta& meta = ensure_meta(t);
  if (is_leaf(t)) meta.requires_grad = on;
}

bool is_leaf(const Tensor& t) { return !grad_fn(t); }

NodeRef grad_fn(const Tensor& t) {
  AutogradMeta* m = meta_of(t);
  if (!m) return {};
  if (m->base.defined() && m->view_version != t.version() && requires_grad(m->base) && !is_leaf(m->base)) {
    // The base was changed in place since: what this view shows is now a slice of the new base.
    GradModeGuard guard(true);
    const Tensor fresh =
        autograd_runtime().as_strided(m->base, t.shape(), t.strides(), t.offset(), t.dtype());
    const AutogradMeta* f = meta_of(fresh);
    m->grad_fn = f->grad_fn;
    m->slot = f->slot;
    m->requires_grad = true;
    m->view_version = t.version();
  }
  return m->grad_fn;
}

Edge gradient_edge(const Tensor& t) {
  AutogradMeta* m = meta_of(t);
  if (!m || !requires_grad(t)) return {};
  if (NodeRef fn = grad_fn(t)) return {std::move(fn), m->slot};
  std::lock_guard<std::mutex> lock(accumulator_mutex());
  if (!m->accumulator) {
    m->accumulator = Ref<AccumulateGrad>(new AccumulateGrad(t.impl()));
    m->accumulator->results().push_back({t.shape(), t.dtype()});
  }
  return {NodeRef(m->accumulator.get()), 0};
}

void set_history(const Tensor& t, const NodeRef& node, uint32_t slot) {
  AutogradMeta& meta = ensure_meta(t);
  drop_retain_hook(meta);
  meta.grad_fn = node;
  meta.slot = slot;
  meta.requires_grad = static_cast<bool>(node);
  meta.view_version = t.version();
  if (meta.retains_grad && node) put_retain_hook(t, meta);
}

void mark_view(const Tensor& view, const Tensor& base) {
  if (inference_mode_enabled() && view.is_inference()) return;
  AutogradMeta& meta = ensure_meta(view);
  const AutogradMeta* base_meta = meta_of(base);
  meta.base = base_meta && base_meta->base.defined() ? base_meta->base : base;
  meta.view_version = view.version();
  const bool of_view = base_meta && base_meta->base.defined();
  meta.view_without_grad = !grad_enabled() || (of_view && base_meta->view_without_grad);
  meta.view_untracked = meta.view_without_grad || (of_view && base_meta->view_untracked);
}

void check_inference_write(const char* op, const Tensor& t) {
  PLAIT_CHECK(!t.is_inference() || inference_mode_enabled(), kRuntime, op,
              ": Inplace update to inference tensor outside InferenceMode is not allowed.\n"
              "hint: clone() it for a normal tensor, or change it in inference_mode()");
}

void check_inplace(const char* op, const Tensor& t, bool records, bool shared) {
  PLAIT_CHECK(!t.storage()->read_only(), kValue, op,
              ": the tensor shares read-only memory and cannot be changed in place\nhint: clone() it first");
  PLAIT_CHECK(
      shared || !has_internal_overlap(t), kRuntime, op,
      ": unsupported operation: more than one element of the written-to tensor refers to a single memory "
      "location (shape ",
      t.shape(), ", strides ", t.strides(), ")\nhint: clone() the tensor first");
  check_inference_write(op, t);
  if (!grad_enabled()) return;
  const AutogradMeta* m = meta_of(t);
  if (!m) return;
  PLAIT_CHECK(!(m->requires_grad && !m->grad_fn), kRuntime, op,
              ": a leaf Variable that requires grad is being used in an in-place operation.\n"
              "hint: change it under no_grad(), or change x.detach()");
  if (!m->base.defined()) return;
  PLAIT_CHECK(!(requires_grad(m->base) && is_leaf(m->base)), kRuntime, op,
              ": a view of a leaf Variable that requires grad is being used in an in-place operation.\n"
              "hint: change it under no_grad(), or work on a clone()");
  PLAIT_CHECK(
      !(m->view_untracked && (records || requires_grad(m->base))), kRuntime, op,
      ": a view made under no_grad() is being changed in place with grad mode on\nhint: make the view again "
      "outside no_grad(), or clone() it");
}

void rebase_history(const Tensor& t, const NodeRef& node) {
  AutogradMeta& meta = ensure_meta(t);
  node->results().assign(1, {t.shape(), t.dtype()});
  if (!meta.base.defined()) {
    set_history(t, node, 0);
    return;
  }
  const Tensor base = meta.base;
  const NodeRef slices(new CopySlices(base, t, node));
  set_history(base, slices, 0);
  meta.view_version = t.version() - 1;  // stale: grad_fn(t) makes a new one from the base
  meta.requires_grad = true;
  grad_fn(t);
}

Tensor become(const char* op, const Tensor& t, const Tensor& view) {
  const Edge edge = grad_enabled() ? gradient_edge(view) : Edge{};
  check_inplace(op, t, static_cast<bool>(edge.node), true);  // the memory stays as it is
  t.set_data(view);
  if (edge.node) set_history(t, edge.node, edge.slot);
  return t;
}

Tensor detach(const Tensor& t) {
  Tensor d = t.alias();
  d.impl()->wrapped_number = false;
  return d;
}

Grads AccumulateGrad::backward(Grads gys, EdgeSet) {
  const Tensor leaf = variable();
  Tensor& g = gys[0];
  if (!leaf.defined() || !g.defined()) return {};
  AutogradMeta& meta = *meta_of(leaf);
  const AutogradRuntime& run = autograd_runtime();
  if (!meta.grad.defined()) {
    // The buffer is taken over when nobody else can see it and it is laid out like the leaf.
    const bool ours = g.impl()->refs.load() == 1 && g.storage()->use_count() == 1 && is_dense(g);
    if (grad_enabled() || g.is_sparse()) {
      meta.grad = g;
    } else {
      meta.grad = ours && g.strides() == leaf.strides() ? std::move(g) : run.clone(detach(g));
    }
  } else if (grad_enabled() || g.is_sparse() || meta.grad.is_sparse()) {
    meta.grad = run.add(meta.grad, g);
  } else {
    run.add_into(meta.grad, g);
    meta.grad.bump_version();
  }
  for (const auto& hook : post_accumulate) hook.run(leaf);
  return {};
}

int64_t add_tensor_hook(const Tensor& t, std::function<Tensor(const Tensor&)> f, void* held) {
  PLAIT_CHECK(requires_grad(t), kRuntime,
              "register_hook: cannot register a hook on a tensor that doesn't require gradient");
  const Edge edge = gradient_edge(t);
  const int64_t id = next_hook_id();
  const auto replace = [f = std::move(f), slot = edge.slot](Grads& gys) {
    if (slot >= gys.size() || !gys[slot].defined()) return;
    Tensor replacement = f(gys[slot]);
    if (!replacement.defined()) return;
    PLAIT_CHECK(replacement.shape() == gys[slot].shape(), kRuntime, "hook: expected a gradient of shape ",
                gys[slot].shape(), ", got ", replacement.shape());
    gys[slot] = std::move(replacement);
  };
  edge.node->hooks().pre.push_back({id, replace, held});
  return id;
}

int64_t add_post_accumulate_hook(const Tensor& t, std::function<void(const Tensor&)> f, void* held) {
  PLAIT_CHECK(requires_grad(t) && is_leaf(t), kRuntime,
              "register_post_accumulate_grad_hook: expected a leaf tensor that requires grad");
  gradient_edge(t);
  const int64_t id = next_hook_id();
  meta_of(t)->accumulator->post_accumulate.push_back({id, std::move(f), held});
  return id;
}

void remove_tensor_hook(const Tensor& t, int64_t id) {
  const AutogradMeta* m = meta_of(t);
  if (!m) return;
  const auto is_it = [&](const auto& h) { return h.id == id; };
  if (m->accumulator) std::erase_if(m->accumulator->post_accumulate, is_it);
  for (Node* node : {m->grad_fn.get(), static_cast<Node*>(m->accumulator.get())}) {
    if (node && node->hooks_or_null()) std::erase_if(node->hooks().pre, is_it);
  }
}

void retain_grad(const Tensor& t) {
  PLAIT_CHECK(requires_grad(t), kRuntime,
              "retain_grad: can't retain_grad on Tensor that has requires_grad=False");
  if (is_leaf(t)) return;
  grad_fn(t);
  AutogradMeta& meta = *meta_of(t);
  if (meta.retains_grad) return;
  meta.retains_grad = true;
  put_retain_hook(t, meta);
}

}  // namespace plait
