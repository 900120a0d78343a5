// SPDX-License-Identifier: MIT
// Reverse topological order over dependency counts: a node runs once all gradients that flow into it have
// arrived. Three passes with explicit stacks: number the nodes, count dependencies, run.
#include "autograd/engine.h"

#include <algorithm>

#include "autograd/meta.h"
#include "autograd/runtime.h"

namespace plait {
namespace {

// Node -> index, by open addressing: one probe per edge is most of the engine's own time.
class NodeIndex {
 public:
  NodeIndex() : slots_(64, Slot{nullptr, 0}) {}

  // Returns the index of node, adding it when it is new.
  uint32_t get(Node* node, bool* is_new) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    Slot& s = find(node);
    *is_new = s.node == nullptr;
    if (*is_new) s = {node, count_++};
    return s.index;
  }
  // Index of a node that is known, or -1.
  int64_t lookup(Node* node) {
    const Slot& s = find(node);
    return s.node ? static_cast<int64_t>(s.index) : -1;
  }

 private:
  struct Slot {
    Node* node;
    uint32_t index;
  };
  Slot& find(Node* node) {
    const size_t mask = slots_.size() - 1;
    size_t i = (reinterpret_cast<uintptr_t>(node) >> 6) * 0x9E3779B97F4A7C15ull >> 20 & mask;
    while (slots_[i].node && slots_[i].node != node) i = (i + 1) & mask;
    return slots_[i];
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2, Slot{nullptr, 0});
    old.swap(slots_);
    for (const Slot& s : old) {
      if (s.node) find(s.node) = s;
    }
  }
  std::vector<Slot> slots_;
  uint32_t count_ = 0;
};

struct Task {
  Node* node;
  int32_t dependencies = 0;
  bool needed = true;
  Grads gys;
};

class Run;
thread_local Run* t_run = nullptr;

class Run {
 public:
  explicit Run(const BackwardOptions& options) : options_(options), outer_(std::exchange(t_run, this)) {}
  ~Run() { t_run = outer_; }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  int64_t id() const { return id_; }
  bool reaches(Node* node) {
    const int64_t index = node ? index_.lookup(node) : -1;
    if (index < 0) return false;
    const auto task = static_cast<size_t>(index);
    return tasks_[task].needed || (!captures_.empty() && !captures_[task].empty());
  }

  Grads execute(const std::vector<Tensor>& roots, const std::vector<Tensor>& seeds) {
    std::vector<Edge> root_edges;
    for (const Tensor& root : roots) root_edges.push_back(gradient_edge(root));
    std::vector<Edge> input_edges;
    if (options_.inputs) {
      for (const Tensor& t : *options_.inputs) input_edges.push_back(gradient_edge(t));
    }
    discover(root_edges);
    if (options_.inputs) mark_needed(input_edges);
    for (size_t i = 0; i < roots.size(); ++i) {
      const int64_t index = index_.lookup(root_edges[i].node.get());
      receive(tasks_[static_cast<size_t>(index)], root_edges[i].slot, seeds[i]);
    }
    std::vector<uint32_t> ready;
    for (const Edge& e : root_edges) {
      const auto index = static_cast<uint32_t>(index_.lookup(e.node.get()));
      if (tasks_[index].dependencies == 0 && std::find(ready.begin(), ready.end(), index) == ready.end()) {
        ready.push_back(index);
      }
    }
    while (!ready.empty()) {
      const uint32_t index = ready.back();
      ready.pop_back();
      run_task(index, ready);
    }
    return std::move(captured_);
  }

 private:
  void discover(const std::vector<Edge>& root_edges) {
    std::vector<uint32_t> stack;
    const auto visit = [&](Node* node) {
      bool is_new;
      const uint32_t index = index_.get(node, &is_new);
      if (is_new) {
        tasks_.push_back({});
        tasks_.back().node = node;
        stack.push_back(index);
      }
      return index;
    };
    for (const Edge& e : root_edges) visit(e.node.get());
    while (!stack.empty()) {
      Node* node = tasks_[stack.back()].node;
      stack.pop_back();
      for (const Edge& e : node->edges()) {
        if (e.node) tasks_[visit(e.node.get())].dependencies++;
      }
    }
  }

