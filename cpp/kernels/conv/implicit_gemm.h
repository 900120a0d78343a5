// SPDX-License-Identifier: MIT
// Forward and backward-data are one thing: every output position of a grid is a weighted sum over channels
// and taps of a source image. Two ways here, chosen by the shape alone; lanes.h has one for many groups:
//   panels   weights packed once, patches packed from frames into column panels, the GEMM's micro-kernel.
//            Columns run over the positions of all images, so that small planes fill panels too.
//            Where that wastes few lanes, patches are read from the frames as they lie instead.
//   direct   few output channels, or short sums: a tile of one group's frame at a time, which stays in a near
//            cache.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/cpu_info.h"
#include "core/workspace.h"
#include "kernels/conv/padded_input.h"

namespace plait::conv {

template <class T>
struct Correlation {
  int64_t images, groups;
  int64_t channels, rows;  // read and written, per group
  const T* src;            // (images, groups * channels, *in)
  const int64_t *in, *step;
  T* dst;  // (images, groups * rows, *out)
  const int64_t *out, *out_step;
  const T* bias;    // (groups * rows,) or null
  const T* weight;  // element (group, row, channel, tap index): the strides below, taps adjacent
  int64_t taps;     // of all phases
  int64_t w_group, w_row, w_channel;
  const std::vector<Phase>* phases;

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  T* place(int64_t image, int64_t group, int64_t row) const {
    return dst + ((image * groups + group) * rows + row) * out_size();
  }
};

// ---- Direct ----

// A tile of the grid whose frame stays in a near cache: rows and columns of positions.
struct Tile {
  int64_t h, w;
};
// limit: elements of all channels' frames.
inline Tile tile_within(const FrameShape& f, const int64_t* grid, int64_t channels, int64_t limit) {
  Tile t{grid[1], grid[2]};
  const auto elements = [&] {
    return channels * f.phases[0] * f.phases[1] * f.phases[2] * f.cells[0] * (f.cells[1] - grid[1] + t.h) *
           (f.cells[2] - grid[2] + t.w);
  };
  while (t.h > 1 && elements() > limit) t.h = ceil_div(t.h, 2);
  while (t.w > 512 && elements() > limit) t.w = ceil_div(t.w, 2);
  return t;
}

// The positions of a tile of one phase, as its outputs lie.
template <class T>
std::vector<PatchVector<T>> tile_vectors(const Correlation<T>& c, const FrameShape& f, int64_t rows,
                                         int64_t length) {
  std::vector<PatchVector<T>> vectors;
  for (int64_t h = 0; h < rows; ++h) {
    add_run(vectors, f.position(0, h, 0), length, h * c.out_step[1] * c.out[2], c.out_step[2]);
  }
  return vectors;
}

template <class T>
void correlate_direct(const Correlation<T>& c) {
  const std::vector<Phase>& phases = *c.phases;
  const FrameShape whole = frame_shape(c.in, c.step, phases);
  int64_t grid[3] = {0, 0, 0};
  for (const Phase& p : phases) {
    for (int i = 0; i < 3; ++i) grid[i] = std::max(grid[i], p.grid[i]);
  }
  // Half of a small L2, and less when halos are cheap.
  const int64_t limit = c.channels > 8 ? int64_t{1} << 16 : int64_t{1} << 13;
  const Tile tile = tile_within(whole, grid, c.channels, limit);
  std::vector<Phase> tiled = phases;
  for (Phase& p : tiled) {
    p.grid[1] = std::min(p.grid[1], tile.h);
    p.grid[2] = std::min(p.grid[2], tile.w);
  }
  const FrameShape f = frame_shape(c.in, c.step, tiled);

  // Panels of weights in the order of the sums, and vectors of a whole tile.
  const int64_t panels = ceil_div(c.rows, gemm_kernels<T>().mr), mr = ceil_div(c.rows, panels);
  std::vector<std::vector<int64_t>> offsets;
  std::vector<std::vector<T>> weights;  // (groups, panels, sums, mr)
  std::vector<std::vector<PatchVector<T>>> vectors;
  double work = 0;
  for (const Phase& p : tiled) {
    const int64_t k = c.channels * p.taps.size();
    work += static_cast<double>(c.images * c.groups * c.rows * p.positions() * (k + 1));
    offsets.push_back(tap_offsets(f, p.taps, c.channels, f.plane()));
    vectors.push_back(tile_vectors(c, f, p.grid[1], p.grid[2]));
    std::vector<T> packed(static_cast<size_t>(c.groups * panels * mr * k));
    T* to = packed.data();
    for (int64_t g = 0; g < c.groups; ++g) {
      for (int64_t r0 = 0; r0 < c.rows; r0 += mr) {
        const int64_t m = std::min(mr, c.rows - r0);
        for (int64_t ch = 0; ch < c.channels; ++ch) {
          for (const int64_t index : p.taps.index) {
            const T* from = c.weight + g * c.w_group + r0 * c.w_row + ch * c.w_channel + index;
            for (int64_t r = 0; r < m; ++r) to[r] = from[r * c.w_row];
            to += mr;
          }
        }
      }
    }
    weights.push_back(std::move(packed));
  }

  const int64_t tiles_h = ceil_div(grid[1], tile.h), tiles_w = ceil_div(grid[2], tile.w);
  // A unit takes what images and groups of small planes fill half of L1: a plane of 7 x 7 is done in the time
  // that the rest of a unit takes.
  constexpr int64_t kFrames = 4096;
  const int64_t planes = c.images * c.groups, frame_size = c.channels * f.plane();
  const int64_t most =
      std::clamp<int64_t>(kFrames / frame_size, 1, std::max<int64_t>(1, planes / (8 * num_threads())));
  const int64_t at_once = tiles_h * tiles_w == 1 ? most : 1;
  for_units(ceil_div(planes, at_once) * tiles_h * tiles_w, 2 * work, [&](int64_t unit) {
    const int64_t w0 = unit % tiles_w * tile.w, h0 = unit / tiles_w % tiles_h * tile.h;
    const int64_t first = unit / (tiles_w * tiles_h) * at_once, end = std::min(first + at_once, planes);
    FrameShape here = f;
    here.before[1] -= h0 * f.step[1];
    here.before[2] -= w0 * f.step[2];
    const Workspace space(sizeof(T) * static_cast<size_t>((end - first) * frame_size + kFrameSlack));
    conv_kernels<T>().frame(here, space.as<T>(), c.src + first * c.channels * c.in_size(),
                            (end - first) * c.channels);
    for (size_t q = 0; q < phases.size(); ++q) {
      const Phase& p = phases[q];
      const int64_t h = std::min(tile.h, p.grid[1] - h0), w = std::min(tile.w, p.grid[2] - w0);
      if (h <= 0 || w <= 0) continue;   // phases differ by one position
      std::vector<PatchVector<T>> cut;  // of a tile that is not whole
      if (h < tiled[q].grid[1] || w < tiled[q].grid[2]) cut = tile_vectors(c, f, h, w);
      const std::vector<PatchVector<T>>& here_vectors = cut.empty() ? vectors[q] : cut;
      DirectPatches<T> a;
      a.y_row = c.out_size();
      a.y_step = c.out_step[2];
      a.offset = offsets[q].data();
      a.m = c.rows;
      a.k = c.channels * p.taps.size();
      a.mr = mr;
      a.panel = mr * a.k;
      a.vectors = here_vectors.data();
      a.n_vectors = static_cast<int64_t>(here_vectors.size());
      a.add = false;
      for (int64_t plane = first; plane < end; ++plane) {
        const int64_t g = plane % c.groups;
        a.weight = weights[q].data() + g * panels * mr * a.k;
        a.bias = c.bias ? c.bias + g * c.rows : nullptr;
        for (int64_t d = 0; d < p.grid[0]; ++d) {
          a.frame = space.as<T>() + (plane - first) * frame_size + f.position(d, 0, 0);
          a.y = c.dst + plane * c.rows * c.out_size() +
                ((p.start[0] + d * c.out_step[0]) * c.out[1] + p.start[1] + h0 * c.out_step[1]) * c.out[2] +
                p.start[2] + w0 * c.out_step[2];
          conv_kernels<T>().direct(a);
        }
      }
    }
  });
}

// ---- Panels ----

// Weights as row panels, blocked by whole channels along the sum.
template <class T>
class PackedWeights {
 public:
  // index: of the taps, if they are not all
  explicit PackedWeights(const Correlation<T>& c, int64_t taps, const std::vector<int64_t>* index = nullptr)
      : index_(index), taps_(taps), channels_(c.channels), rows_(c.rows) {
    const GemmKernels<T>& kern = gemm_kernels<T>();
    block_ = ceil_div(channels_, ceil_div(channels_ * taps_, kern.kc));
    mr_ = ceil_div(rows_, ceil_div(rows_, kern.mr));
    panels_ = ceil_div(rows_, mr_);
    blocks_ = ceil_div(channels_, block_);
    panel_ = round_up(mr_ * block_ * taps_, kSpare) + kSpare;
  }
  // Few columns read rows where they lie, if they are sums in order: packing would cost as much as it saves.
  bool in_place(const Correlation<T>& c, const Phase& p) const {
    constexpr int64_t kFewPanels = 6;
    return c.w_channel == taps_ && c.images * p.positions() <= kFewPanels * gemm_kernels<T>().nr;
  }
  int64_t size() const { return blocks_ * panels_ * panel_; }  // of a group
  int64_t blocks() const { return blocks_; }
  int64_t depth() const { return block_ * taps_; }  // of a block
  int64_t depth(int64_t block) const { return std::min(block_, channels_ - block * block_) * taps_; }
  int64_t panels() const { return panels_; }
  int64_t mr() const { return mr_; }
  int64_t panel() const { return panel_; }
  const T* at(const T* packed, int64_t group, int64_t block, int64_t panel) const {
    return packed + group * size() + (block * panels_ + panel) * panel_;
  }

