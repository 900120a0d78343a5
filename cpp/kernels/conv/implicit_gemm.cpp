// SPDX-License-Identifier: MIT
// dst[r, pos] = W[r, (channel, tap)] * patches[(channel, tap), pos] + bias[r], for every phase and group.
//
// Loop order: images by as many as the last cache holds; phases; units of a block of positions and one of
// output channels; blocks of channels, which fill the depth of a panel; then the micro-kernel. A unit packs
// its own patches, in panels that stay in L2. Where that wastes few lanes, patches are read from the padded
// input as they lie.
// Assumptions: positions run on through all images where that fills panels better; weights are packed once,
// unless positions are few. Bound: multiply-adds; packing a patch costs what 3 output channels do.
#include "kernels/conv/implicit_gemm.h"

#include <algorithm>
#include <vector>

#include "core/cpu_info.h"
#include "core/workspace.h"
#include "kernels/conv/packed_weights.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {
namespace {

// How the product of a phase is cut into units: of positions, whose panels fill at most 3/8 of L2, as the
// GEMM's, and of output channels.
struct PanelCut {
  int64_t positions, channels;
};

// The cut whose threads are done first: the mean of the units that one of them takes, and what the largest
// one has more. A unit packs its patches and loads its weights.
template <class T>
PanelCut cut_panels(const PackedWeights<T>& weights, int64_t panels, int64_t products, int64_t threads) {
  const int64_t nr = gemm_kernels<T>().nr;
  const int64_t depth_bytes = weights.depth() * int64_t{sizeof(T)};
  const int64_t most =
      std::max<int64_t>(1, std::min(cpu_info().l2_bytes * 3 / 8 / depth_bytes, gemm_kernels<T>().nc) / nr);
  PanelCut best = {ceil_div(panels, most), 1};
  if (threads == 1) return best;
  const auto cost = [&](double of_positions, double of_channels) {
    return (of_positions * double(nr) + tuning().unit_weight_positions) *
           (of_channels * double(weights.mr()) + tuning().unit_pack_channels);
  };
  double least = 0;
  for (int64_t p = best.positions; p <= std::min(panels, ceil_div(panels, most) + 4 * threads); ++p) {
    for (int64_t c = 1; c <= std::min(weights.panels(), 2 * threads); ++c) {
      const double mean = cost(double(panels) / double(p), double(weights.panels()) / double(c));
      const double largest = cost(double(ceil_div(panels, p)), double(ceil_div(weights.panels(), c)));
      const double time = double(ceil_div(products * p * c, threads) - 1) * mean + largest;
      if (least != 0 && time >= least) continue;
      least = time;
      best = {p, c};
    }
  }
  return best;
}

// The product of one phase of some images.
template <class T>
class PhaseProduct {
 public:
  // packed: of this phase; null if its weights are read where they lie.
  PhaseProduct(const Correlation& c, const Operands<T>& t, int64_t images, const Phase& p,
               const PaddedPlane& plane, const T* padded, const PackedWeights<T>& weights, const T* packed)
      : c_(c),
        t_(t),
        images_(images),
        phase_(p),
        plane_(plane),
        padded_(padded),
        weights_(weights),
        packed_(packed),
        kern_(gemm_kernels<T>()),
        offset_(tap_offsets(plane, p.taps, c.group_in_channels, plane.size())) {
    plan_units();
  }

  void run() const {
    for_units(c_.groups * domains_ * cut_.positions * cut_.channels, work_, [&](int64_t index) {
      const Unit u = unit(index);
      const Workspace space(stores_in_place_ ? 0 : bytes_of<T>(u.m * max_n_));
      T* const y = stores_in_place_ ? plane_of(u.first_image, u.group, u.r0) + u.j0 : space.as<T>();
      if (patches_in_place_) {
        multiply_in_place(u, y, stores_in_place_ ? c_.out_size() : max_n_);
      } else {
        multiply_packed(u, y, stores_in_place_ ? c_.out_size() : max_n_);
      }
      if (!stores_in_place_) store_output(u, y);
    });
  }

 private:
  // Positions [j0, j0 + n) of a domain and output channels [r0, r0 + m) of a group.
  struct Unit {
    int64_t group, first_image;
    int64_t j0, n;
    int64_t panel, r0, m;  // the first panel of output channels
  };