  // With `inputs`: only nodes from which an input's gradient can be reached run. Children are finished before
  // their parents by an explicit post-order walk.
  void mark_needed(const std::vector<Edge>& input_edges) {
    for (Task& t : tasks_) t.needed = false;
    note_captures(input_edges);
    std::vector<std::pair<uint32_t, uint32_t>> stack;  // task, next edge
    std::vector<bool> seen(tasks_.size(), false);
    const auto visit = [&](uint32_t task) {
      if (seen[task]) return;
      seen[task] = true;
      stack.emplace_back(task, 0);
    };
    for (uint32_t root = 0; root < tasks_.size(); ++root) {
      visit(root);
      while (!stack.empty()) {
        auto& [index, next] = stack.back();
        const std::vector<Edge>& edges = tasks_[index].node->edges();
        if (next < edges.size()) {
          Node* const child = edges[next++].node.get();
          if (child) visit(static_cast<uint32_t>(index_.lookup(child)));
          continue;
        }
        tasks_[index].needed = std::any_of(edges.begin(), edges.end(),
                                           [&](const Edge& e) { return e.node && leads_to_input(*e.node); });
        stack.pop_back();
      }
    }
  }

  // Where the gradients of the inputs are taken from.
  void note_captures(const std::vector<Edge>& input_edges) {
    captured_.resize(input_edges.size());
    captures_.resize(tasks_.size());
    for (size_t i = 0; i < input_edges.size(); ++i) {
      const Tensor& input = (*options_.inputs)[i];
      PLAIT_CHECK(input_edges[i].node, kRuntime,
                  "grad: one of the differentiated Tensors does not require grad (input ", i, ", shape ",
                  input.shape(), ")");
      const int64_t index = index_.lookup(input_edges[i].node.get());
      if (index < 0) {
        PLAIT_CHECK(
            options_.allow_unused || options_.accumulate, kRuntime,
            "grad: one of the differentiated Tensors appears to not have been used in the graph (input ", i,
            ", shape ", input.shape(), ")\nhint: pass allow_unused=True if this is the desired behavior");
        continue;
      }
      captures_[static_cast<size_t>(index)].push_back({i, input_edges[i].slot});
    }
  }

  // Whether an input waits for the gradient at a node, or behind it.
  bool leads_to_input(Node& node) {
    const auto task = static_cast<size_t>(index_.lookup(&node));
    return tasks_[task].needed || !captures_[task].empty();
  }

  // Adds a gradient for result `slot`, in place when the buffer is visible to nobody else.
  void receive(Task& task, uint32_t slot, Tensor g) {
    const std::vector<ResultInfo>& results = task.node->results();
    if (task.gys.size() < results.size()) task.gys.resize(results.size());
    if (!g.defined()) return;
    PLAIT_ASSERT(slot < results.size());
    const ResultInfo& info = results[slot];
    const AutogradRuntime& run = autograd_runtime();
    if (!(g.shape() == info.shape)) g = run.sum_to(g, info.shape);
    if (g.dtype() != info.dtype) g = run.cast(g, info.dtype);
    Tensor& buffer = task.gys[slot];
    if (!buffer.defined()) {
      buffer = std::move(g);
    } else if (buffer.is_sparse() || g.is_sparse()) {
      buffer = run.add(buffer, g);
    } else if (!options_.create_graph && sole_owner(buffer)) {
      run.add_into(buffer, g);
    } else if (!options_.create_graph && sole_owner(g)) {
      run.add_into(g, buffer);
      buffer = std::move(g);
    } else {
      buffer = run.add(buffer, g);
    }
  }

  static void check_nan(const Node& node, const Grads& gxs) {
    for (size_t i = 0; i < gxs.size(); ++i) {
      PLAIT_CHECK(!gxs[i].defined() || !autograd_runtime().has_nan(gxs[i]), kRuntime, "Function '",
                  node.shown_name(), "' returned nan values in its ", i, "th output.");
    }
  }

  static bool sole_owner(const Tensor& t) {
    return !t.is_sparse() && t.impl()->refs.load() == 1 && t.storage()->use_count() == 1 &&
           t.is_contiguous() && !t.storage()->read_only();
  }

  void run_task(uint32_t index, std::vector<uint32_t>& ready) {
    Node* const node = tasks_[index].node;
    Grads gys = std::move(tasks_[index].gys);
    gys.resize(node->results().size());
    const bool any = std::any_of(gys.begin(), gys.end(), [](const Tensor& g) { return g.defined(); });
    if (Node::Hooks* const hooks = node->hooks_or_null(); hooks && any) {
      for (const auto& h : std::vector(hooks->pre)) h.run(gys);
      for (const auto& h : std::vector(hooks->retain)) h.run(gys);
    }
    bool executes = tasks_[index].needed;
    if (!captures_.empty() && !captures_[index].empty()) {
      capture(index, gys);
      executes |= options_.accumulate && dynamic_cast<AccumulateGrad*>(node);
    }
    Grads gxs;
    if (any && executes) gxs = run_node(*node, std::move(gys));
    const std::vector<Edge>& edges = node->edges();
    PLAIT_CHECK(gxs.empty() || gxs.size() >= edges.size(), kInternal, "backward: ", node->name(),
                " returned ", gxs.size(), " gradients, expected ", edges.size());
    for (size_t i = 0; i < edges.size(); ++i) {
      if (!edges[i].node) continue;
      const auto target = static_cast<uint32_t>(index_.lookup(edges[i].node.get()));
      receive(tasks_[target], edges[i].slot, gxs.empty() ? Tensor() : std::move(gxs[i]));
      if (--tasks_[target].dependencies == 0) ready.push_back(target);
    }
  }

