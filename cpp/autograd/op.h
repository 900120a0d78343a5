// SPDX-License-Identifier: MIT
// How an op is declared, and the only place that knows about grad mode.
//
//   struct Softmax {
//     static constexpr OpMeta meta{"softmax"};
//     static Tensor forward(OpContext& ctx, const Tensor& x, int64_t dim);
//     // gx = y (gy - sum(gy y, dim))
//     static Grads backward(OpContext& ctx, const Tensor& gy, int64_t dim) {
//       const Tensor y = ctx.saved(0);
//       return {mul(y, sub(gy, sum(mul(gy, y), Dims{dim}, true)))};
//     }
//     static Grads fused_backward(OpContext& ctx, const Tensor& gy, int64_t dim);  // the same by one kernel
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
// Backward returns one gradient per input (undefined = none; skip work when !ctx.needs_grad(i)). A gradient
// may have the shape its input was broadcast to and a promoted dtype: the engine reduces and casts it. An op
// declares one form or both; the node picks, the op never asks for grad mode:
//   backward        is written in ops. Under create_graph they are recorded, so second derivatives follow.
//   fused_backward  calls kernels, whose results have no graph. It runs whenever no graph is wanted; backward
//                   then is the form for create_graph alone, and the reference that tests compare with.
// An op with fused_backward alone has first derivatives only: it raises under create_graph. An op with
// neither raises in forward when an input requires grad. No graph is ever cut silently.
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
#include "core/parallel.h"

namespace plait {

struct OpMeta {
  const char* name;
  const char* hint = nullptr;  // of an op without second derivatives: what to do where they are needed
  // The in-place form gives all elements one value, so they may share memory.
  bool one_value = false;
};

namespace detail {
class RecordedOp;
class InplaceCall;
}  // namespace detail

class OpContext {
 public:
  // ---- In forward ----
  // Keeps inputs (or intermediates) for backward, in order; call before writing to destination().
  template <class... Ts>
  void save(const Ts&... tensors) {
    if (recording()) (save_input(tensors), ...);
  }
  // Keeps a result of the op, number `slot` of them.
  void save_result(const Tensor& y, uint32_t slot = 0) {
    if (recording()) saved_.push_back(SavedTensor::result(y, slot));
  }
  bool recording() const { return node_; }
  // In-place form: the tensor to write the result into and to return. Forward may ignore it; the result is
  // then copied. Undefined otherwise.
  const Tensor& destination() const { return destination_; }

  // ---- In backward ----
  bool needs_grad(size_t input) const {
    const std::vector<Edge>& edges = node_->edges();
    return input < edges.size() && edges[input].node && !unwanted_.contains(input);
  }
  // Of an input that needs a gradient.
  const Dims& input_shape(size_t input) const {
    const Edge& edge = node_->edges()[input];
    return edge.node->results()[edge.slot].shape;
  }
  Tensor saved(size_t i) const { return saved_[i].unpack(node_); }

 private:
  friend class detail::RecordedOp;
  friend class detail::InplaceCall;

  void save_input(const Tensor& t);

  Node* node_ = nullptr;  // null when nothing is recorded
  Tensor destination_;
  std::vector<SavedTensor> saved_;
  EdgeSet unwanted_;
};

namespace detail {

template <class T>
inline constexpr bool is_tensor = std::is_same_v<T, Tensor>;
template <class T>
inline constexpr bool is_tensor_list = std::is_same_v<T, std::vector<Tensor>>;
template <class T>
concept Attribute = !is_tensor<T> && !is_tensor_list<T>;

template <class Op>
concept HasBackward = requires { &Op::backward; };
template <class Op>
concept HasFusedBackward = requires { &Op::fused_backward; };
template <class Op>
concept Differentiable = HasBackward<Op> || HasFusedBackward<Op>;

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
  if constexpr (Attribute<T>) {
    return std::tuple<typename Kept<T>::type>(v);
  } else {
    return std::tuple<>();
  }
}

inline bool any_requires_grad(const Tensor& t) {
  return t.defined() && t.impl()->autograd && requires_grad(t);
}
bool any_requires_grad(const std::vector<Tensor>& ts);

bool any_requires_grad(const Attribute auto&) { return false; }

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
[[noreturn]] void no_second_derivative(const OpMeta& op);
[[noreturn]] void freed_twice(const char* op);

// Makes differentiable results those of the node.
void connect_result(const Tensor& y, const NodeRef& node, uint32_t slot);
void connect_results(const std::vector<Tensor>& ys, const NodeRef& node);

inline void connect_results(const Tensor& y, const NodeRef& node) { connect_result(y, node, 0); }
template <class... Ts>
void connect_results(const std::tuple<Ts...>& ys, const NodeRef& node) {
  uint32_t slot = 0;
  std::apply([&](const auto&... y) { (connect_result(y, node, slot++), ...); }, ys);
}

// What the nodes of all ops have in common.
class RecordedOp : public Node {
 public:
  void release_saved() override;