  // Where the row of a channel's first tap lies.
  T* row(T* packed, int64_t group, int64_t panel, int64_t channel) const {
    return packed + (at(packed, group, channel / block_, panel) - packed) + channel % block_ * taps_ * mr_;
  }

  void pack(const Correlation<T>& c, T* packed) const {
    parallel_for(c.groups * blocks_ * panels_, std::max<int64_t>(1, kGrainElements / panel_),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t u = begin; u < end; ++u) {
                     const int64_t block = u / panels_ % blocks_, c0 = block * block_;
                     const int64_t channels = std::min(block_, channels_ - c0);
                     pack_rows(c, u / (panels_ * blocks_), u % panels_, c0, channels, packed + u * panel_);
                   }
                 });
  }
  // Each channel's taps are turned once and dealt out to the phases, whose weights lie one after the other.
  static void pack_phases(const Correlation<T>& c, const std::vector<PackedWeights>& phases, T* packed) {
    const PackedWeights all(c, c.taps);
    const int64_t size = all.panel_ * all.blocks_;
    parallel_for(c.groups * all.panels_, std::max<int64_t>(1, kGrainElements / size),
                 [&](int64_t begin, int64_t end) {
                   const Workspace turned(sizeof(T) * static_cast<size_t>(c.taps * all.mr_ + kSpare));
                   for (int64_t u = begin; u < end; ++u) {
                     const int64_t group = u / all.panels_, panel = u % all.panels_;
                     for (int64_t ch = 0; ch < c.channels; ++ch) {
                       all.pack_rows(c, group, panel, ch, 1, turned.as<T>());
                       T* at = packed;
                       for (const PackedWeights& phase : phases) {
                         T* dst = phase.row(at, group, panel, ch);
                         for (const int64_t index : *phase.index_) {
                           // More than a row, of a length that needs no call: the next one overwrites it.
                           std::memcpy(dst, turned.as<T>() + index * all.mr_, kSpare * sizeof(T));
                           dst += all.mr_;
                         }
                         at += c.groups * phase.size();
                       }
                     }
                   }
                 });
  }

 private:
  // Elements that packing may write past a panel, and at least a row.
  static constexpr int64_t kSpare = 16;

  // All taps of some channels.
  void pack_rows(const Correlation<T>& c, int64_t group, int64_t panel, int64_t channel, int64_t channels,
                 T* dst) const {
    constexpr int64_t kChannelsAhead = 4;
    const auto& kern = gemm_kernels<T>();
    const int64_t r0 = panel * mr_, count = std::min(mr_, rows_ - r0);
    const T* from = c.weight + group * c.w_group + r0 * c.w_row + channel * c.w_channel;
    if (c.w_channel == taps_) {  // a row's sum lies in memory as it is taken
      return kern.pack(dst, mr_, from, c.w_row, 1, count, channels * taps_);
    }
    for (int64_t ch = channel; ch < channel + channels; ++ch, dst += taps_ * mr_, from += c.w_channel) {
      // Channels lie pages apart, which the hardware does not foresee.
      const T* const ahead = from + (std::min(ch + kChannelsAhead, channels_ - 1) - ch) * c.w_channel;
      for (int64_t e = 0; e < count * c.w_row; e += 64 / sizeof(T)) __builtin_prefetch(ahead + e);
      kern.pack(dst, mr_, from, c.w_row, 1, count, taps_);
    }
  }

  const std::vector<int64_t>* index_;
  int64_t taps_, channels_, rows_;
  int64_t block_, blocks_, mr_, panels_, panel_;
};

