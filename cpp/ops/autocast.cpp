// SPDX-License-Identifier: MIT
#include "ops/autocast.h"

#include <deque>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "autograd/meta.h"
#include "ops/copy.h"
#include "ops/registry.h"

namespace plait {

std::atomic<int> autocast_threads{0};

namespace {

struct State {
  bool enabled = false;
  bool cache_enabled = true;
  DType dtype = DType::kBFloat16;
  // Leaf and copy. The leaf is held, so that its address names it as long as the entry lives.
  std::unordered_map<const TensorImpl*, std::pair<Tensor, Tensor>> copies;

  ~State() { enable(false); }
  void enable(bool on) {
    if (on != enabled) autocast_threads.fetch_add(on ? 1 : -1, std::memory_order_relaxed);
    enabled = on;
  }
};
thread_local State t_state;

enum class Policy : unsigned char { kLower, kFloat32, kWidest };

// Names of ops; one that the table does not have is not looked at.
constexpr std::string_view kLowerOps[] = {
    "addbmm",
    "addmm",
    "baddbmm",
    "bmm",
    "chain_matmul",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "_einsum",
    "inner",
    "linalg_matrix_power",
    "linalg_vecdot",
    "linear",
    "matmul",
    "matrix_power",
    "mm",
    "_multi_dot",
    "prelu",
    "_tensordot",
};
constexpr std::string_view kFloat32Ops[] = {
    "adaptive_avg_pool3d",
    "adaptive_max_pool3d",
    "avg_pool3d",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "cross_entropy",
    "geqrf",
    "huber_loss",
    "inverse",
    "kl_div",
    "l1_loss",
    "linalg_cholesky",
    "linalg_cholesky_ex",
    "linalg_cond",
    "linalg_eig",
    "linalg_eigh",
    "linalg_eigvals",
    "linalg_eigvalsh",
    "linalg_householder_product",
    "linalg_inv",
    "linalg_inv_ex",
    "linalg_lstsq",
    "linalg_matrix_rank",
    "linalg_qr",
    "linalg_solve",
    "linalg_svd",
    "linalg_svdvals",
    "linalg_tensorinv",
    "linalg_tensorsolve",
    "lu_solve",
    "max_pool3d",
    "mse_loss",
    "nll_loss",
    "orgqr",
    "ormqr",
    "pinverse",
    "polar",
    "prod",
    "qr",
    "smooth_l1_loss",
    "stft",
    "svd",
    "trace",
    "triangular_solve",
    "view_as_complex",
};
constexpr std::string_view kWidestOps[] = {
    "cat", "concat", "concatenate", "index_copy", "stack",
};

using Policies = std::unordered_map<const char*, Policy>;

// By the address of the signature, of which every copy of an entry holds the same one.
const Policies& policies() {
  static const Policies* table = [] {
    std::unordered_map<std::string_view, Policy> named;
    for (const std::string_view name : kLowerOps) named[name] = Policy::kLower;
    for (const std::string_view name : kFloat32Ops) named[name] = Policy::kFloat32;
    for (const std::string_view name : kWidestOps) named[name] = Policy::kWidest;
    auto* made = new Policies;
    for (const OpEntry& e : op_table()) {
      const std::string_view name = SignatureReader(e.signature).name();
      const auto found = named.find(name);
      if (found != named.end()) (*made)[e.signature] = found->second;
      if (name.starts_with("fft_")) (*made)[e.signature] = Policy::kFloat32;
    }
    return made;
  }();
  return *table;
}

bool can_change(const Tensor& t) {
  return t.defined() && t.is_floating() && t.dtype() != DType::kFloat64 && !t.is_wrapped_number();
}

Tensor converted(const Tensor& t, DType dtype) {
  if (!can_change(t) || t.dtype() == dtype) return t;
  const bool may_be_kept = t_state.cache_enabled && dtype == t_state.dtype && t.dtype() == DType::kFloat32 &&
                           requires_grad(t) && is_leaf(t) && !is_view(t);
  if (!may_be_kept) return cast(t, dtype);
  const auto found = t_state.copies.find(t.impl());
  if (found != t_state.copies.end()) return found->second.second;
  const Tensor copy = cast(t, dtype);
  if (requires_grad(copy))
    t_state.copies.emplace(t.impl(), std::pair(t, copy));  // not one made under no_grad
  return copy;
}

template <class F>
void for_each_tensor(const Arg* args, size_t n, F f) {
  for (size_t i = 0; i < n; ++i) {
    if (args[i].kind == Arg::kTensor) f(*args[i].tensor);
    if (args[i].kind != Arg::kTensors) continue;
    for (const Tensor& t : *args[i].tensors) f(t);
  }
}

// The dtype that the operands get: the 16-bit one unless one of them is wider.
DType widest(const Arg* args, size_t n) {
  DType found = t_state.dtype;
  for_each_tensor(args, n, [&](const Tensor& t) {
    if (can_change(t) && t.dtype() != t_state.dtype) found = DType::kFloat32;
  });
  return found;
}

void call_in_dtype(const OpEntry& op, const Arg* args, Result& result, DType dtype) {
  const size_t n = op.op.type->n_params;
  std::vector<Arg> changed(args, args + n);
  std::deque<Tensor> tensors;
  std::deque<std::vector<Tensor>> lists;
  for (Arg& a : changed) {
    if (a.kind == Arg::kTensor) a.tensor = &tensors.emplace_back(converted(*a.tensor, dtype));
    if (a.kind != Arg::kTensors) continue;
    std::vector<Tensor>& list = lists.emplace_back();
    for (const Tensor& t : *a.tensors) list.push_back(converted(t, dtype));
    a.tensors = &list;
  }
  op.op.call(changed.data(), result);
}

}  // namespace

void call_in_autocast(const OpEntry& op, const Arg* args, Result& result, const Tensor* out) {
  const Policies& table = policies();
  const auto found = t_state.enabled && !out ? table.find(op.signature) : table.end();
  if (found == table.end()) return op.op.call(args, result);
  switch (found->second) {
    case Policy::kLower:
      return call_in_dtype(op, args, result, t_state.dtype);
    case Policy::kFloat32:
      return call_in_dtype(op, args, result, DType::kFloat32);
    case Policy::kWidest:
      return call_in_dtype(op, args, result, widest(args, op.op.type->n_params));
  }
}

bool autocast_enabled() { return t_state.enabled; }
void set_autocast_enabled(bool on) { t_state.enable(on); }
DType autocast_dtype() { return t_state.dtype; }
void set_autocast_dtype(DType dtype) { t_state.dtype = dtype; }
bool autocast_cache_enabled() { return t_state.cache_enabled; }
void set_autocast_cache_enabled(bool on) { t_state.cache_enabled = on; }
void clear_autocast_cache() { t_state.copies.clear(); }

}  // namespace plait
