// SPDX-License-Identifier: MIT
// The graph: nodes that turn gradients of an op's results into gradients of its inputs.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace plait {

class Node;
using NodeRef = Ref<Node>;

// Gradients in the order of a node's inputs or results; an undefined tensor stands for zero.
using Grads = std::vector<Tensor>;

// "The gradient for result number `slot` of `node`."
struct Edge {
  NodeRef node;
  uint32_t slot = 0;
};

// What a gradient must look like before it enters a node.
struct ResultInfo {
  Dims shape;
  DType dtype = DType::kFloat32;
};

// Edges of a node by their numbers: a bit each. Those from 64 on are never in it.
class EdgeSet {
 public:
  void insert(size_t edge) { bits_ |= edge < 64 ? uint64_t{1} << edge : 0; }
  bool contains(size_t edge) const { return edge < 64 && (bits_ >> edge & 1); }

 private:
  uint64_t bits_ = 0;
};

// A function called during backward. `held` is the foreign object that it keeps alive, null when there is
// none: a collector of cycles (Python's) has to see it, and a std::function hides what it holds.
template <class Signature>
struct Hook {
  int64_t id;
  std::function<Signature> run;
  void* held = nullptr;
};

class Node : public Pooled<Node> {
 public:
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  // gys: one per result of the forward op. Returns one per edge; those of unwanted edges may be undefined.
  virtual Grads backward(Grads gys, EdgeSet unwanted) = 0;
  virtual const char* name() const = 0;    // of the op
  virtual std::string shown_name() const;  // as Python and messages say it: "MulBackward0"
  virtual void release_saved() {}          // frees saved tensors; running the node again then raises
  // True when backward wants every gy defined (missing ones are filled with zeros).
  virtual bool wants_all_grads() const { return false; }

  std::vector<Edge>& edges() { return edges_; }
  const std::vector<Edge>& edges() const { return edges_; }
  std::vector<ResultInfo>& results() { return results_; }
  const std::vector<ResultInfo>& results() const { return results_; }

  // The foreign object that the node keeps alive, if any: the context of a Python function.
  virtual void* held_object() const { return nullptr; }

  // Hooks: pre-hooks (tensor hooks among them) see and may replace gys, post-hooks see both sides.
  using PreHook = Hook<void(Grads& gys)>;
  using PostHook = Hook<void(Grads& gxs, const Grads& gys)>;
  struct Hooks {
    std::vector<PreHook> pre;
    std::vector<PreHook> retain;  // run after all pre-hooks: retain_grad()
    std::vector<PostHook> post;
  };
  Hooks& hooks() {
    if (!hooks_) hooks_ = std::make_unique<Hooks>();
    return *hooks_;
  }
  Hooks* hooks_or_null() const { return hooks_.get(); }

  void* py_object = nullptr;  // the Python object that shows this node, while one is alive (borrowed)

  uint32_t refs() const { return refs_.load(); }
  void incref() { refs_.increment(); }
  void decref() {
    if (refs_.decrement()) destroy(this);
  }

 private:
  // Deletes iteratively: a node that dies while another is being deleted waits in a list of the thread, so a
  // chain of any length is freed with constant stack.
  static void destroy(Node* node) noexcept;

  RefCount refs_;
  std::vector<Edge> edges_;
  std::vector<ResultInfo> results_;
  std::unique_ptr<Hooks> hooks_;
};

// A fresh number for a hook; unique in the process.
int64_t next_hook_id();

// What stands for a saved tensor until backward asks for it, and who makes it while it is set for the thread:
// autograd.graph.saved_tensors_hooks of Python.
class PackedTensor {
 public:
  virtual ~PackedTensor() = default;
  virtual Tensor unpack() = 0;
};
class SavedTensorHooks {
 public:
  virtual ~SavedTensorHooks() = default;
  virtual std::unique_ptr<PackedTensor> pack(const Tensor& detached) = 0;
};
// Returns the hooks that were set; null for none.
SavedTensorHooks* set_saved_tensor_hooks(SavedTensorHooks* hooks);

// A tensor kept for backward. Remembers the version it was saved at and raises when its values have changed
// since.
class SavedTensor {
 public:
  SavedTensor() = default;
  static SavedTensor input(const Tensor& t);
  // A result of the node that saves it: kept without its graph, which would be a cycle.
  static SavedTensor result(const Tensor& t, uint32_t slot);

  // `owner` is the node that saved it.
  Tensor unpack(Node* owner) const;
  void refresh_version();
  bool is_result() const { return is_result_; }
  void reset() {
    tensor_ = Tensor();
    packed_.reset();
  }

 private:
  struct Packed {
    std::unique_ptr<PackedTensor> tensor;
    Edge edge;  // of an input
  };
  bool pack(const Tensor& t);
  Tensor unpack_packed(Node* owner) const;

  Tensor tensor_;
  std::unique_ptr<Packed> packed_;  // in its place
  uint32_t version_ = 0;
  uint32_t slot_ = 0;
  bool is_result_ = false;
  bool requires_grad_ = false;
};

}  // namespace plait