  void plan_units() {
    const int64_t nr = kern_.nr, positions = phase_.positions();
    // Images share panels where their own last panel would be empty in large part.
    const bool fold = round_up(positions, nr) * 32 > positions * 33;
    domain_ = fold ? images_ * positions : positions;
    domains_ = fold ? 1 : images_;
    work_ = static_cast<double>(images_ * positions) * static_cast<double>(c_.group_out_channels) *
            static_cast<double>(c_.in_channels() * phase_.taps.size());
    panels_ = ceil_div(domain_, nr);
    cut_ = cut_panels<T>(weights_, panels_, c_.groups * domains_, threads_for(work_));
    max_n_ = ceil_div(panels_, cut_.positions) * nr;
    patches_in_place_ = packed_ && reads_patches_in_place(round_up(domain_, nr / 2) * domains_);
    stores_in_place_ = c_.unit_out_stride() && !fold;
  }

  // Vectors of patches that are read where they lie have idle lanes where rows end, and are as many as an
  // image needs; packed ones cost what some output channels do.
  bool reads_patches_in_place(int64_t packed_positions) const {
    const int64_t width = conv_kernels<T>().lanes;
    std::vector<PatchRun> runs;
    cut_runs(plane_, phase_.grid, 0, 0, phase_.positions(), runs);
    int64_t vectors = 0, end = 0;  // and the end of the last one's lanes
    for (const PatchRun& run : runs) {
      const int64_t base = std::max(run.base, end), added = ceil_div(run.base + run.length - base, width);
      if (added <= 0) continue;
      vectors += added;
      end = base + added * width;
    }
    return vectors * images_ * width * c_.group_out_channels <
           packed_positions * (c_.group_out_channels + tuning().pack_or_read_channels);
  }

  Unit unit(int64_t index) const {
    Unit u;
    const int64_t channel_unit = index % cut_.channels, column = index / cut_.channels % cut_.positions;
    u.first_image = index / (cut_.channels * cut_.positions) % domains_;
    u.group = index / (cut_.channels * cut_.positions * domains_);
    u.j0 = panels_ * column / cut_.positions * kern_.nr;
    u.n = std::min(panels_ * (column + 1) / cut_.positions * kern_.nr, domain_) - u.j0;
    u.panel = weights_.panels() * channel_unit / cut_.channels;
    u.r0 = u.panel * weights_.mr();
    u.m = std::min(weights_.panels() * (channel_unit + 1) / cut_.channels * weights_.mr(),
                   c_.group_out_channels) -
          u.r0;
    return u;
  }

  T* plane_of(int64_t image, int64_t group, int64_t channel) const {
    return t_.dst + ((image * c_.groups + group) * c_.group_out_channels + channel) * c_.out_size();
  }
  const T* padded_of(const Unit& u) const {
    return padded_ + (u.first_image * c_.groups + u.group) * c_.group_in_channels * plane_.size();
  }
  // The bias belongs to the last block of channels.
  const T* bias_of(const Unit& u, int64_t block) const {
    return t_.bias && block + 1 == weights_.blocks() ? t_.bias + u.group * c_.group_out_channels + u.r0
                                                     : nullptr;
  }
  void append_runs(const Unit& u, int64_t first, int64_t count, std::vector<PatchRun>& runs) const {
    cut_runs(plane_, phase_.grid, c_.in_channels() * plane_.size(), u.j0 + first, count, runs);
  }

  // y[m, n] (+)= weights * patches, which the kernel reads from the padded input.
  void multiply_in_place(const Unit& u, T* y, int64_t ld) const {
    std::vector<PatchRun> runs;
    append_runs(u, 0, u.n, runs);
    std::vector<PatchVector<T>> vectors;
    for (const PatchRun& run : runs) append_vectors(vectors, run.base, run.length, run.column);
    UnpackedProduct<T> a;
    a.y = y;
    a.y_ld = ld;
    a.y_stride = 1;
    a.padded = padded_of(u);
    a.m = u.m;
    a.mr = weights_.mr();
    a.panel_stride = weights_.panel_stride();
    a.vectors = vectors.data();
    a.n_vectors = static_cast<int64_t>(vectors.size());
    for (int64_t block = 0; block < weights_.blocks(); ++block) {
      a.offset = offset_.data() + block * weights_.depth();
      a.k = weights_.depth(block);
      a.weight = weights_.at(packed_, u.group, block, u.panel);
      a.accumulate = block > 0;
      a.bias = bias_of(u, block);
      conv_kernels<T>().multiply_unpacked(a);
    }
  }

