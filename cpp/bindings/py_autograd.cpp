// SPDX-License-Identifier: MIT
// backward(), grad(), grad modes, hooks, graph nodes, and the node behind autograd.Function.
//
// The engine runs without the GIL and takes it back where a node or a hook is a Python function. Those
// functions are held by GilObject, since a graph may die on a thread that does not hold the GIL.
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "autograd/engine.h"
#include "autograd/op.h"
#include "bindings/call_args.h"
#include "bindings/python_api.h"
#include "ops/create/create.h"

PYBIND11_DECLARE_HOLDER_TYPE(T, plait::Ref<T>, true)

namespace plait::python {
namespace {

// ---- Autograd.Function ----

// Runs cls.backward(ctx, *gys). The saved tensors live here, not in ctx, so that results of the function
// itself can be saved without a cycle.
class FunctionNode final : public Node {
 public:
  FunctionNode(py::object ctx, std::string name) : ctx_(std::move(ctx)), name_(std::move(name)) {}

  const char* name() const override { return name_.c_str(); }
  std::string shown_name() const override { return name_; }
  bool wants_all_grads() const override { return materialize; }
  void* held_object() const override { return ctx_.get().ptr(); }

  Grads backward(Grads gys, EdgeSet) override {
    if (released_) detail::freed_twice(name());
    const InPython python;
    py::tuple unpacked(saved.size());
    for (size_t i = 0; i < saved.size(); ++i) unpacked[i] = py::cast(saved[i].unpack(this));
    py::tuple args(gys.size());
    for (size_t i = 0; i < gys.size(); ++i) args[i] = is_plain[i] ? py::none() : py::cast(gys[i]);
    py::object result = ctx_.get().attr("_run_backward")(unpacked, args);
    if (!py::isinstance<py::tuple>(result)) result = py::make_tuple(result);
    const auto out = result.cast<py::tuple>();
    size_t given = out.size();
    while (given > n_args && out[given - 1].is_none()) --given;  // extra trailing None are allowed
    PLAIT_CHECK(given == n_args, kRuntime, "function ", name_,
                " returned an incorrect number of gradients (expected ", n_args, ", got ", given, ")");
    Grads gxs;
    for (size_t arg : tensor_args) {
      py::handle g = out[arg];
      PLAIT_CHECK(g.is_none() || is_tensor(g.ptr()), kType, "function ", name_,
                  ": expected a Tensor or None as gradient ", arg, ", got ", Py_TYPE(g.ptr())->tp_name);
      gxs.push_back(g.is_none() ? Tensor() : tensor_of(g.ptr()));
    }
    return gxs;
  }

  void release_saved() override {
    released_ = !saved.empty();
    for (SavedTensor& s : saved) s.reset();
  }

  std::vector<SavedTensor> saved;
  std::vector<size_t> tensor_args;  // positions of the tensor arguments among all
  std::vector<bool> is_plain;       // by result: no tensor, so that no gradient comes
  size_t n_args = 0;
  bool materialize = true;

