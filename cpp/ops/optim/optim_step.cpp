// SPDX-License-Identifier: MIT
// The optimizers' steps, gradient norms and scaling: each call goes over all its tensors in one parallel
// pass. The functions check everything before they change anything; plait.optim keeps the state and calls
// them.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "autograd/meta.h"
#include "core/parallel.h"
#include "kernels/dispatch.h"
#include "kernels/optim/optim_args.h"
#include "ops/copy.h"
#include "ops/create/create.h"
#include "ops/registry.h"

namespace plait {
namespace {

using Tensors = std::vector<Tensor>;

void check_floating(const char* op, const Tensor& t) {
  PLAIT_CHECK(t.is_floating(), kType, op, ": expected floating-point tensors, got ", dtype_name(t.dtype()));
}

// A dense tensor with the memory order of `like`: t itself, or a copy of it that store_back() returns to t.
class DenseCopies {
 public:
  Tensor take(const Tensor& t, const Tensor& like, bool written) {
    if (t.strides() == like.strides() || (t.is_contiguous() && like.is_contiguous())) return t;
    Tensor copy = Tensor::empty_like(like, t.dtype());
    copy_into(copy, t);
    if (written) copies_.emplace_back(t, copy);
    return copy;
  }
  void store_back() {
    for (const auto& [t, copy] : copies_) copy_into(t, copy);
  }

 private:
  std::vector<std::pair<Tensor, Tensor>> copies_;
};

// Elements of a step that are worth one more thread: a step does more per element than a copy.
constexpr int64_t kStepGrain = kGrainElements / 2;

// Calls f(tensor number, first element, number of elements) on the elements of all tensors, seen as one long
// run that is cut between threads. Elements must be independent of each other.
template <class Size, class F>
void for_each_run(size_t count, Size size, F f) {
  std::vector<int64_t> ends(count);
  int64_t total = 0;
  for (size_t i = 0; i < count; ++i) ends[i] = total += size(i);
  parallel_for(total, kStepGrain, [&](int64_t begin, int64_t end) {
    size_t i = static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), begin) - ends.begin());
    for (int64_t at = begin; at < end; at = ends[i++]) {
      const int64_t start = i ? ends[i - 1] : 0;
      f(i, at - start, std::min(end, ends[i]) - at);
    }
  });
}

struct State {
  const char* name;
  const Tensors& tensors;
};

// One step of `rule` on all parameters. `scalars(i)` gives the numbers for parameter i; it is called once for
// each, after all checks, and may count the parameter's steps up.
template <class ScalarsOf>
void step_all(const char* op, OptimRule rule, const Tensors& params, std::initializer_list<State> states,
              ScalarsOf scalars_of) {
  struct Item {
    OptimArgs args;
    OptimScalars scalars;
    DType dtype;
    size_t item_size;
  };
  std::vector<Item> items(params.size());
  DenseCopies copies;
  Tensors kept;  // copies of gradients, alive until the step is done
  for (const State& s : states) {
    PLAIT_CHECK(s.tensors.size() == params.size(), kValue, op, ": expected ", params.size(), " tensors of ",
                s.name, ", got ", s.tensors.size());
  }
  for (size_t i = 0; i < params.size(); ++i) {
    const Tensor& p = params[i];
    check_floating(op, p);
    const AutogradMeta* meta = meta_of(p);
    PLAIT_CHECK(meta && meta->grad.defined(), kRuntime, op, ": expected a gradient of parameter ", i,
                " of shape ", p.shape(), ", got none");
    const auto check_like = [&](const char* name, const Tensor& t) {
      PLAIT_CHECK(t.shape() == p.shape(), kValue, op, ": expected ", name, " of the parameter's shape ",
                  p.shape(), ", got ", t.shape());
      PLAIT_CHECK(t.dtype() == p.dtype(), kType, op, ": expected ", name, " of the parameter's dtype ",
                  dtype_name(p.dtype()), ", got ", dtype_name(t.dtype()));
    };
    check_like("a gradient", meta->grad);
    for (const State& s : states) check_like(s.name, s.tensors[i]);
  }
  for (size_t i = 0; i < params.size(); ++i) {
    const Tensor& p = params[i];
    Item& item = items[i];
    item.dtype = p.dtype();
    item.item_size = p.item_size();
    const Tensor like = is_dense(p) ? p : Tensor::empty(p.shape(), p.dtype());
    item.args.param = copies.take(p, like, true).data_ptr();
    kept.push_back(copies.take(meta_of(p)->grad, like, false));
    item.args.grad = kept.back().data_ptr();
    int k = 0;
    for (const State& s : states) item.args.state[k++] = copies.take(s.tensors[i], like, true).data_ptr();
    item.scalars = scalars_of(i);
  }
  const KernelTable& table = kernels();
  for_each_run(
      items.size(), [&](size_t i) { return params[i].numel(); },
      [&](size_t i, int64_t first, int64_t n) {
        const Item& item = items[i];
        const auto at = [&](const void* p) {
          return static_cast<char*>(const_cast<void*>(p)) + first * static_cast<int64_t>(item.item_size);
        };
        OptimArgs args = item.args;
        args.param = at(args.param);
        args.grad = at(args.grad);
        for (size_t k = 0; k < states.size(); ++k) args.state[k] = at(args.state[k]);
        args.n = n;
        args.scalars = &item.scalars;
        table.optim.step[rule][item.dtype](args);
      });
  copies.store_back();
  for (size_t i = 0; i < params.size(); ++i) {
    params[i].bump_version();
    for (const State& s : states) s.tensors[i].bump_version();
  }
}