// Columns of the product [first, first + count) to their places in the images.
template <class T>
void scatter(const Correlation<T>& c, const Phase& p, int64_t group, int64_t row0, int64_t rows,
             const T* block, int64_t ld, int64_t first, int64_t count) {
  const int64_t P = p.positions();
  const bool dense = c.out_step[0] == 1 && c.out_step[1] == 1 && c.out_step[2] == 1;
  for (int64_t j = 0; j < count;) {
    const int64_t image = (first + j) / P, at = (first + j) % P;
    if (dense) {  // the grid is the image
      const int64_t n = std::min(P - at, count - j);
      for (int64_t r = 0; r < rows; ++r) {
        std::copy_n(block + r * ld + j, n, c.place(image, group, row0 + r) + at);
      }
      j += n;
      continue;
    }
    const int64_t w = at % p.grid[2], h = at / p.grid[2] % p.grid[1], d = at / (p.grid[1] * p.grid[2]);
    const int64_t n = std::min(p.grid[2] - w, count - j), step = c.out_step[2];
    const int64_t to =
        ((p.start[0] + d * c.out_step[0]) * c.out[1] + p.start[1] + h * c.out_step[1]) * c.out[2] +
        p.start[2] + w * step;
    for (int64_t r = 0; r < rows; ++r) {
      const T* from = block + r * ld + j;
      T* y = c.place(image, group, row0 + r) + to;
      for (int64_t i = 0; i < n; ++i) y[i * step] = from[i];
    }
    j += n;
  }
}