  // y[m, n] (+)= weights * patches, in panels packed block by block.
  void multiply_packed(const Unit& u, T* y, int64_t ld) const {
    const int64_t nr = kern_.nr;
    std::vector<PatchRun> runs;
    std::vector<int64_t> first_run;  // of every panel
    for (int64_t j = 0; j < u.n; j += nr) {
      first_run.push_back(static_cast<int64_t>(runs.size()));
      append_runs(u, j, std::min(nr, u.n - j), runs);
    }
    first_run.push_back(static_cast<int64_t>(runs.size()));
    const Workspace panels(bytes_of<T>(weights_.depth() * max_n_ + kPaddedSlack));
    GemmEpilogue<T> epilogue = {};
    GemmBlock<T> blk = unit_block(u, y, ld);
    blk.b = panels.as<T>();
    for (int64_t block = 0; block < weights_.blocks(); ++block) {
      blk.k = weights_.depth(block);
      pack_patches(u, block, runs, first_run, panels.as<T>());
      blk.a = packed_
                  ? weights_.at(packed_, u.group, block, u.panel)
                  : t_.w + u.group * c_.w_group_stride + u.r0 * c_.w_out_stride + block * weights_.depth();
      blk.b_panel = nr * blk.k;
      blk.b_tail = blk.b + u.n / nr * blk.b_panel;
      blk.beta = block > 0 ? T(1) : T(0);
      epilogue.row_bias = bias_of(u, block);
      blk.epilogue = epilogue.row_bias ? &epilogue : nullptr;
      kern_.block(blk);
    }
  }
  // What all blocks of channels have in common.
  GemmBlock<T> unit_block(const Unit& u, T* y, int64_t ld) const {
    GemmBlock<T> blk;
    blk.m = u.m;
    blk.n = u.n;
    blk.mr = weights_.mr();
    blk.a_panel = packed_ ? weights_.panel_stride() : weights_.mr() * c_.w_out_stride;
    blk.a_rs = packed_ ? 1 : c_.w_out_stride;
    blk.a_ps = packed_ ? weights_.mr() : 1;
    blk.b_ps = kern_.nr;
    blk.c = y;
    blk.c_rs = ld;
    blk.c_cs = 1;
    blk.alpha = 1;
    return blk;
  }
  // to: panels of (depth of the block, nr).
  void pack_patches(const Unit& u, int64_t block, const std::vector<PatchRun>& runs,
                    const std::vector<int64_t>& first_run, T* to) const {
    PackPatches<T> pack;
    pack.width = kern_.nr;
    pack.padded = padded_of(u);
    pack.offset = offset_.data() + block * weights_.depth();
    pack.count = weights_.depth(block);
    for (size_t panel = 0; panel + 1 < first_run.size(); ++panel) {
      pack.dst = to + static_cast<int64_t>(panel) * pack.width * pack.count;
      pack.runs = runs.data() + first_run[panel];
      pack.n_runs = first_run[panel + 1] - first_run[panel];
      conv_kernels<T>().pack_patches(pack);
    }
  }

  // y[m, max_n] to the places of its positions in the images.
  void store_output(const Unit& u, const T* y) const {
    const int64_t positions = phase_.positions(), stride = c_.out_stride[2];
    const int64_t *const grid = phase_.grid, *const start = phase_.start;
    const int64_t first = u.first_image * positions + u.j0;
    for (int64_t j = 0; j < u.n;) {
      const int64_t image = (first + j) / positions, at = (first + j) % positions;
      if (c_.unit_out_stride()) {  // the grid is the image
        const int64_t n = std::min(positions - at, u.n - j);
        for (int64_t r = 0; r < u.m; ++r) {
          std::copy_n(y + r * max_n_ + j, n, plane_of(image, u.group, u.r0 + r) + at);
        }
        j += n;
        continue;
      }
      const int64_t w = at % grid[2], h = at / grid[2] % grid[1], d = at / (grid[1] * grid[2]);
      const int64_t n = std::min(grid[2] - w, u.n - j);
      const int64_t slice = start[0] + d * c_.out_stride[0], row = start[1] + h * c_.out_stride[1];
      const int64_t to = (slice * c_.out[1] + row) * c_.out[2] + start[2] + w * stride;
      for (int64_t r = 0; r < u.m; ++r) {
        const T* from = y + r * max_n_ + j;
        T* dst = plane_of(image, u.group, u.r0 + r) + to;
        for (int64_t i = 0; i < n; ++i) dst[i * stride] = from[i];
      }
      j += n;
    }
  }