// A 0-d tensor of state as a number, and back.
double get(const Tensor& t) { return t.item_as<double>(); }
void set(const Tensor& t, double value) {
  dispatch(t.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    *t.data<T>() = convert<T>(value);
  });
  t.bump_version();
}
void check_numbers(const char* op, const char* name, const Tensors& params, const Tensors& numbers) {
  PLAIT_CHECK(numbers.size() == params.size(), kValue, op, ": expected ", params.size(), " tensors of ", name,
              ", got ", numbers.size());
  for (const Tensor& t : numbers) {
    PLAIT_CHECK(t.numel() == 1, kValue, op, ": expected ", name, " of one element, got shape ", t.shape());
  }
}
double count_up(const Tensor& step) {
  const double t = get(step) + 1;
  set(step, t);
  return t;
}

OptimScalars coupled(double weight_decay, bool maximize) {
  OptimScalars s;
  s.weight_decay = weight_decay;
  s.maximize = maximize;
  return s;
}
OptimScalars decaying(double lr, double weight_decay, bool decoupled, bool maximize) {
  OptimScalars s = coupled(decoupled ? 0 : weight_decay, maximize);
  if (decoupled) s.shrink = 1 - lr * weight_decay;
  return s;
}

void sgd_step(const Tensors& params, const Tensors& buffers, double lr, double momentum, double dampening,
              double weight_decay, bool nesterov, bool maximize) {
  OptimScalars s = coupled(weight_decay, maximize);
  s.lr = lr;
  s.a = momentum;
  s.b = 1 - dampening;
  s.flag = nesterov;
  const auto scalars = [&](size_t) { return s; };
  if (momentum == 0) {
    step_all("sgd_step", OptimRule::kSgd, params, {}, scalars);
  } else {
    step_all("sgd_step", OptimRule::kSgdMomentum, params, {{"momentum_buffer", buffers}}, scalars);
  }
}

void adam_step(const Tensors& params, const Tensors& exp_avgs, const Tensors& exp_avg_sqs,
               const Tensors& max_exp_avg_sqs, const Tensors& steps, double lr, double beta1, double beta2,
               double eps, double weight_decay, bool decoupled, bool maximize) {
  check_numbers("adam_step", "step", params, steps);
  const auto scalars = [&](size_t i) {
    const double t = count_up(steps[i]);
    OptimScalars s = decaying(lr, weight_decay, decoupled, maximize);
    s.lr = lr / (1 - std::pow(beta1, t));
    s.a = 1 - beta1;
    s.b = beta2;
    s.c = 1 - beta2;
    s.d = 1 / std::sqrt(1 - std::pow(beta2, t));
    s.e = eps;
    return s;
  };
  if (max_exp_avg_sqs.empty()) {
    step_all("adam_step", OptimRule::kAdam, params, {{"exp_avg", exp_avgs}, {"exp_avg_sq", exp_avg_sqs}},
             scalars);
  } else {
    step_all("adam_step", OptimRule::kAdamAmsgrad, params,
             {{"exp_avg", exp_avgs}, {"exp_avg_sq", exp_avg_sqs}, {"max_exp_avg_sq", max_exp_avg_sqs}},
             scalars);
  }
}

