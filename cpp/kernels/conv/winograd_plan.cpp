// SPDX-License-Identifier: MIT
#include "kernels/conv/winograd_plan.h"

#include <algorithm>
#include <array>
#include <limits>

#include "kernels/conv/conv_common.h"

namespace plait::conv {
namespace {

// The taps of a kernel along an axis that read one phase of the input: cells.
struct Reach {
  int64_t first = std::numeric_limits<int64_t>::max(), last = 0;

  void add(int64_t cell) {
    first = std::min(first, cell);
    last = std::max(last, cell);
  }
  // The coefficients that have products, with `taps` places from `start` on.
  int64_t nonzero(int64_t start, int64_t taps) const {
    return kWinogradAll - (start < first ? kWinogradFirst : 0) -
           (start + taps - 1 > last ? kWinogradLast : 0);
  }
};
using PhaseReach = std::array<Reach, WinogradPlan::kMaxStride>;  // [phase of the input]

// An axis of all kernels.
struct Axis {
  int64_t low;                              // the least tap
  int64_t start[WinogradPlan::kMaxStride];  // of the places that read a phase of the input
  std::vector<PhaseReach> reach;            // of every kernel
};

bool supported(const std::vector<Phase>& phases, const int64_t* stride) {
  if (stride[1] != stride[2] || stride[1] > WinogradPlan::kMaxStride || phases.empty()) return false;
  if (phases.size() > 1 && stride[1] > 1) return false;
  return std::all_of(phases.begin(), phases.end(), [](const Phase& p) {
    const auto& d = p.taps.d;
    return !d.empty() && std::all_of(d.begin(), d.end(), [](int64_t at) { return at == 0; });
  });
}

Axis measure_axis(const std::vector<Phase>& phases, int axis, int64_t stride) {
  Axis a;
  a.low = std::numeric_limits<int64_t>::max();
  for (const Phase& p : phases) {
    for (const int64_t t : p.taps.axis(axis)) a.low = std::min(a.low, t);
  }
  for (const Phase& p : phases) {
    PhaseReach& reach = a.reach.emplace_back();
    for (const int64_t t : p.taps.axis(axis)) {
      reach[static_cast<size_t>((t - a.low) % stride)].add((t - a.low) / stride);
    }
  }
  return a;
}

// Where the places of one input phase start, so that the fewest coefficients are nonzero. All kernels read
// the same tiles of inputs, hence have the same start. False where `taps` places are too few.
bool place_phase(const std::vector<PhaseReach>& kernels, size_t phase, int64_t taps, int64_t& start) {
  Reach all;
  for (const PhaseReach& r : kernels) {
    // An output of one tap would take most of its error from neighbours that it does not read: up to 18 times
    // that of its direct sum.
    if (kernels.size() > 1 && r[phase].first == r[phase].last) return false;
    all.first = std::min(all.first, r[phase].first);
    all.last = std::max(all.last, r[phase].last);
  }
  if (all.first > all.last) return true;  // no tap reads this phase: it becomes no part
  if (all.last - all.first >= taps) return false;
  int fewest = 0;
  for (int64_t s = all.first; s + taps > all.last; --s) {
    int coefficients = 0;
    for (const PhaseReach& r : kernels) coefficients += std::popcount(uint64_t(r[phase].nonzero(s, taps)));
    if (fewest == 0 || coefficients < fewest) fewest = coefficients, start = s;
  }
  return true;
}

// The parts of one kernel, in the order in which their first taps come.
void place_taps(const Phase& p, size_t kernel, const Axis* axes, int64_t taps, int64_t stride,
                WinogradPlan::Kernel& k) {
  for (size_t t = 0; t < p.taps.d.size(); ++t) {
    const int64_t h = p.taps.h[t] - axes[0].low, w = p.taps.w[t] - axes[1].low;
    const int64_t phase[2] = {h % stride, w % stride};
    WinogradPlan::Part* part = k.parts;
    while (part < k.parts + k.n_parts && (part->a != phase[0] || part->b != phase[1])) ++part;
    if (part == k.parts + k.n_parts) {
      ++k.n_parts;
      *part = {phase[0], phase[1], {}, {}, {}};
      for (int i = 0; i < 2; ++i) {
        part->start[i] = axes[i].start[phase[i]];
        part->nonzero[i] = axes[i].reach[kernel][static_cast<size_t>(phase[i])].nonzero(part->start[i], taps);
        k.nonzero[i] |= part->nonzero[i];
      }
      std::fill(std::begin(part->tap), std::end(part->tap), -1);
    }
    part->tap[taps * (h / stride - part->start[0]) + w / stride - part->start[1]] = p.taps.index[t];
  }
}

std::unique_ptr<WinogradPlan> make_plan(const Correlation& c, const Axis* measured, int64_t taps) {
  const int64_t stride = c.in_stride[1];
  Axis axes[2] = {measured[0], measured[1]};
  for (Axis& axis : axes) {
    for (int64_t a = 0; a < stride; ++a) {
      if (!place_phase(axis.reach, static_cast<size_t>(a), taps, axis.start[a])) return nullptr;
    }
  }
  auto plan = std::make_unique<WinogradPlan>();
  plan->taps = taps;
  plan->tile = kWinogradSide + 1 - taps;
  plan->stride = stride;
  plan->outputs[0] = plan->outputs[1] = plan->products = 0;
  plan->kernels.resize(c.phases.size());
  for (size_t q = 0; q < c.phases.size(); ++q) {
    WinogradPlan::Kernel& k = plan->kernels[q];
    place_taps(c.phases[q], q, axes, taps, stride, k);
    for (int64_t part = 0; part < k.n_parts; ++part) plan->products += k.parts[part].products();
    for (int i = 0; i < 2; ++i) plan->outputs[i] = std::max(plan->outputs[i], c.phases[q].grid[i + 1]);
  }
  for (int i = 0; i < 2; ++i) plan->low[i] = axes[i].low;
  return plan;
}

// By how much whole vectors of output channels, which gradients of the weights take, are more than there are.
double whole_vectors(const ConvProblem& problem) {
  if (problem.direction != ConvDirection::kBackwardWeight) return 1;
  const int64_t oc = problem.shape.out_channels;
  return static_cast<double>(round_up(oc, conv_kernels<float>().lanes)) / static_cast<double>(oc);
}

// In multiply-adds of a direct sum: products run at less than its rate, since every part ends a sum;
// transforms of inputs are shared by all output channels, those of outputs by all input channels; those of
// the weights are made once.
double winograd_cost(const ConvProblem& problem, const WinogradPlan& plan) {
  const Correlation& c = problem.correlation();
  const bool gradient = problem.direction == ConvDirection::kBackwardWeight;
  const WinogradCosts& k = gradient ? tuning().winograd_gradient : tuning().winograd;
  int64_t columns = WinogradTiles(c.images, plan.outputs[0], plan.outputs[1], plan.tile).columns;
  if (!gradient) columns = round_up(columns, gemm_kernels<float>().nr / 2);
  const auto parts = static_cast<double>(plan.n_parts()), kernels = static_cast<double>(plan.kernels.size());
  const auto in = static_cast<double>(c.group_in_channels), out = static_cast<double>(c.group_out_channels);
  const auto products = static_cast<double>(plan.products);
  const double transforms = 36 * (k.input * parts / out + k.output * kernels / in);
  const double tiles = k.product * products * whole_vectors(problem) + transforms;
  return static_cast<double>(columns) * tiles + k.weights * products + k.tap * static_cast<double>(c.taps);
}

}  // namespace

std::unique_ptr<const WinogradPlan> cheapest_winograd_plan(const ConvProblem& problem) {
  const Correlation& c = problem.correlation();
  std::unique_ptr<WinogradPlan> best;
  if (c.groups != 1 || c.in[0] != 1 || c.out[0] != 1 || !supported(c.phases, c.in_stride)) return best;
  const Axis axes[2] = {measure_axis(c.phases, 1, c.in_stride[1]), measure_axis(c.phases, 2, c.in_stride[1])};
  for (int64_t taps = 2; taps <= kWinogradMaxTaps; ++taps) {
    std::unique_ptr<WinogradPlan> plan = make_plan(c, axes, taps);
    if (!plan) continue;
    plan->cost = winograd_cost(problem, *plan);
    if (!best || plan->cost < best->cost) best = std::move(plan);
  }
  return best;
}

double direct_cost(const ConvProblem& problem) {
  const Correlation& c = problem.correlation();
  int64_t products = 0;
  for (const Phase& p : c.phases) products += p.positions() * p.taps.size();
  const auto work = static_cast<double>(c.images * products);
  if (problem.direction == ConvDirection::kBackwardWeight) return work * whole_vectors(problem);
  return work * (1 + tuning().pack_channels / static_cast<double>(c.group_out_channels));
}

WinogradTiles::WinogradTiles(int64_t images, int64_t rows, int64_t row_length, int64_t tile)
    : h(ceil_div(rows, tile)), w(ceil_div(row_length, tile)), columns(images * h * w) {}

std::vector<WinogradStrip> WinogradTiles::strips(int64_t first, int64_t count) const {
  count = std::min(count, columns - first);
  int64_t left = first % w, row = first / w % h, image = first / (w * h);
  std::vector<WinogradStrip> cut;
  for (int64_t column = 0; column < count;) {
    const int64_t length = std::min(w - left, count - column);
    cut.push_back({column, length, image, row, left});
    column += length;
    left = 0;
    if (++row < h) continue;
    row = 0;
    ++image;
  }
  return cut;
}

}  // namespace plait::conv