  const Correlation& c_;
  const Operands<T>& t_;  // of these images
  const int64_t images_;
  const Phase& phase_;
  const PaddedPlane& plane_;
  const T* const padded_;
  const PackedWeights<T>& weights_;
  const T* const packed_;
  const GemmKernels<T>& kern_;
  const std::vector<int64_t> offset_;  // of every term of a sum
  int64_t domain_, domains_;           // positions that share panels, and how many such sets there are
  int64_t panels_, max_n_;             // of a domain; positions of the largest unit
  PanelCut cut_;
  double work_;
  bool patches_in_place_, stores_in_place_;
};

// The bias alone, for positions that no tap reads.
template <class T>
void fill_outputs(const Correlation& c, const Operands<T>& t) {
  const int64_t size = c.out_size();
  parallel_for(c.images * c.out_channels(), std::max<int64_t>(1, kGrainElements / size),
               [&](int64_t begin, int64_t end) {
                 for (int64_t p = begin; p < end; ++p) {
                   std::fill_n(t.dst + p * size, size, t.bias ? t.bias[p % c.out_channels()] : T(0));
                 }
               });
}

// The weights of the phases that have taps, one after the other.
template <class T>
std::vector<PackedWeights<T>> plan_weights(const Correlation& c) {
  std::vector<PackedWeights<T>> weights;
  for (const Phase& p : c.phases) {
    if (p.taps.size() > 0) weights.emplace_back(c, p.taps.size(), &p.taps.index);
  }
  return weights;
}

}  // namespace

template <class T>
void implicit_gemm(const ConvProblem& problem, const Operands<T>& t) {
  const Correlation& c = problem.correlation();
  const PaddedPlane plane = padded_plane(c.in, c.in_stride, c.phases);
  const int64_t image_size = c.in_channels() * plane.size();
  const int64_t at_once = images_at_once(c.images, image_size * int64_t{sizeof(T)});
  const Workspace padded(bytes_of<T>(at_once * image_size + kPaddedSlack));
  const bool covered = std::all_of(c.phases.begin(), c.phases.end(),
                                   [](const Phase& p) { return p.positions() == 0 || p.taps.size() > 0; });
  if (!covered) fill_outputs(c, t);

  const std::vector<PackedWeights<T>> weights = plan_weights<T>(c);
  int64_t size = 0;
  for (const PackedWeights<T>& w : weights) size += c.groups * w.size();
  const Workspace packed(bytes_of<T>(size));
  const bool phased = c.phases.size() > 1 || c.phases.front().taps.size() < c.taps;
  if (phased) PackedWeights<T>::pack_phases(c, t.w, weights, packed.as<T>());
  for (int64_t image = 0; image < c.images; image += at_once) {
    const int64_t images = std::min(at_once, c.images - image);
    Operands<T> here = t;
    here.src += image * c.in_channels() * c.in_size();
    here.dst += image * c.out_channels() * c.out_size();
    pad_planes(plane, padded.as<T>(), here.src, images * c.in_channels());
    T* at = packed.as<T>();
    auto w = weights.begin();
    for (const Phase& p : c.phases) {
      if (p.taps.size() == 0) continue;
      const bool in_place = w->reads_in_place(c, c.images * p.positions());
      if (image == 0 && !phased && !in_place) w->pack(c, t.w, at);
      if (p.positions() > 0) {
        PhaseProduct<T>(c, here, images, p, plane, padded.as<T>(), *w, in_place ? nullptr : at).run();
      }
      at += c.groups * w->size();
      ++w;
    }
  }
}

template void implicit_gemm<float>(const ConvProblem&, const Operands<float>&);
template void implicit_gemm<double>(const ConvProblem&, const Operands<double>&);

}  // namespace plait::conv