void rmsprop_step(const Tensors& params, const Tensors& square_avgs, const Tensors& grad_avgs,
                  const Tensors& buffers, const Tensors& steps, double lr, double alpha, double eps,
                  double weight_decay, double momentum, bool maximize) {
  check_numbers("rmsprop_step", "step", params, steps);
  const auto scalars = [&](size_t i) {
    count_up(steps[i]);
    OptimScalars s = coupled(weight_decay, maximize);
    s.lr = lr;
    s.a = alpha;
    s.b = 1 - alpha;
    s.c = momentum;
    s.e = eps;
    return s;
  };
  const State v{"square_avg", square_avgs}, mean{"grad_avg", grad_avgs}, buffer{"momentum_buffer", buffers};
  const char* op = "rmsprop_step";
  if (grad_avgs.empty() && buffers.empty()) {
    step_all(op, OptimRule::kRmsprop, params, {v}, scalars);
  } else if (grad_avgs.empty()) {
    step_all(op, OptimRule::kRmspropMomentum, params, {v, buffer}, scalars);
  } else if (buffers.empty()) {
    step_all(op, OptimRule::kRmspropCentered, params, {v, mean}, scalars);
  } else {
    step_all(op, OptimRule::kRmspropCenteredMomentum, params, {v, mean, buffer}, scalars);
  }
}

void adagrad_step(const Tensors& params, const Tensors& sums, const Tensors& steps, double lr,
                  double lr_decay, double eps, double weight_decay, bool maximize) {
  check_numbers("adagrad_step", "step", params, steps);
  step_all("adagrad_step", OptimRule::kAdagrad, params, {{"sum", sums}}, [&](size_t i) {
    OptimScalars s = coupled(weight_decay, maximize);
    s.lr = lr / (1 + (count_up(steps[i]) - 1) * lr_decay);
    s.e = eps;
    return s;
  });
}

void adadelta_step(const Tensors& params, const Tensors& square_avgs, const Tensors& acc_deltas,
                   const Tensors& steps, double lr, double rho, double eps, double weight_decay,
                   bool maximize) {
  check_numbers("adadelta_step", "step", params, steps);
  step_all("adadelta_step", OptimRule::kAdadelta, params,
           {{"square_avg", square_avgs}, {"acc_delta", acc_deltas}}, [&](size_t i) {
             count_up(steps[i]);
             OptimScalars s = coupled(weight_decay, maximize);
             s.lr = lr;
             s.a = rho;
             s.b = 1 - rho;
             s.e = eps;
             return s;
           });
}

void adamax_step(const Tensors& params, const Tensors& exp_avgs, const Tensors& exp_infs,
                 const Tensors& steps, double lr, double beta1, double beta2, double eps, double weight_decay,
                 bool maximize) {
  check_numbers("adamax_step", "step", params, steps);
  step_all("adamax_step", OptimRule::kAdamax, params, {{"exp_avg", exp_avgs}, {"exp_inf", exp_infs}},
           [&](size_t i) {
             OptimScalars s = coupled(weight_decay, maximize);
             s.lr = lr / (1 - std::pow(beta1, count_up(steps[i])));
             s.a = 1 - beta1;
             s.b = beta2;
             s.e = eps;
             return s;
           });
}