// Whether patches are read where they lie. Vectors of them have idle lanes where rows end and are as many as
// an image needs; packed ones cost what 10 rows do: on Zen 4, 64 channels of 32 x 32 without packing take
// 0.93 of the time, 16 of 28 x 28 0.85, and 256 of 28 x 28 with rows of 32 (an eighth of idle lanes) 1.14.
template <class T>
bool reads_in_place(const Correlation<T>& c, const Phase& p, const FrameShape& f, int64_t packed_columns) {
  constexpr int64_t kPackedRows = 10;
  const int64_t width = conv_kernels<T>().lanes;
  std::vector<PatchRun> runs;
  cut_runs(f, p.grid, 0, 0, p.positions(), runs);
  int64_t vectors = 0, end = 0;  // and the end of the last one's lanes
  for (const PatchRun& run : runs) {
    const int64_t base = std::max(run.base, end), added = ceil_div(run.base + run.length - base, width);
    if (added <= 0) continue;
    vectors += added;
    end = base + added * width;
  }
  return vectors * c.images * width * c.rows < packed_columns * (c.rows + kPackedRows);
}

// How a product is cut into units: of columns, whose panels fill at most 3/8 of L2, as the GEMM's, and of
// rows.
struct PanelCut {
  int64_t columns, rows;
};
// The cut whose threads are done first: the mean of the units that one of them takes, and what the largest
// one has more. A unit packs its columns for the price of 3 rows, and calls its weights up for that of 2
// columns.
template <class T>
PanelCut cut_panels(const PackedWeights<T>& weights, int64_t panels, int64_t products, int64_t threads) {
  const int64_t nr = gemm_kernels<T>().nr;
  const int64_t most = std::max<int64_t>(
      1, std::min(cpu_info().l2_bytes * 3 / 8 / static_cast<int64_t>(sizeof(T)) / weights.depth(),
                  gemm_kernels<T>().nc) /
             nr);
  PanelCut best = {ceil_div(panels, most), 1};
  if (threads == 1) return best;
  double least = 0;
  for (int64_t columns = best.columns; columns <= std::min(panels, ceil_div(panels, most) + 4 * threads);
       ++columns) {
    for (int64_t rows = 1; rows <= std::min(weights.panels(), 2 * threads); ++rows) {
      const auto price = [&](double of_columns, double of_rows) {
        return (of_columns * double(nr) + 8) * (of_rows * double(weights.mr()) + 3);
      };
      const double mean = price(double(panels) / double(columns), double(weights.panels()) / double(rows));
      const double largest =
          price(double(ceil_div(panels, columns)), double(ceil_div(weights.panels(), rows)));
      const double time = double(ceil_div(products * columns * rows, threads) - 1) * mean + largest;
      if (least != 0 && time >= least) continue;
      least = time;
      best = {columns, rows};
    }
  }
  return best;
}