 private:
  GilObject ctx_;
  std::string name_;
  bool released_ = false;
};

bool contains(const std::vector<Tensor>& list, const Tensor& t) {
  for (const Tensor& other : list) {
    if (other.is_same(t)) return true;
  }
  return false;
}

// What forward said about its tensors.
struct Marks {
  std::vector<Tensor> inputs, dirty, non_differentiable;
};

// Makes `y` result number `slot` of the node. Returns the tensor to hand out.
Tensor connect_output(Tensor y, FunctionNode* node, uint32_t slot, const Marks& marks) {
  const bool differentiable = y.is_differentiable() && !contains(marks.non_differentiable, y);
  const bool is_input = contains(marks.inputs, y);
  const bool in_place = is_input && contains(marks.dirty, y);
  if (is_input && !in_place) y = y.alias();  // an input handed through is a view of it
  node->results()[slot] = {y.shape(), y.dtype()};
  if (!differentiable) return y;
  if (in_place && is_view(y)) {
    rebase_history(y, NodeRef(node));
  } else {
    set_history(y, NodeRef(node), slot);
  }
  return y;
}

void save_tensors(const std::vector<Tensor>& to_save, const std::vector<Tensor>& results,
                  FunctionNode* node) {
  for (const Tensor& t : to_save) {
    const auto found = std::find_if(results.begin(), results.end(),
                                    [&](const Tensor& y) { return t.defined() && y.is_same(t); });
    node->saved.push_back(found == results.end()
                              ? SavedTensor::input(t)
                              : SavedTensor::result(t, static_cast<uint32_t>(found - results.begin())));
  }
}

// Connects what forward returned. Returns the results that the caller should hand out.
py::list connect_function(py::object ctx, std::string name, py::tuple args, py::list outputs,
                          std::vector<Tensor> to_save, std::vector<Tensor> dirty,
                          std::vector<Tensor> non_differentiable, bool materialize) {
  auto* node = new FunctionNode(std::move(ctx), std::move(name));
  const NodeRef keep(node);
  node->n_args = args.size();
  node->materialize = materialize;
  Marks marks{{}, std::move(dirty), std::move(non_differentiable)};
  for (size_t i = 0; i < args.size(); ++i) {
    if (!is_tensor(args[i].ptr())) continue;
    marks.inputs.push_back(tensor_of(args[i].ptr()));
    node->tensor_args.push_back(i);
    node->edges().push_back(gradient_edge(marks.inputs.back()));
  }
  for (const Tensor& t : marks.dirty) {
    check_inference_write("mark_dirty", t);
    t.bump_version();
  }
  py::list results;
  std::vector<Tensor> tensors;  // undefined where a result is none
  for (py::handle o : outputs) {
    node->is_plain.push_back(!is_tensor(o.ptr()));
    node->results().emplace_back();
    tensors.emplace_back();
    if (node->is_plain.back()) {
      results.append(o);
      continue;
    }
    const auto slot = static_cast<uint32_t>(tensors.size() - 1);
    tensors.back() = connect_output(tensor_of(o.ptr()), node, slot, marks);
    results.append(py::cast(tensors.back()));
  }
  save_tensors(to_save, tensors, node);
  return results;
}

// ---- Backward and grad ----

std::vector<Tensor> tensor_list(py::handle o, const char* op, const char* what) {
  if (is_tensor(o.ptr())) return {tensor_of(o.ptr())};
  std::vector<Tensor> list;
  if (o.is_none()) return list;
  PLAIT_CHECK(py::isinstance<py::iterable>(o), kType, op, ": expected a Tensor or a sequence of Tensors as ",
              what, ", got ", Py_TYPE(o.ptr())->tp_name);
  for (py::handle item : py::reinterpret_borrow<py::iterable>(o)) {
    PLAIT_CHECK(item.is_none() || is_tensor(item.ptr()), kType, op, ": expected Tensors in ", what, ", got ",
                Py_TYPE(item.ptr())->tp_name);
    list.push_back(item.is_none() ? Tensor() : tensor_of(item.ptr()));
  }
  return list;
}

void backward(py::object tensors, py::object gradients, py::object retain_graph, bool create_graph,
              py::object inputs) {
  const std::vector<Tensor> roots = tensor_list(tensors, "backward", "tensors");
  const std::vector<Tensor> seeds = tensor_list(gradients, "backward", "grad_tensors");
  PLAIT_CHECK(seeds.empty() || seeds.size() == roots.size(), kRuntime, "backward: got ", roots.size(),
              " tensors and ", seeds.size(), " gradients");
  const std::vector<Tensor> targets = tensor_list(inputs, "backward", "inputs");
  PLAIT_CHECK(inputs.is_none() || !targets.empty(), kRuntime,
              "backward: 'inputs' argument to backward() cannot be empty.");
  BackwardOptions options;
  options.create_graph = create_graph;
  options.retain_graph = retain_graph.is_none() ? create_graph : retain_graph.cast<bool>();
  options.inputs = targets.empty() ? nullptr : &targets;
  GraphUnlocked unlocked;
  run_backward(roots, seeds, options);
}

py::tuple grad(py::object outputs, py::object inputs, py::object grad_outputs, py::object retain_graph,
               bool create_graph, py::object allow_unused, bool, bool materialize_grads) {
  const std::vector<Tensor> roots = tensor_list(outputs, "grad", "outputs");
  const std::vector<Tensor> targets = tensor_list(inputs, "grad", "inputs");
  const std::vector<Tensor> seeds = tensor_list(grad_outputs, "grad", "grad_outputs");
  PLAIT_CHECK(seeds.empty() || seeds.size() == roots.size(), kRuntime, "grad: got ", roots.size(),
              " outputs and ", seeds.size(), " grad_outputs");
  PLAIT_CHECK(!targets.empty(), kRuntime, "grad: expected at least one input");
  BackwardOptions options;
  options.create_graph = create_graph;
  options.retain_graph = retain_graph.is_none() ? create_graph : retain_graph.cast<bool>();
  options.allow_unused = allow_unused.is_none() ? materialize_grads : allow_unused.cast<bool>();
  options.accumulate = false;
  options.inputs = &targets;
  Grads gxs;
  {
    GraphUnlocked unlocked;
    gxs = run_backward(roots, seeds, options);
  }
  py::tuple out(gxs.size());
  for (size_t i = 0; i < gxs.size(); ++i) {
    if (!gxs[i].defined() && materialize_grads) {
      gxs[i] = zeros(targets[i].shape(), targets[i].dtype());
    }
    out[i] = py::cast(gxs[i]);
  }
  return out;
}

// ---- Nodes ----

std::shared_ptr<GilObject> hold(py::object o) { return std::make_shared<GilObject>(std::move(o)); }

int64_t node_prehook(Node& node, py::object f) {
  const int64_t id = next_hook_id();
  void* held = f.ptr();
  const auto run = [f = hold(std::move(f))](Grads& gys) {
    const InPython python;
    py::tuple args(gys.size());
    for (size_t i = 0; i < gys.size(); ++i) args[i] = py::cast(gys[i]);
    py::object r = f->get()(args);
    if (r.is_none()) return;
    gys = tensor_list(r, "hook", "the result");
  };
  node.hooks().pre.push_back({id, run, held});
  return id;
}

int64_t node_hook(Node& node, py::object f) {
  const int64_t id = next_hook_id();
  void* held = f.ptr();
  const auto run = [f = hold(std::move(f))](Grads& gxs, const Grads& gys) {
    const InPython python;
    py::tuple in(gxs.size()), out(gys.size());
    for (size_t i = 0; i < gxs.size(); ++i) in[i] = py::cast(gxs[i]);
    for (size_t i = 0; i < gys.size(); ++i) out[i] = py::cast(gys[i]);
    py::object r = f->get()(in, out);
    if (r.is_none()) return;
    gxs = tensor_list(r, "hook", "the result");
  };
  node.hooks().post.push_back({id, run, held});
  return id;
}

std::string shown_node(const Node& n) {
  std::ostringstream text;
  text << "<" << n.shown_name() << " object at " << static_cast<const void*>(&n) << ">";
  return text.str();
}

// Programs that draw graphs read type(node).__name__: a class for each name, derived from Node. Layout,
// allocator and deallocator are Node's, so that __class__ of a Node may be assigned.
PyObject* class_of_nodes(const std::string& name) {
  static auto* classes =
      new std::map<std::string, PyObject*>;  // never freed: nodes may outlive the interpreter
  const auto found = classes->try_emplace("builtins." + name, nullptr).first;
  if (found->second) return found->second;
  const py::handle base = py::type::of<Node>();
  const auto* type = reinterpret_cast<PyTypeObject*>(base.ptr());
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(type->tp_dealloc)}, {0, nullptr}};
  PyType_Spec spec = {found->first.c_str(), static_cast<int>(type->tp_basicsize), 0, Py_TPFLAGS_DEFAULT,
                      slots};
  found->second = PyType_FromSpecWithBases(&spec, base.ptr());
  if (!found->second) throw py::error_already_set();
  py::handle(found->second).attr("__name__") = name;  // shown without a module
  return found->second;
}

