// SPDX-License-Identifier: MIT
// How an op is declared, and the only place that knows about grad mode.
//
//   struct Softmax {
//     static constexpr OpMeta meta{"softmax"};
//     static Tensor forward(OpContext& ctx, const Tensor& x, int64_t dim);
//     static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim);
//   };
//   Tensor softmax(const Tensor& x, int64_t dim) { return apply<Softmax>(x, dim); }
//
// Arguments of type Tensor (undefined = absent) and std::vector<Tensor> are inputs, counted from 0 with lists
// flattened; all others are attributes and reach backward by value, in order, after the gradient.
//
// forward runs with grad mode off: what it calls is not recorded. It keeps what backward needs with
// ctx.save() and ctx.save_result(), which do nothing when nothing is recorded. It must return new handles,
// never an input.
//
// backward returns one gradient per input (undefined = none; skip work when !ctx.needs_grad(i)). It is
// written in ops and runs with grad mode on under create_graph, so second derivatives follow. A gradient may
// have the shape its input was broadcast to and a promoted dtype: the engine reduces and casts it.
//
// A forward with several results returns a std::vector<Tensor> or a std::tuple of Tensors; its backward takes
// `const Grads& gys`, where an undefined entry stands for zero.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/meta.h"
#include "autograd/node.h"
#include "autograd/runtime.h"

namespace plait {

struct OpMeta {
  const char* name;
  // False: no derivative exists; the op raises when an input requires grad and never cuts the graph silently.
  bool differentiable = true;
};

class OpContext {
 public:
  // ---- in forward ----
  // Keeps inputs (or intermediates) for backward, in order; call before writing to destination().
  template <class... Ts>
  void save(const Ts&... tensors) {
    if (recording_) (save_input(tensors), ...);
  }
  // Keeps a result of the op, number `slot` of them.
  void save_result(const Tensor& y, uint32_t slot = 0) {
    if (recording_) saved_.push_back(SavedTensor::result(y, slot));
  }
  bool recording() const { return recording_; }
  // In-place form: the tensor to write the result into and to return. Forward may ignore it; the result is
  // then copied. Undefined otherwise.
  const Tensor& destination() const { return destination_; }

  // ---- in backward ----
  bool needs_grad(size_t input) const {
    return input < edges_->size() && (*edges_)[input].node && !unwanted_.contains(input);
  }
  Tensor saved(size_t i) const { return saved_[i].unpack(node_); }

 private:
  template <class Op, class... Args>
  friend class OpNode;
  template <class Op, class... Args>
  friend auto apply(const Args&... args);
  template <class Op, class... Args>
  friend Tensor apply_inplace(const Tensor& self, const Args&... args);

  void save_input(const Tensor& t);

  bool recording_ = false;
  Tensor destination_;
  std::vector<SavedTensor> saved_;
  std::vector<Edge>* edges_ = nullptr;
  EdgeSet unwanted_;
  Node* node_ = nullptr;
};

namespace detail {

template <class T>
inline constexpr bool is_tensor = std::is_same_v<T, Tensor>;
template <class T>
inline constexpr bool is_tensor_list = std::is_same_v<T, std::vector<Tensor>>;

// How an attribute is kept in the node.
template <class T>
struct Kept {
  using type = T;
};
template <>
struct Kept<IntSpan> {
  using type = Dims;
};
template <>
struct Kept<std::string_view> {
  using type = std::string;
};

template <class T>
auto attribute(const T& v) {
  if constexpr (is_tensor<T> || is_tensor_list<T>) {
    return std::tuple<>();
  } else {
    return std::tuple<typename Kept<T>::type>(v);
  }
}

template <class T>
bool any_requires_grad(const T& v) {
  if constexpr (is_tensor<T>) {
    return v.defined() && v.impl()->autograd && requires_grad(v);
  } else if constexpr (is_tensor_list<T>) {
    for (const Tensor& t : v) {
      if (any_requires_grad(t)) return true;
    }
    return false;
  } else {
    return false;
  }
}

template <class T>
void add_edges(std::vector<Edge>& edges, const T& v) {
  if constexpr (is_tensor<T>) {
    edges.push_back(v.defined() ? gradient_edge(v) : Edge{});
  } else if constexpr (is_tensor_list<T>) {
    for (const Tensor& t : v) add_edges(edges, t);
  }
}

template <class T>
size_t count_inputs(const T& v) {
  if constexpr (is_tensor<T>) {
    return 1;
  } else if constexpr (is_tensor_list<T>) {
    return v.size();
  } else {
    return 0;
  }
}

[[noreturn]] void no_derivative(const char* op);
[[noreturn]] void freed_twice(const char* op);
// Makes floating-point results those of the node.
void connect_result(const Tensor& y, const NodeRef& node, uint32_t slot);

inline void connect_results(const Tensor& y, const NodeRef& node) { connect_result(y, node, 0); }
inline void connect_results(const std::vector<Tensor>& ys, const NodeRef& node) {
  for (uint32_t i = 0; i < ys.size(); ++i) connect_result(ys[i], node, i);
}
template <class... Ts>
void connect_results(const std::tuple<Ts...>& ys, const NodeRef& node) {
  uint32_t slot = 0;
  std::apply([&](const auto&... y) { (connect_result(y, node, slot++), ...); }, ys);
}

}  // namespace detail

template <class Op, class... Args>
class OpNode final : public Node {
 public:
  using Attributes = decltype(std::tuple_cat(detail::attribute(std::declval<const Args&>())...));

