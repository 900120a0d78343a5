// SPDX-License-Identifier: MIT
// The numbers are in isa/conv_tuning_kernels.cpp, the costs of Winograd in winograd_plan.cpp.
#include "kernels/conv/choose.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <sstream>

#include "core/error.h"
#include "kernels/conv/col2im.h"
#include "kernels/conv/conv_common.h"
#include "kernels/conv/direct.h"
#include "kernels/conv/full_kernel_gemm.h"
#include "kernels/conv/gemm_1x1.h"
#include "kernels/conv/implicit_gemm.h"
#include "kernels/conv/implicit_gemm_weight_grad.h"
#include "kernels/conv/interleaved.h"
#include "kernels/conv/patch_gemm.h"
#include "kernels/conv/space_to_batch.h"
#include "kernels/conv/winograd.h"
#include "kernels/conv/winograd_plan.h"
#include "kernels/conv/winograd_weight_grad.h"

namespace plait::conv {
namespace {

bool all_are(const int64_t* sizes, int64_t value) {
  return std::all_of(sizes, sizes + 3, [=](int64_t s) { return s == value; });
}
bool always(const ConvProblem&) { return true; }
bool has_no_depth(const ConvShape& s) { return s.in[0] == 1 && s.kernel[0] == 1 && s.padding[0] == 0; }

// ---- gemm_1x1, full_kernel_gemm, patch_gemm: nothing but a product, hence always profitable ----

bool supports_gemm_1x1(const ConvProblem& p) {
  const ConvShape& s = p.shape;
  return s.taps() == 1 && all_are(s.stride, 1) && all_are(s.padding, 0) && std::equal(s.in, s.in + 3, s.out);
}

bool supports_full_kernel_gemm(const ConvProblem& p) {
  const ConvShape& s = p.shape;
  const bool backward_bias = p.direction == ConvDirection::kBackwardData && p.has_bias;
  return s.groups == 1 && s.out_size() == 1 && std::equal(s.in, s.in + 3, s.kernel) &&
         all_are(s.padding, 0) && !backward_bias;
}

bool supports_patch_gemm(const ConvProblem& p) {
  const ConvShape& s = p.shape;
  for (int i = 0; i < 3; ++i) {
    if (s.kernel[i] > s.stride[i] || (s.kernel[i] > 1 && s.dilation[i] > 1)) return false;
  }
  return true;
}

// ---- space_to_batch ----

bool supports_space_to_batch(const ConvProblem& p) {
  const ConvShape& s = p.shape;
  const bool backward_bias = p.direction == ConvDirection::kBackwardData && p.has_bias;
  return has_no_depth(s) && s.stride[1] == 1 && s.stride[2] == 1 && s.dilation[1] * s.dilation[2] > 1 &&
         !backward_bias;
}

// The parts have no dilation, so that those of 3 x 3 taps go to Winograd's algorithm.
template <class T>
bool space_to_batch_is_profitable(const ConvProblem& p) {
  const ConvShape& s = p.shape;
  for (int i = 1; i < 3; ++i) {
    if (s.dilation[i] == 1 || s.kernel[i] != 3) return false;
    if (s.out[i] < tuning().space_to_batch_positions * s.dilation[i]) return false;
  }
  return sizeof(T) == 4 && s.groups == 1 &&
         std::min(s.in_channels, s.out_channels) >= tuning().space_to_batch_channels;
}

// ---- channel_interleaved, image_interleaved ----

bool supports_channel_interleaved(const ConvProblem& p) { return p.shape.groups > 1; }
bool supports_image_interleaved(const ConvProblem& p) { return p.shape.groups == 1; }

// Whether `planes` groups side by side leave no more lanes idle than the output channels of a group would,
// where a group has at most `most` channels.
template <class T>
bool fills_lanes(int64_t planes, int64_t in_channels, int64_t out_channels, int64_t most) {
  const int64_t lanes = conv_kernels<T>().lanes;
  return std::max(in_channels, out_channels) <= most &&
         planes * round_up(out_channels, lanes) >= out_channels * round_up(planes, lanes);
}
template <class T>
bool channel_interleaved_is_profitable(const ConvProblem& p) {
  const Correlation& c = p.correlation();
  return fills_lanes<T>(c.images * c.groups, c.group_in_channels, c.group_out_channels,
                        tuning().channel_interleaved_channels);
}
template <class T>
bool channel_interleaved_gradient_is_profitable(const ConvProblem& p) {
  return fills_lanes<T>(p.shape.groups, p.shape.group_in_channels(), p.shape.group_out_channels(),
                        tuning().channel_interleaved_gradient_channels);
}

// Interleaved images make up for output channels that end within vectors; at most a tenth of the lanes may be
// idle.
template <class T>
bool image_interleaved_is_profitable(const ConvProblem& p) {
  const Correlation& c = p.correlation();
  const int64_t weights = c.group_out_channels * c.group_in_channels * c.taps;
  return tuning().image_interleaved && c.images * 10 >= round_up(c.images, conv_kernels<T>().lanes) * 9 &&
         weights <= tuning().image_interleaved_weights &&
         weights >= tuning().image_interleaved_move * (c.group_out_channels + c.group_in_channels);
}

// ---- winograd ----

template <class T>
bool supports_winograd(const ConvProblem& p) {
  return sizeof(T) == 4 && p.winograd_plan() != nullptr;
}
bool winograd_is_profitable(const ConvProblem& p) { return p.winograd_plan()->cost < direct_cost(p); }

// ---- col2im ----

bool supports_col2im(const ConvProblem& p) { return p.shape.groups == 1 && has_no_depth(p.shape); }

// Per weight: the products of columns and their addition, against those of patches and the transpose of the
// weights.
template <class T>
bool col2im_is_profitable(const ConvProblem& p) {
  const ConvShape& s = p.shape;
  const int64_t positions = ColumnShape(s).positions, lanes = conv_kernels<T>().lanes;
  return s.images * (round_up(positions, lanes) + tuning().col2im_add * positions / s.out_channels) <
         round_up(s.images * s.out_size(), lanes) + tuning().col2im_transpose;
}

// ---- direct ----

bool direct_is_profitable(const ConvProblem& p) {
  const Correlation& c = p.correlation();
  int64_t taps = 0;
  for (const Phase& phase : c.phases) taps = std::max(taps, phase.taps.size());
  return c.group_out_channels <= tuning().direct_out_channels ||
         c.group_in_channels * taps <= tuning().direct_terms;
}

// ---- The tables ----

// Winograd's kernels exist for float alone; supports_winograd() is false for double.
template <class T>
void run_winograd(const ConvProblem& p, const Operands<T>& t) {
  if constexpr (sizeof(T) == 4) winograd(p, t);
}
template <class T>
void run_winograd_weight_grad(const ConvProblem& p, const WeightGradOperands<T>& t) {
  if constexpr (sizeof(T) == 4) winograd_weight_grad(p, t);
}

template <class T>
constexpr Algorithm<Operands<T>> kForward[] = {
    {"gemm_1x1", supports_gemm_1x1, always, gemm_1x1<T>},
    {"full_kernel_gemm", supports_full_kernel_gemm, always, full_kernel_gemm<T>},
    {"patch_gemm", supports_patch_gemm, always, patch_gemm<T>},
    {"space_to_batch", supports_space_to_batch, space_to_batch_is_profitable<T>, space_to_batch<T>},
    {"channel_interleaved", supports_channel_interleaved, channel_interleaved_is_profitable<T>,
     interleaved<T>},
    {"winograd", supports_winograd<T>, winograd_is_profitable, run_winograd<T>},
    {"image_interleaved", supports_image_interleaved, image_interleaved_is_profitable<T>, interleaved<T>},
    {"direct", always, direct_is_profitable, direct<T>},
    {"implicit_gemm", always, always, implicit_gemm<T>},
};

template <class T>
constexpr Algorithm<Operands<T>> kBackwardData[] = {
    {"gemm_1x1", supports_gemm_1x1, always, gemm_1x1<T>},
    {"full_kernel_gemm", supports_full_kernel_gemm, always, full_kernel_gemm<T>},
    {"space_to_batch", supports_space_to_batch, space_to_batch_is_profitable<T>, space_to_batch<T>},
    {"channel_interleaved", supports_channel_interleaved, channel_interleaved_is_profitable<T>,
     interleaved<T>},
    {"winograd", supports_winograd<T>, winograd_is_profitable, run_winograd<T>},
    {"image_interleaved", supports_image_interleaved, image_interleaved_is_profitable<T>, interleaved<T>},
    {"col2im", supports_col2im, col2im_is_profitable<T>, col2im<T>},
    {"direct", always, direct_is_profitable, direct<T>},
    {"implicit_gemm", always, always, implicit_gemm<T>},
};

template <class T>
constexpr Algorithm<WeightGradOperands<T>> kBackwardWeight[] = {
    {"full_kernel_gemm", supports_full_kernel_gemm, always, full_kernel_gemm_weight_grad<T>},
    {"space_to_batch", supports_space_to_batch, space_to_batch_is_profitable<T>,
     space_to_batch_weight_grad<T>},
    {"channel_interleaved", supports_channel_interleaved, channel_interleaved_gradient_is_profitable<T>,
     interleaved_weight_grad<T>},
    {"winograd", supports_winograd<T>, winograd_is_profitable, run_winograd_weight_grad<T>},
    {"implicit_gemm", always, always, implicit_gemm_weight_grad<T>},
};

// ---- Forcing and reporting ----

std::vector<std::string_view> algorithm_names() {
  std::vector<std::string_view> names;
  const auto add = [&](const auto& algorithms) {
    for (const auto& a : algorithms) {
      if (std::find(names.begin(), names.end(), a.name) == names.end()) names.push_back(a.name);
    }
  };
  add(kForward<float>);
  add(kBackwardData<float>);
  add(kBackwardWeight<float>);
  return names;
}

// The name as a literal of the tables, or null for "".
const char* checked_name(const char* who, std::string_view name) {
  if (name.empty()) return nullptr;
  std::string expected;
  for (const std::string_view known : algorithm_names()) {
    if (known == name) return known.data();
    expected += (expected.empty() ? "" : ", ") + std::string(known);
  }
  PLAIT_FAIL(kValue, who, ": expected one of ", expected, ", got '", std::string(name), "'");
}

std::atomic<const char*>& forced_algorithm() {
  static std::atomic<const char*> forced = [] {
    const char* wish = std::getenv("PLAIT_CONV");
    return checked_name("PLAIT_CONV", wish ? wish : "");
  }();
  return forced;
}

bool is_verbose() {
  static const bool verbose = [] {
    const char* wish = std::getenv("PLAIT_VERBOSE");
    return wish && std::string_view(wish) == "1";
  }();
  return verbose;
}

void report_once(const std::string& line) {
  static std::mutex mutex;
  static std::set<std::string> reported;
  const std::lock_guard<std::mutex> lock(mutex);
  if (reported.insert(line).second) std::fprintf(stderr, "plait: %s\n", line.c_str());
}

// The sizes of the trailing dimensions, of which leading ones of 1 are left out.
void append_sizes(std::ostringstream& out, const int64_t* sizes, int first) {
  for (int i = first; i < 3; ++i) out << ", " << sizes[i];
}
void append_option(std::ostringstream& out, const char* name, const int64_t* values, int first,
                   int64_t usual) {
  if (all_are(values, usual)) return;
  out << ", " << name << ' ' << values[first];
  for (int i = first + 1; i < 3; ++i) out << 'x' << values[i];
}

}  // namespace

template <class T>
std::span<const Algorithm<Operands<T>>> forward_algorithms() {
  return kForward<T>;
}
template <class T>
std::span<const Algorithm<Operands<T>>> backward_data_algorithms() {
  return kBackwardData<T>;
}
template <class T>
std::span<const Algorithm<WeightGradOperands<T>>> backward_weight_algorithms() {
  return kBackwardWeight<T>;
}

void force_algorithm(std::string_view name) { forced_algorithm() = checked_name("force_algorithm", name); }

std::string describe(const ConvProblem& problem, int64_t element_size, const char* algorithm) {
  static constexpr const char* kDirections[] = {"forward", "backward_data", "backward_weight"};
  const ConvShape& s = problem.shape;
  int first = 0;
  while (first < 2 && s.in[first] == 1 && s.kernel[first] == 1 && s.out[first] == 1) ++first;
  std::ostringstream out;
  out << "conv " << kDirections[static_cast<int>(problem.direction)]
      << (element_size == 4 ? " f32 " : " f64 ") << algorithm << ": x (" << s.images << ", " << s.in_channels;
  append_sizes(out, s.in, first);
  out << "), w (" << s.out_channels << ", " << s.group_in_channels();
  append_sizes(out, s.kernel, first);
  out << "), y (" << s.images << ", " << s.out_channels;
  append_sizes(out, s.out, first);
  out << ')';
  append_option(out, "stride", s.stride, first, 1);
  append_option(out, "padding", s.padding, first, 0);
  append_option(out, "dilation", s.dilation, first, 1);
  if (s.groups > 1) out << ", groups " << s.groups;
  if (problem.has_bias) out << ", bias";
  return out.str();
}

namespace {

template <class Args>
const Algorithm<Args>& find(std::span<const Algorithm<Args>> algorithms, const ConvProblem& problem) {
  if (const char* forced = forced_algorithm()) {
    for (const Algorithm<Args>& a : algorithms) {
      if (std::string_view(a.name) == forced && a.supports(problem)) return a;
    }
  }
  for (const Algorithm<Args>& a : algorithms) {
    if (a.supports(problem) && a.is_profitable(problem)) return a;
  }
  return algorithms.back();
}

}  // namespace

template <class Args>
const Algorithm<Args>& choose(std::span<const Algorithm<Args>> algorithms, const ConvProblem& problem) {
  const Algorithm<Args>& chosen = find(algorithms, problem);
  if (is_verbose()) report_once(describe(problem, Args::kElementSize, chosen.name));
  return chosen;
}

#define PLAIT_INSTANTIATE(T)                                                                          \
  template std::span<const Algorithm<Operands<T>>> forward_algorithms<T>();                           \
  template std::span<const Algorithm<Operands<T>>> backward_data_algorithms<T>();                     \
  template std::span<const Algorithm<WeightGradOperands<T>>> backward_weight_algorithms<T>();         \
  template const Algorithm<Operands<T>>& choose<Operands<T>>(std::span<const Algorithm<Operands<T>>>, \
                                                             const ConvProblem&);                     \
  template const Algorithm<WeightGradOperands<T>>& choose<WeightGradOperands<T>>(                     \
      std::span<const Algorithm<WeightGradOperands<T>>>, const ConvProblem&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::conv