void nadam_step(const Tensors& params, const Tensors& exp_avgs, const Tensors& exp_avg_sqs,
                const Tensors& mu_products, const Tensors& steps, double lr, double beta1, double beta2,
                double eps, double weight_decay, double momentum_decay, bool decoupled, bool maximize) {
  check_numbers("nadam_step", "step", params, steps);
  check_numbers("nadam_step", "mu_product", params, mu_products);
  step_all("nadam_step", OptimRule::kNadam, params, {{"exp_avg", exp_avgs}, {"exp_avg_sq", exp_avg_sqs}},
           [&](size_t i) {
             const double t = count_up(steps[i]);
             const auto mu = [&](double k) { return beta1 * (1 - 0.5 * std::pow(0.96, k * momentum_decay)); };
             set(mu_products[i], get(mu_products[i]) * mu(t));
             const double product = get(mu_products[i]);  // as rounded to the state's dtype
             OptimScalars s = decaying(lr, weight_decay, decoupled, maximize);
             s.lr = lr * (1 - mu(t)) / (1 - product);
             s.f = lr * mu(t + 1) / (1 - product * mu(t + 1));
             s.a = 1 - beta1;
             s.b = beta2;
             s.c = 1 - beta2;
             s.d = 1 / std::sqrt(1 - std::pow(beta2, t));
             s.e = eps;
             return s;
           });
}

void radam_step(const Tensors& params, const Tensors& exp_avgs, const Tensors& exp_avg_sqs,
                const Tensors& steps, double lr, double beta1, double beta2, double eps, double weight_decay,
                bool decoupled, bool maximize) {
  check_numbers("radam_step", "step", params, steps);
  step_all("radam_step", OptimRule::kRadam, params, {{"exp_avg", exp_avgs}, {"exp_avg_sq", exp_avg_sqs}},
           [&](size_t i) {
             const double t = count_up(steps[i]);
             const double unbiased = 1 - std::pow(beta2, t);
             const double r_inf = 2 / (1 - beta2) - 1, r = r_inf - 2 * t * std::pow(beta2, t) / unbiased;
             OptimScalars s = decaying(lr, weight_decay, decoupled, maximize);
             s.lr = lr / (1 - std::pow(beta1, t));
             s.flag = r > 5;
             if (s.flag) {
               s.lr *= std::sqrt((r - 4) * (r - 2) * r_inf / ((r_inf - 4) * (r_inf - 2) * r) * unbiased);
             }
             s.a = 1 - beta1;
             s.b = beta2;
             s.c = 1 - beta2;
             s.e = eps;
             return s;
           });
}

void rprop_step(const Tensors& params, const Tensors& prevs, const Tensors& step_sizes, const Tensors& steps,
                double eta_minus, double eta_plus, double step_min, double step_max, bool maximize) {
  check_numbers("rprop_step", "step", params, steps);
  step_all("rprop_step", OptimRule::kRprop, params, {{"prev", prevs}, {"step_size", step_sizes}},
           [&](size_t i) {
             count_up(steps[i]);
             OptimScalars s = coupled(0, maximize);
             s.a = eta_minus;
             s.b = eta_plus;
             s.c = step_min;
             s.d = step_max;
             return s;
           });
}

void asgd_step(const Tensors& params, const Tensors& averages, const Tensors& etas, const Tensors& mus,
               const Tensors& steps, double lr, double lambd, double alpha, double t0, double weight_decay,
               bool maximize) {
  check_numbers("asgd_step", "step", params, steps);
  check_numbers("asgd_step", "eta", params, etas);
  check_numbers("asgd_step", "mu", params, mus);
  step_all("asgd_step", OptimRule::kAsgd, params, {{"ax", averages}}, [&](size_t i) {
    const double t = count_up(steps[i]);
    OptimScalars s = coupled(weight_decay, maximize);
    s.lr = get(etas[i]);
    s.a = 1 - lambd * s.lr;
    s.b = get(mus[i]);
    s.flag = s.b == 1;
    set(etas[i], lr / std::pow(1 + lambd * lr * t, alpha));
    set(mus[i], 1 / std::max(1.0, t - t0));
    return s;
  });
}

// ---- Gradients as a whole ----

// The given tensors that have a gradient, as the same handles.
Tensors with_grad(const Tensors& tensors) {
  Tensors result;
  result.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    const AutogradMeta* meta = meta_of(t);
    if (meta && meta->grad.defined()) result.push_back(t);
  }
  return result;
}