template <class T>
void correlate_phase(const Correlation<T>& c, const Phase& p, const FrameShape& f, const T* frames,
                     const PackedWeights<T>& weights, const T* packed) {
  const GemmKernels<T>& kern = gemm_kernels<T>();
  const int64_t nr = kern.nr, P = p.positions();
  const bool dense = c.out_step[0] == 1 && c.out_step[1] == 1 && c.out_step[2] == 1;
  // Images share panels where their own last panel would be empty in large part.
  const bool fold = round_up(P, nr) * 32 > P * 33;
  const int64_t domain = fold ? c.images * P : P, domains = fold ? 1 : c.images;
  const std::vector<int64_t> offset = tap_offsets(f, p.taps, c.channels, f.plane());

  const double work = static_cast<double>(c.images * P) * static_cast<double>(c.rows) *
                      static_cast<double>(c.groups * c.channels * p.taps.size());
  const auto threads = static_cast<int64_t>(std::clamp(work / 5e5, 1.0, double(num_threads())));
  const int64_t panels = ceil_div(domain, nr);
  const PanelCut cut = cut_panels<T>(weights, panels, c.groups * domains, threads);
  const int64_t columns = cut.columns, row_units = cut.rows;
  const int64_t nc = ceil_div(panels, columns) * nr;  // the most
  const bool direct = packed && reads_in_place(c, p, f, round_up(domain, nr / 2) * domains);

  for_units(c.groups * domains * columns * row_units, work, [&](int64_t unit) {
    const int64_t row_unit = unit % row_units, column = unit / row_units % columns;
    const int64_t first_image = unit / (row_units * columns) % domains;
    const int64_t group = unit / (row_units * columns * domains);
    const int64_t j0 = panels * column / columns * nr,
                  n = std::min(panels * (column + 1) / columns * nr, domain) - j0;
    const int64_t row_panel = weights.panels() * row_unit / row_units;
    const int64_t r0 = row_panel * weights.mr(),
                  m = std::min(weights.panels() * (row_unit + 1) / row_units * weights.mr(), c.rows) - r0;
    const bool in_place = dense && !fold;

    std::vector<PatchRun> runs;
    std::vector<int64_t> first_run;
    std::vector<PatchVector<T>> vectors;
    if (direct) {
      cut_runs(f, p.grid, c.groups * c.channels * f.plane(), j0, n, runs);
      for (const PatchRun& run : runs) add_run(vectors, run.base, run.length, run.column);
    }
    for (int64_t j = 0; j < n && !direct; j += nr) {
      first_run.push_back(static_cast<int64_t>(runs.size()));
      cut_runs(f, p.grid, c.groups * c.channels * f.plane(), j0 + j, std::min(nr, n - j), runs);
    }
    first_run.push_back(static_cast<int64_t>(runs.size()));

    const Workspace b_space(direct ? 0 : sizeof(T) * static_cast<size_t>(weights.depth() * nc + kFrameSlack));
    const Workspace c_space(in_place ? 0 : sizeof(T) * static_cast<size_t>(m * nc));
    PackPatches<T> pack;
    pack.width = nr;
    pack.frame = frames + (first_image * c.groups + group) * c.channels * f.plane();
    GemmEpilogue<T> epilogue = {};
    if (c.bias) epilogue.row_bias = c.bias + group * c.rows + r0;
    GemmBlock<T> blk;
    blk.m = m;
    blk.n = n;
    blk.mr = weights.mr();
    blk.a_panel = packed ? weights.panel() : weights.mr() * c.w_row;
    blk.a_rs = packed ? 1 : c.w_row;
    blk.a_ps = packed ? weights.mr() : 1;
    blk.b = b_space.as<T>();
    blk.b_ps = nr;
    blk.c = in_place ? c.place(first_image, group, r0) + j0 : c_space.as<T>();
    blk.c_rs = in_place ? c.out_size() : nc;
    blk.c_cs = 1;
    blk.alpha = 1;
    for (int64_t block = 0; block < weights.blocks(); ++block) {
      pack.count = blk.k = weights.depth(block);
      pack.offset = offset.data() + block * weights.depth();
      if (direct) {
        DirectPatches<T> a;
        a.y = blk.c;
        a.y_row = blk.c_rs;
        a.y_step = 1;
        a.frame = pack.frame;
        a.offset = pack.offset;
        a.m = m;
        a.k = blk.k;
        a.mr = weights.mr();
        a.weight = weights.at(packed, group, block, row_panel);
        a.panel = weights.panel();
        a.vectors = vectors.data();
        a.n_vectors = static_cast<int64_t>(vectors.size());
        a.add = block > 0;
        a.bias = c.bias && block + 1 == weights.blocks() ? c.bias + group * c.rows + r0 : nullptr;
        conv_kernels<T>().direct(a);
        continue;
      }
      for (int64_t j = 0; j < n; j += nr) {
        const auto run = first_run.begin() + j / nr;
        pack.dst = b_space.as<T>() + j * blk.k;
        pack.runs = runs.data() + run[0];
        pack.n_runs = run[1] - run[0];
        conv_kernels<T>().pack(pack);
      }
      blk.a = packed ? weights.at(packed, group, block, row_panel)
                     : c.weight + group * c.w_group + r0 * c.w_row + block * weights.depth();
      blk.b_panel = nr * blk.k;
      blk.b_tail = blk.b + n / nr * blk.b_panel;
      blk.beta = block > 0 ? T(1) : T(0);
      blk.epilogue = c.bias && block + 1 == weights.blocks() ? &epilogue : nullptr;
      kern.block(blk);
    }
    if (!in_place) scatter(c, p, group, r0, m, c_space.as<T>(), nc, first_image * P + j0, n);
  });
}

