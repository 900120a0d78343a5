// SPDX-License-Identifier: MIT
// Tensors in Python's collector of cycles.
//
// The collector asks an object for the Python objects that it owns. A tensor owns its attributes; through the
// graph it owns hooks on its gradient and the context of the autograd.Function that made it, but only as long
// as nothing else owns the same part of the graph. So a part is shown only where the tensor holds its one
// reference; what is shared waits until the others are gone. Only the tensor's own node is looked at, so that
// a collection takes no longer for a long graph.
//
// Graphs change without the GIL while backward() or a long op runs. They are left alone then, which makes the
// collector believe that their objects are in use: it asks again next time.
#include "bindings/python_api.h"

namespace plait::python {
namespace {

// The autograd state, where this Python object is the only owner of the tensor and so of its state.
AutogradMeta* own_meta(PyObject* o) {
  const Tensor& t = tensor_of(o);
  if (GraphUnlocked::any() || !t.defined() || t.impl()->refs.load() != 1) return nullptr;
  return meta_of(t);
}

template <class Hooks>
int visit_hooks(const Hooks& hooks, visitproc visit, void* arg) {
  for (const auto& hook : hooks) Py_VISIT(static_cast<PyObject*>(hook.held));
  return 0;
}

int visit_node(const Node& node, visitproc visit, void* arg) {
  Py_VISIT(static_cast<PyObject*>(node.held_object()));
  const Node::Hooks* hooks = node.hooks_or_null();
  if (!hooks) return 0;
  if (const int stop = visit_hooks(hooks->pre, visit, arg)) return stop;
  return visit_hooks(hooks->post, visit, arg);
}

}  // namespace

int traverse_tensor(PyObject* o, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(o));
  Py_VISIT(reinterpret_cast<PyTensor*>(o)->dict);
  const AutogradMeta* meta = own_meta(o);
  if (!meta) return 0;
  if (meta->grad_fn && meta->grad_fn->refs() == 1) {
    if (const int stop = visit_node(*meta->grad_fn, visit, arg)) return stop;
  }
  if (meta->accumulator && meta->accumulator->refs() == 1) {
    if (const int stop = visit_node(*meta->accumulator, visit, arg)) return stop;
    return visit_hooks(meta->accumulator->post_accumulate, visit, arg);
  }
  return 0;
}

// Called for garbage alone. The tensor keeps its values: code that still sees it may use it.
int clear_tensor(PyObject* o) {
  if (own_meta(o)) {
    const std::unique_ptr<AutogradMetaBase> dropped = std::move(tensor_of(o).impl()->autograd);
  }
  Py_CLEAR(reinterpret_cast<PyTensor*>(o)->dict);
  return 0;
}

}  // namespace plait::python