void zero_grad(const Tensors& tensors, bool set_to_none) {
  for (const Tensor& t : tensors) {
    AutogradMeta* meta = meta_of(t);
    if (!meta || !meta->grad.defined()) continue;
    if (set_to_none) {
      meta->grad = Tensor();
      continue;
    }
    if (requires_grad(meta->grad)) meta->grad = detach(meta->grad);
    const Tensor& g = meta->grad;
    if (is_dense(g)) {
      set_zero(g);
    } else {
      copy_into(g, Tensor::scalar(0.0, g.dtype()));
    }
    g.bump_version();
  }
}

// Elements per partial sum: fixed, so that the sum does not depend on the number of threads.
constexpr int64_t kNormChunk = 32768;

// For exponents without a kernel: sum of |x|^p in double.
double power_sum(const Tensor& t, int64_t first, int64_t n, double p) {
  return dispatch(t.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* x = t.data<T>() + first;
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += std::pow(std::abs(convert<double>(x[i])), p);
    return sum;
  });
}

Tensor grad_norm(const Tensors& tensors, double p) {
  struct Chunk {
    size_t tensor;
    int64_t first, n;
  };
  PLAIT_CHECK(p > 0, kValue, "grad_norm: expected norm_type > 0, got ", p);
  Tensors dense;
  std::vector<Chunk> chunks;
  DType dtype = tensors.empty() ? default_dtype() : tensors[0].dtype();
  for (const Tensor& t : tensors) {
    check_floating("grad_norm", t);
    dtype = promote_types(dtype, t.dtype());
    dense.push_back(DenseCopies().take(t, is_dense(t) ? t : Tensor::empty(t.shape(), t.dtype()), false));
    for (int64_t at = 0; at < t.numel(); at += kNormChunk) {
      chunks.push_back({dense.size() - 1, at, std::min(kNormChunk, t.numel() - at)});
    }
  }
  const bool largest = std::isinf(p);
  const bool has_kernel = largest || p == 1 || p == 2;
  const NormKind kind = largest ? NormKind::kMaxAbs : p == 1 ? NormKind::kSumAbs : NormKind::kSumSquares;
  std::vector<double> partial(chunks.size());
  const KernelTable& table = kernels();
  const auto one = [&](int64_t k) {
    const Chunk& c = chunks[static_cast<size_t>(k)];
    const Tensor& t = dense[c.tensor];
    const char* x = t.data<char>() + c.first * static_cast<int64_t>(t.item_size());
    partial[static_cast<size_t>(k)] =
        has_kernel ? table.optim.norm[kind][t.dtype()](x, c.n) : power_sum(t, c.first, c.n, p);
  };
  // Groups of chunks are worth a thread only together when tensors are small.
  int64_t total = 0;
  for (const Chunk& c : chunks) total += c.n;
  if (total < 2 * kGrainElements) {
    DenormalGuard guard;
    for (size_t k = 0; k < chunks.size(); ++k) one(static_cast<int64_t>(k));
  } else {
    parallel_chunks(static_cast<int64_t>(chunks.size()), one);
  }
  double norm = 0;
  for (const double v : partial) norm = largest ? (v > norm || v != v ? v : norm) : norm + v;
  if (!largest && p != 1) norm = p == 2 ? std::sqrt(norm) : std::pow(norm, 1 / p);
  return Tensor::scalar(norm, dtype);
}

void scale_tensors(const Tensors& tensors, double factor) {
  for (const Tensor& t : tensors) check_floating("scale_tensors", t);
  DenseCopies copies;
  Tensors dense;
  for (const Tensor& t : tensors) {
    dense.push_back(copies.take(t, is_dense(t) ? t : Tensor::empty(t.shape(), t.dtype()), true));
  }
  const KernelTable& table = kernels();
  for_each_run(
      dense.size(), [&](size_t i) { return dense[i].numel(); },
      [&](size_t i, int64_t first, int64_t n) {
        const Tensor& t = dense[i];
        table.optim.scale[t.dtype()](t.data<char>() + first * static_cast<int64_t>(t.item_size()), n, factor);
      });
  copies.store_back();
  for (const Tensor& t : tensors) t.bump_version();
}