// The bias alone, for positions that no tap reads.
template <class T>
void fill_outputs(const Correlation<T>& c) {
  const int64_t size = c.out_size();
  parallel_for(c.images * c.groups * c.rows, std::max<int64_t>(1, kGrainElements / size),
               [&](int64_t begin, int64_t end) {
                 for (int64_t p = begin; p < end; ++p) {
                   std::fill_n(c.dst + p * size, size, c.bias ? c.bias[p % (c.groups * c.rows)] : T(0));
                 }
               });
}

template <class T>
void correlate_panels(const Correlation<T>& c) {
  const FrameShape f = frame_shape(c.in, c.step, *c.phases);
  const int64_t planes = c.groups * c.channels;
  const int64_t image_bytes = planes * f.plane() * static_cast<int64_t>(sizeof(T));
  const int64_t at_once = images_at_once(c.images, image_bytes);
  const Workspace frames(static_cast<size_t>(at_once * image_bytes) + sizeof(T) * kFrameSlack);

  for (const Phase& p : *c.phases) {
    if (p.positions() > 0 && p.taps.size() == 0) {
      fill_outputs(c);
      break;
    }
  }
  std::vector<PackedWeights<T>> weights;
  int64_t size = 0;
  for (const Phase& p : *c.phases) {
    if (p.taps.size() == 0) continue;
    weights.emplace_back(c, p.taps.size(), &p.taps.index);
    size += c.groups * weights.back().size();
  }
  const Workspace packed(sizeof(T) * static_cast<size_t>(size));
  const bool phased = c.phases->size() > 1 || c.phases->front().taps.size() < c.taps;
  if (phased) PackedWeights<T>::pack_phases(c, weights, packed.as<T>());
  for (int64_t image = 0; image < c.images; image += at_once) {
    Correlation<T> part = c;
    part.images = std::min(at_once, c.images - image);
    part.src += image * planes * c.in_size();
    part.dst += image * c.groups * c.rows * c.out_size();
    make_frames(f, frames.as<T>(), part.src, part.images * planes);
    T* at = packed.as<T>();
    size_t q = 0;
    for (const Phase& p : *c.phases) {
      if (p.taps.size() == 0) continue;
      const PackedWeights<T>& w = weights[q++];
      const bool in_place = w.in_place(c, p);
      if (image == 0 && !phased && !in_place) w.pack(c, at);
      if (p.positions() > 0) correlate_phase(part, p, f, frames.as<T>(), w, in_place ? nullptr : at);
      at += c.groups * w.size();
    }
  }
}

template <class T>
void correlate(const Correlation<T>& c) {
  int64_t taps = 0;
  for (const Phase& p : *c.phases) taps = std::max(taps, p.taps.size());
  // Few rows leave the GEMM's register tile empty; short sums do not pay for packing.
  if (c.rows <= 4 || c.channels * taps <= 16) return correlate_direct(c);
  correlate_panels(c);
}

}  // namespace plait::conv