py::object node_object(const NodeRef& node) {
  if (!node) return py::none();
  py::object o = py::cast(node);
  if (py::type::handle_of(o).is(py::type::of<Node>())) {
    o.attr("__class__") = py::handle(class_of_nodes(node->shown_name()));
  }
  return o;
}

py::tuple next_functions(const Node& n) {
  py::tuple out(n.edges().size());
  for (size_t i = 0; i < n.edges().size(); ++i) {
    const Edge& e = n.edges()[i];
    out[i] = py::make_tuple(node_object(e.node), e.slot);
  }
  return out;
}

py::object node_variable(const Node& n) {
  const auto* a = dynamic_cast<const AccumulateGrad*>(&n);
  if (!a) throw py::attribute_error("variable");
  return py::cast(a->variable());
}

void remove_node_hook(Node& n, int64_t id) {
  std::erase_if(n.hooks().pre, [&](const auto& h) { return h.id == id; });
  std::erase_if(n.hooks().post, [&](const auto& h) { return h.id == id; });
}

// ---- Hooks of tensors ----

int64_t tensor_hook(const Tensor& t, py::object f) {
  void* held = f.ptr();
  const auto run = [f = hold(std::move(f))](const Tensor& g) -> Tensor {
    const InPython python;
    py::object r = f->get()(py::cast(g));
    if (r.is_none()) return {};
    PLAIT_CHECK(is_tensor(r.ptr()), kType, "hook: expected a Tensor or None, got ",
                Py_TYPE(r.ptr())->tp_name);
    return tensor_of(r.ptr());
  };
  return add_tensor_hook(t, run, held);
}