  // Takes the gradients of inputs that are results of the task's node.
  void capture(uint32_t index, const Grads& gys) {
    for (const Capture& c : captures_[index]) {
      if (!options_.accumulate) {
        captured_[c.input] = gys[c.slot];
      } else if (!dynamic_cast<AccumulateGrad*>(tasks_[index].node) && gys[c.slot].defined()) {
        AutogradMeta& meta = ensure_meta((*options_.inputs)[c.input]);
        meta.grad = meta.grad.defined() ? autograd_runtime().add(meta.grad, gys[c.slot]) : gys[c.slot];
      }
    }
  }

  // The node's own backward pass and what runs around it.
  Grads run_node(Node& node, Grads gys) {
    if (node.wants_all_grads()) {
      for (size_t i = 0; i < gys.size(); ++i) {
        const ResultInfo& result = node.results()[i];
        if (!gys[i].defined()) gys[i] = autograd_runtime().zeros(result.shape, result.dtype);
      }
    }
    Grads gxs;
    if (Node::Hooks* const hooks = node.hooks_or_null(); hooks && !hooks->post.empty()) {
      const Grads seen = gys;
      gxs = node.backward(std::move(gys), unwanted(node));
      for (const auto& h : std::vector(hooks->post)) h.run(gxs, seen);
    } else {
      gxs = node.backward(std::move(gys), unwanted(node));
    }
    if (anomaly_mode() == AnomalyMode::kCheckNan) check_nan(node, gxs);
    if (!options_.retain_graph) node.release_saved();
    return gxs;
  }

  // The edges behind which no input waits for its gradient.
  EdgeSet unwanted(const Node& node) {
    EdgeSet edges;
    if (captures_.empty()) return edges;
    for (size_t i = 0; i < node.edges().size(); ++i) {
      Node* const child = node.edges()[i].node.get();
      if (child && !leads_to_input(*child)) edges.insert(i);
    }
    return edges;
  }

  struct Capture {
    size_t input;
    uint32_t slot;
  };

  const BackwardOptions& options_;
  Run* const outer_;  // that this one was started from, by a hook or a node
  const int64_t id_ = next_hook_id();
  NodeIndex index_;
  std::vector<Task> tasks_;
  std::vector<std::vector<Capture>> captures_;  // by task; empty without `inputs`
  Grads captured_;
};

}  // namespace

int64_t current_backward_run() { return t_run ? t_run->id() : 0; }
bool backward_reaches(const Tensor& t) { return t_run && t_run->reaches(gradient_edge(t).node.get()); }

Grads run_backward(const std::vector<Tensor>& roots, const std::vector<Tensor>& seeds,
                   const BackwardOptions& options) {
  const char* op = options.accumulate ? "backward" : "grad";
  const MetaMode mode(std::any_of(roots.begin(), roots.end(), [](const Tensor& t) { return t.is_meta(); }));
  std::vector<Tensor> filled;
  for (size_t i = 0; i < roots.size(); ++i) {
    const Tensor& root = roots[i];
    PLAIT_CHECK(requires_grad(root), kRuntime, op, ": element ", i,
                " of tensors does not require grad and does not have a grad_fn\nhint: was it computed under "
                "no_grad(), "
                "detached, or from tensors without requires_grad=True?");
    Tensor seed = i < seeds.size() ? seeds[i] : Tensor();
    if (!seed.defined()) {
      PLAIT_CHECK(root.numel() == 1, kRuntime, op,
                  ": grad can be implicitly created only for scalar outputs, got shape ", root.shape(),
                  "\nhint: pass gradient=, or reduce with sum() or mean() first");
      PLAIT_CHECK(!root.is_complex(), kRuntime, op,
                  ": grad can be implicitly created only for real scalar outputs but got ",
                  dtype_name(root.dtype()), "\nhint: pass gradient=, or take abs() or real() first");
      seed = autograd_runtime().ones_like(root);
    }
    PLAIT_CHECK(seed.shape() == root.shape(), kRuntime, op, ": Mismatch in shape: grad_output[", i,
                "] has a shape of ", seed.shape(), " and output[", i, "] has a shape of ", root.shape());
    filled.push_back(std::move(seed));
  }
  GradModeGuard guard(options.create_graph);
  return Run(options).execute(roots, filled);
}

}  // namespace plait