  OpContext ctx;

 protected:
  explicit RecordedOp(size_t inputs);
  void add_edge(const Tensor& input);
  void add_edges(const Tensor& input) { add_edge(input); }
  void add_edges(const std::vector<Tensor>& inputs) {
    for (const Tensor& t : inputs) add_edge(t);
  }
  void add_edges(const Attribute auto&) {}
  // Before each run of backward.
  void begin_backward(EdgeSet unwanted);

 private:
  friend class InplaceCall;
  bool released_ = false;
};

// Grad mode off while an op's forward runs; `on`: the mode outside. Cheaper than NoGradGuard: it is on the
// way of every op.
class ForwardMode {
 public:
  explicit ForwardMode(bool on) : on_(on) {
    if (on_) set_grad_enabled(false);
  }
  ~ForwardMode() {
    if (on_) set_grad_enabled(true);
  }
  ForwardMode(const ForwardMode&) = delete;
  ForwardMode& operator=(const ForwardMode&) = delete;

 private:
  const bool on_;
};

// One run of an op's forward in its in-place form.
// It is not abandoned half-way: half of a tensor would be old.
class InplaceCall {
 public:
  InplaceCall(OpContext& ctx, const Tensor& self, bool grad_mode) : ctx_(ctx), self_(self), mode_(grad_mode) {
    ctx.destination_ = self;
  }
  // Takes what forward returned; `node` is null when nothing is recorded.
  void finish(const Tensor& result, RecordedOp* node);

 private:
  OpContext& ctx_;
  const Tensor& self_;
  ForwardMode mode_;
  Uninterrupted whole_;
};

}  // namespace detail

template <class Op, class... Args>
class OpNode final : public detail::RecordedOp {
 public:
  explicit OpNode(const Args&... args)
      : RecordedOp((detail::count_inputs(args) + ... + 0)),
        attributes_(std::tuple_cat(detail::attribute(args)...)) {
    (add_edges(args), ...);
  }

  const char* name() const override { return Op::meta.name; }

  Grads backward(Grads gys, EdgeSet unwanted) override {
    begin_backward(unwanted);
    if constexpr (detail::HasFusedBackward<Op>) {
      // Ops find the shapes of results without values, and kernels have nothing to read.
      if (!grad_enabled() && !(detail::HasBackward<Op> && meta_mode())) return run(Op::fused_backward, gys);
    }
    if constexpr (detail::HasBackward<Op>) {
      return run(Op::backward, gys);
    } else {
      detail::no_second_derivative(Op::meta);
    }
  }

 private:
  using Attributes = decltype(std::tuple_cat(detail::attribute(std::declval<const Args&>())...));

  template <class F>
  Grads run(F* form, const Grads& gys) {
    return std::apply(
        [&](const auto&... attribute) -> Grads {
          if constexpr (std::is_invocable_v<F*, OpContext&, const Tensor&, decltype(attribute)...>) {
            return form(ctx, gys[0], attribute...);
          } else {
            return form(ctx, gys, attribute...);
          }
        },
        attributes_);
  }

  Attributes attributes_;
};

// Runs Op::forward and records it when grad mode is on and an input requires grad.
template <class Op, class... Args>
auto apply(const Args&... args) {
  const bool grad_mode = grad_enabled();
  const bool record = grad_mode && (detail::any_requires_grad(args) || ...);
  const detail::ForwardMode mode(grad_mode);
  if (!record) {
    OpContext ctx;
    return Op::forward(ctx, args...);
  }
  if constexpr (detail::Differentiable<Op>) {
    auto* const node = new OpNode<Op, Args...>(args...);
    const NodeRef keep(node);
    auto result = Op::forward(node->ctx, args...);
    detail::connect_results(result, keep);
    return result;
  } else {
    detail::no_derivative(Op::meta.name);
  }
}

// The in-place form: `self` is the first input and receives the result. Returns self.
template <class Op, class... Args>
Tensor apply_inplace(const Tensor& self, const Args&... args) {
  // An integer tensor takes no part in the graph, whatever is written into it.
  const bool grad_mode = grad_enabled();
  const bool record = grad_mode && self.is_differentiable() &&
                      (detail::any_requires_grad(self) || (detail::any_requires_grad(args) || ...));
  check_inplace(Op::meta.name, self, record, Op::meta.one_value && !record);
  if (!record) {
    OpContext ctx;
    detail::InplaceCall call(ctx, self, grad_mode);
    call.finish(Op::forward(ctx, self, args...), nullptr);
  } else if constexpr (detail::Differentiable<Op>) {
    auto* const node = new OpNode<Op, Tensor, Args...>(self, args...);
    const NodeRef keep(node);
    detail::InplaceCall call(node->ctx, self, grad_mode);
    call.finish(Op::forward(node->ctx, self, args...), node);
  } else {
    detail::no_derivative(Op::meta.name);
  }
  return self;
}

}  // namespace plait
