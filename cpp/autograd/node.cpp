// SPDX-License-Identifier: MIT
#include "autograd/node.h"

#include <atomic>
#include <cctype>
#include <string_view>
#include <utility>

#include "autograd/meta.h"
#include "autograd/runtime.h"

namespace plait {
namespace {

thread_local bool t_grad_enabled = true;
thread_local SavedTensorHooks* t_saved_tensor_hooks = nullptr;
std::atomic<AnomalyMode> anomaly{AnomalyMode::kOff};

}  // namespace

bool grad_enabled() { return t_grad_enabled; }
void set_grad_enabled(bool on) { t_grad_enabled = on; }
void set_inference_mode(bool on) {
  set_inference_mode_flag(on);
  t_grad_enabled = !on;
}

AnomalyMode anomaly_mode() { return anomaly.load(std::memory_order_relaxed); }
void set_anomaly_mode(AnomalyMode mode) { anomaly.store(mode, std::memory_order_relaxed); }

AutogradRuntime& autograd_runtime() {
  static AutogradRuntime runtime = {};
  return runtime;
}

namespace {

// Ops whose step has another name in PyTorch.
constexpr std::pair<std::string_view, std::string_view> kStepNames[] = {
    {"batch_norm", "native_batch_norm"},
    {"conv_transposed", "convolution"},
    {"cross_entropy", "nll_loss"},
    {"group_norm", "native_group_norm"},
    {"layer_norm", "native_layer_norm"},
    {"linalg.cholesky", "linalg_cholesky_ex"},
    {"linalg.inv", "linalg_inv_ex"},
    {"linalg.solve", "linalg_solve_ex"},
    {"logsigmoid", "log_sigmoid"},
    {"norm", "linalg_vector_norm"},
    {"to", "to_copy"},
};

}  // namespace

std::string Node::shown_name() const {
  std::string_view op = name();
  if (op == "AccumulateGrad" || op == "CopySlices") return std::string(op);
  for (const auto& [ours, shown] : kStepNames) {
    if (op == ours) op = shown;
  }
  std::string shown;
  bool upper = true;
  for (char c : op) {
    const bool separates = c == '_' || c == '.';
    if (!separates) shown += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = separates || std::isdigit(static_cast<unsigned char>(c));
  }
  return shown + "Backward0";
}

SavedTensorHooks* set_saved_tensor_hooks(SavedTensorHooks* hooks) {
  return std::exchange(t_saved_tensor_hooks, hooks);
}

int64_t next_hook_id() {
  static std::atomic<int64_t> next{1};
  return next.fetch_add(1);
}

void Node::destroy(Node* node) noexcept {
  thread_local std::vector<Node*> dying;
  thread_local bool busy = false;
  if (busy) {
    dying.push_back(node);
    return;
  }
  busy = true;
  delete node;
  while (!dying.empty()) {
    Node* next = dying.back();
    dying.pop_back();
    delete next;
  }
  busy = false;
}

SavedTensor SavedTensor::input(const Tensor& t) {
  PLAIT_CHECK(!t.defined() || !t.is_inference(), kRuntime,
              "Inference tensors cannot be saved for backward.\nhint: clone() it for a normal tensor and use "
              "that in autograd");
  SavedTensor s;
  if (s.pack(t)) {
    s.packed_->edge = gradient_edge(t);
    s.requires_grad_ = static_cast<bool>(s.packed_->edge.node);
    return s;
  }
  s.tensor_ = t;
  if (t.defined()) s.version_ = t.version();
  return s;
}

SavedTensor SavedTensor::result(const Tensor& t, uint32_t slot) {
  SavedTensor s;
  if (t.defined()) {
    if (!s.pack(t)) s.tensor_ = t.alias();
    s.version_ = t.version();
    s.slot_ = slot;
    s.is_result_ = true;
    s.requires_grad_ = t.is_differentiable();
  }
  return s;
}

void SavedTensor::refresh_version() {
  if (tensor_.defined()) version_ = tensor_.version();
}

bool SavedTensor::pack(const Tensor& t) {
  if (!t_saved_tensor_hooks || !t.defined()) return false;
  packed_ = std::make_unique<Packed>(t_saved_tensor_hooks->pack(detach(t)));
  return true;
}

Tensor SavedTensor::unpack_packed(Node* owner) const {
  Tensor t = packed_->tensor->unpack();
  if (!grad_enabled() || !requires_grad_) return t;
  t = t.alias();
  set_history(t, is_result_ ? NodeRef(owner) : packed_->edge.node, is_result_ ? slot_ : packed_->edge.slot);
  return t;
}

Tensor SavedTensor::unpack(Node* owner) const {
  if (packed_) return unpack_packed(owner);
  if (!tensor_.defined()) return tensor_;
  PLAIT_CHECK(tensor_.version() == version_, kRuntime,
              "backward: one of the variables needed for gradient computation ",
              "has been modified by an inplace operation: a tensor of shape ", tensor_.shape(), " saved by ",
              owner->name(), " is at version ", tensor_.version(), "; expected version ", version_,
              " instead\nhint: clone() the tensor before the in-place change, or use the out-of-place op");
  if (!is_result_ || !grad_enabled() || !requires_grad_) return tensor_;
  Tensor t = tensor_.alias();
  set_history(t, NodeRef(owner), slot_);
  return t;
}

}  // namespace plait