  explicit OpNode(const Args&... args) : attributes_(std::tuple_cat(detail::attribute(args)...)) {
    edges().reserve((detail::count_inputs(args) + ... + 0));
    (detail::add_edges(edges(), args), ...);
    ctx.recording_ = true;
    ctx.edges_ = &edges();
    ctx.node_ = this;
  }

  const char* name() const override { return Op::meta.name; }

  Grads backward(Grads gys, EdgeSet unwanted) override {
    if (released_) detail::freed_twice(name());
    ctx.unwanted_ = unwanted;
    return std::apply(
        [&](const auto&... attribute) -> Grads {
          if constexpr (std::is_invocable_v<decltype(&Op::backward), OpContext&, const Tensor&,
                                            decltype(attribute)...>) {
            return Op::backward(ctx, gys[0], attribute...);
          } else {
            return Op::backward(ctx, gys, attribute...);
          }
        },
        attributes_);
  }

  void release_saved() override {
    released_ = !ctx.saved_.empty();
    for (SavedTensor& s : ctx.saved_) s.reset();
  }

  OpContext ctx;

 private:
  Attributes attributes_;
  bool released_ = false;
};

// Runs Op::forward and records it when grad mode is on and an input requires grad.
template <class Op, class... Args>
auto apply(const Args&... args) {
  using Result = decltype(Op::forward(std::declval<OpContext&>(), args...));
  if (!grad_enabled()) {
    OpContext ctx;
    return Op::forward(ctx, args...);
  }
  const bool record = (detail::any_requires_grad(args) || ...);
  if (!record) {
    OpContext ctx;
    NoGradGuard guard;
    return Op::forward(ctx, args...);
  }
  if constexpr (!Op::meta.differentiable) {
    detail::no_derivative(Op::meta.name);
    return Result{};
  } else {
    auto* node = new OpNode<Op, Args...>(args...);
    const NodeRef keep(node);
    Result result = [&] {
      NoGradGuard guard;
      return Op::forward(node->ctx, args...);
    }();
    detail::connect_results(result, keep);
    return result;
  }
}

// The in-place form: `self` is the first input and receives the result. Returns self.
template <class Op, class... Args>
Tensor apply_inplace(const Tensor& self, const Args&... args) {
  // An integer tensor takes no part in the graph, whatever is written into it.
  const bool record = grad_enabled() && self.is_floating() &&
                      (detail::any_requires_grad(self) || (detail::any_requires_grad(args) || ...));
  check_inplace(Op::meta.name, self, record);
  const auto run = [&](OpContext& ctx) {
    ctx.destination_ = self;
    NoGradGuard guard;
    const Tensor result = Op::forward(ctx, self, args...);
    if (!result.is_same(self)) autograd_runtime().copy_into(self, result);
    self.bump_version();
    ctx.destination_ = Tensor();
  };
  if (!record) {
    OpContext ctx;
    run(ctx);
    return self;
  }
  if constexpr (!Op::meta.differentiable) {
    detail::no_derivative(Op::meta.name);
  } else {
    auto* node = new OpNode<Op, Tensor, Args...>(self, args...);
    const NodeRef keep(node);
    run(node->ctx);
    for (SavedTensor& s : node->ctx.saved_) {
      if (s.is_result()) s.refresh_version();
    }
    rebase_history(self, keep);
  }
  return self;
}

}  // namespace plait