const RegisterOps kOps{
    {"sgd_step(Tensor[] params, Tensor[] momentum_buffers, float lr, float momentum, float dampening, "
     "float weight_decay, bool nesterov, bool maximize) -> ()",
     "p", PLAIT_BOX(sgd_step),
     "One step of plait.optim.SGD on all parameters, from their "
     "gradients. momentum_buffers: [] if momentum is 0."},
    {"adam_step(Tensor[] params, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] max_exp_avg_sqs, "
     "Tensor[] steps, float lr, float beta1, float beta2, float eps, float weight_decay, bool decoupled, "
     "bool maximize) -> ()",
     "p", PLAIT_BOX(adam_step),
     "One step of plait.optim.Adam and AdamW on all parameters. max_exp_avg_sqs: [] without amsgrad."},
    {"rmsprop_step(Tensor[] params, Tensor[] square_avgs, Tensor[] grad_avgs, "
     "Tensor[] momentum_buffers, Tensor[] steps, float lr, float alpha, float eps, "
     "float weight_decay, float momentum, bool maximize) -> ()",
     "p", PLAIT_BOX(rmsprop_step),
     "One step of plait.optim.RMSprop on all parameters. grad_avgs: [] unless centered; momentum_buffers: [] "
     "without momentum."},
    {"adagrad_step(Tensor[] params, Tensor[] sums, Tensor[] steps, float lr, float lr_decay, float eps, "
     "float weight_decay, bool maximize) -> ()",
     "p", PLAIT_BOX(adagrad_step), "One step of plait.optim.Adagrad on all parameters."},
    {"adadelta_step(Tensor[] params, Tensor[] square_avgs, Tensor[] acc_deltas, Tensor[] steps, float lr, "
     "float rho, float eps, float weight_decay, bool maximize) -> ()",
     "p", PLAIT_BOX(adadelta_step), "One step of plait.optim.Adadelta on all parameters."},
    {"adamax_step(Tensor[] params, Tensor[] exp_avgs, Tensor[] exp_infs, Tensor[] steps, float lr, "
     "float beta1, float beta2, float eps, float weight_decay, bool maximize) -> ()",
     "p", PLAIT_BOX(adamax_step), "One step of plait.optim.Adamax on all parameters."},
    {"nadam_step(Tensor[] params, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] mu_products, "
     "Tensor[] steps, float lr, float beta1, float beta2, float eps, float weight_decay, "
     "float momentum_decay, bool decoupled, bool maximize) -> ()",
     "p", PLAIT_BOX(nadam_step), "One step of plait.optim.NAdam on all parameters."},
    {"radam_step(Tensor[] params, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] steps, float lr, "
     "float beta1, float beta2, float eps, float weight_decay, bool decoupled, bool maximize) -> ()",
     "p", PLAIT_BOX(radam_step), "One step of plait.optim.RAdam on all parameters."},
    {"rprop_step(Tensor[] params, Tensor[] prevs, Tensor[] step_sizes, Tensor[] steps, float eta_minus, "
     "float eta_plus, float step_min, float step_max, bool maximize) -> ()",
     "p", PLAIT_BOX(rprop_step), "One step of plait.optim.Rprop on all parameters."},
    {"asgd_step(Tensor[] params, Tensor[] averages, Tensor[] etas, Tensor[] mus, Tensor[] steps, float lr, "
     "float lambd, float alpha, float t0, float weight_decay, bool maximize) -> ()",
     "p", PLAIT_BOX(asgd_step), "One step of plait.optim.ASGD on all parameters."},
    {"with_grad(Tensor[] tensors) -> Tensor[]", "p", PLAIT_BOX(with_grad),
     "The tensors that have a gradient, in order and as the same objects."},
    {"zero_grad(Tensor[] tensors, bool set_to_none=True) -> ()", "p", PLAIT_BOX(zero_grad),
     "Drops the gradients of all tensors, or fills them with zeros."},
    {"grad_norm(Tensor[] tensors, float norm_type=2.0) -> Tensor", "p", PLAIT_BOX(grad_norm),
     "The p-norm of all elements of all tensors as one vector: a 0-d tensor of their dtype, summed in "
     "float64 in chunks that do not depend on the number of threads. norm_type may be inf."},
    {"scale_tensors(Tensor[] tensors, float factor) -> ()", "p", PLAIT_BOX(scale_tensors),
     "Multiplies all tensors by a number in place, in one pass. Not recorded by autograd."},
};

}  // namespace
}  // namespace plait
