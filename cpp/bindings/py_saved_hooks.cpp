// SPDX-License-Identifier: MIT
// Python functions that see every tensor that is saved for backward, and give it back: the stack behind
// autograd.graph.saved_tensors_hooks.
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "bindings/python_api.h"

namespace plait::python {
namespace {

// What the first function made of a tensor, and the second function, which makes the tensor of it again.
class PackedObject final : public PackedTensor {
 public:
  PackedObject(py::object packed, py::object unpack)
      : packed_(std::move(packed)), unpack_(std::move(unpack)) {}
  Tensor unpack() override {
    const InPython python;
    const py::object t = unpack_.get()(packed_.get());
    PLAIT_CHECK(is_tensor(t.ptr()), kType,
                "saved_tensors_hooks: expected unpack_hook to return a Tensor, got ",
                Py_TYPE(t.ptr())->tp_name);
    return tensor_of(t.ptr());
  }

 private:
  GilObject packed_, unpack_;
};

class PythonHooks final : public SavedTensorHooks {
 public:
  PythonHooks(py::object pack, py::object unpack) : pack_(std::move(pack)), unpack_(std::move(unpack)) {}
  std::unique_ptr<PackedTensor> pack(const Tensor& detached) override {
    const InPython python;
    py::object packed = pack_.get()(py::cast(detached));
    return std::make_unique<PackedObject>(std::move(packed),
                                          py::reinterpret_borrow<py::object>(unpack_.get()));
  }

  py::tuple functions() const { return py::make_tuple(pack_.get(), unpack_.get()); }

 private:
  GilObject pack_, unpack_;
};

struct ThreadHooks {
  std::vector<std::unique_ptr<PythonHooks>> stack;  // the last are in force
  std::vector<std::string> refusals;                // why hooks are not allowed, the last counts
};
ThreadHooks& thread_hooks() {
  // Never freed: its objects need the interpreter.
  thread_local auto* hooks = new ThreadHooks;
  return *hooks;
}

void in_force() {
  const auto& stack = thread_hooks().stack;
  set_saved_tensor_hooks(stack.empty() ? nullptr : stack.back().get());
}

void push(py::object pack, py::object unpack) {
  ThreadHooks& hooks = thread_hooks();
  PLAIT_CHECK(hooks.refusals.empty(), kRuntime, "saved_tensors_hooks: ", hooks.refusals.back());
  hooks.stack.push_back(std::make_unique<PythonHooks>(std::move(pack), std::move(unpack)));
  in_force();
}

void pop() {
  thread_hooks().stack.pop_back();
  in_force();
}

// The pair in force, or None.
py::object innermost() {
  const auto& stack = thread_hooks().stack;
  return stack.empty() ? py::object(py::none()) : py::object(stack.back()->functions());
}

void refuse(std::string why) {
  ThreadHooks& hooks = thread_hooks();
  PLAIT_CHECK(hooks.stack.empty(), kRuntime, "disable_saved_tensors_hooks: ", why);
  hooks.refusals.push_back(std::move(why));
}

}  // namespace

void init_saved_hooks(py::module_& m) {
  m.def("_backward_run", &current_backward_run);
  m.def("_backward_reaches", &backward_reaches);
  m.def("_bump_version", [](const Tensor& t) { t.bump_version(); });
  m.def("_push_saved_tensor_hooks", &push);
  m.def("_pop_saved_tensor_hooks", &pop);
  m.def("_saved_tensor_hooks", &innermost);
  m.def("_refuse_saved_tensor_hooks", &refuse);
  m.def("_allow_saved_tensor_hooks", [] { thread_hooks().refusals.pop_back(); });
}

}  // namespace plait::python