int64_t post_accumulate_hook(const Tensor& t, py::object f) {
  void* held = f.ptr();
  const auto run = [f = hold(std::move(f))](const Tensor& leaf) {
    const InPython python;
    f->get()(py::cast(leaf));
  };
  return add_post_accumulate_hook(t, run, held);
}

// ---- What Python sees ----

constexpr const char* kBackwardDoc =
    R"(backward(gradient=None, retain_graph=None, create_graph=False, inputs=None)

Add the gradient of this tensor with respect to each leaf that requires grad to the leaf's .grad.

`gradient`, of this tensor's shape, is the gradient of the final result with respect to this tensor; it may be left
out for a tensor with one element. The graph is freed unless retain_graph is True. With create_graph the gradients are
recorded themselves, so that they can be differentiated again. `inputs` limits the leaves.

Raises:
    RuntimeError: the tensor does not require grad, is no scalar and has no gradient=, the graph was freed, or a saved
        tensor was changed in place.

Example:
    >>> x = plait.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
)";

void add_node_type(py::module_& m) {
  py::class_<Node, NodeRef>(m, "Node", "A step of the graph that backward() runs.")
      .def("name", &Node::shown_name, "Name of the step, e.g. 'MulBackward0'.")
      .def("__repr__", &shown_node)
      .def_property_readonly("next_functions", &next_functions,
                             "(node, index) for each input of the op; (None, 0) where no gradient goes.")
      .def_property_readonly("variable", &node_variable, "The leaf tensor of an AccumulateGrad node.")
      .def("_register_hook", &node_hook)
      .def("_register_prehook", &node_prehook)
      .def("_remove_hook", &remove_node_hook);
}

void add_functions(py::module_& m) {
  m.def("_backward", &backward, py::arg("tensors"), py::arg("grad_tensors") = py::none(),
        py::arg("retain_graph") = py::none(), py::arg("create_graph") = false,
        py::arg("inputs") = py::none());
  m.def("_grad", &grad, py::arg("outputs"), py::arg("inputs"), py::arg("grad_outputs") = py::none(),
        py::arg("retain_graph") = py::none(), py::arg("create_graph") = false,
        py::arg("allow_unused") = py::none(), py::arg("is_grads_batched") = false,
        py::arg("materialize_grads") = false);
  m.def("_connect_function", &connect_function);
  m.def("_register_hook", &tensor_hook);
  m.def("_register_post_accumulate_hook", &post_accumulate_hook);
  m.def("_remove_hook", &remove_tensor_hook);
}

void add_modes(py::module_& m) {
  // 0: off, 1: on, 2: on and NaN gradients raise.
  m.def("_anomaly_mode", [] { return static_cast<int>(anomaly_mode()); });
  m.def("_set_anomaly_mode", [](int mode) { set_anomaly_mode(static_cast<AnomalyMode>(mode)); });
  m.def("is_grad_enabled", &grad_enabled, "Whether ops of this thread are recorded.");
  // Nothing is recorded in inference mode, whatever is asked for inside.
  m.def(
      "_set_grad_enabled", [](bool on) { set_grad_enabled(on && !inference_mode_enabled()); },
      py::arg("mode"));
  m.def("is_inference_mode_enabled", &inference_mode_enabled, "Whether inference mode is on in this thread.");
  m.def("_set_inference_mode", &set_inference_mode, py::arg("mode"));
}

void add_tensor_attributes() {
  py::handle type(reinterpret_cast<PyObject*>(tensor_type));
  type.attr("grad_fn") = overridable_property(
      py::cpp_function([](const Tensor& t) -> py::object { return node_object(grad_fn(t)); }));
  type.attr("backward") = overridable(py::cpp_function(
      [](py::object self, py::object gradient, py::object retain_graph, bool create_graph,
         py::object inputs) {
        if (!gradient.is_none()) gradient = py::make_tuple(gradient);
        backward(self, gradient, retain_graph, create_graph, inputs);
      },
      py::name("backward"), py::is_method(type), py::arg("gradient") = py::none(),
      py::arg("retain_graph") = py::none(), py::arg("create_graph") = false, py::arg("inputs") = py::none(),
      kBackwardDoc));
}

}  // namespace

void init_autograd(py::module_& m) {
  add_node_type(m);
  add_functions(m);
  add_modes(m);
  add_tensor_attributes();
}

}  // namespace plait::python
