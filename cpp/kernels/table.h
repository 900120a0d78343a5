// SPDX-License-Identifier: MIT
// The table of kernels: function pointers and tuned numbers, one sub-table per family, plain data only. A
// family's header <family>/<family>_args.h declares its argument structs and its sub-table; its files
// isa/<name>_kernels.cpp fill it for each instruction set.
#pragma once

#include "kernels/conv/conv_args.h"
#include "kernels/copy/convert_args.h"
#include "kernels/fft/fft_args.h"
#include "kernels/gemm/gemm_args.h"
#include "kernels/index/index_args.h"
#include "kernels/linalg/linalg_args.h"
#include "kernels/norm/norm_args.h"
#include "kernels/optim/optim_args.h"
#include "kernels/pointwise/pointwise_args.h"
#include "kernels/pool/pool_args.h"
#include "kernels/random/random_args.h"
#include "kernels/recurrent/recurrent_args.h"
#include "kernels/reduce/reduce_args.h"
#include "kernels/resize/resize_args.h"
#include "kernels/scan/scan_args.h"
#include "kernels/sequence/sequence_args.h"
#include "kernels/softmax/softmax_args.h"
#include "kernels/sparse/sparse_args.h"
#include "kernels/special/special_args.h"
#include "kernels/vision/vision_args.h"

namespace plait {

// One line per file isa/<name>_kernels.cpp: dispatch.cpp calls its fill_<name>() for every level.
#define PLAIT_KERNEL_FAMILIES(X) \
  X(gemm)                        \
  X(gemv)                        \
  X(gemm_integer)                \
  X(conv)                        \
  X(conv_interleaved)            \
  X(conv_tuning)                 \
  X(winograd)                    \
  X(pool)                        \
  X(recurrent)                   \
  X(reduce_sum)                  \
  X(reduce_extreme)              \
  X(scan)                        \
  X(norm)                        \
  X(softmax)                     \
  X(reduce_moments)              \
  X(optim)                       \
  X(random)                      \
  X(index)                       \
  X(linalg)                      \
  X(linalg_panel)                \
  X(fft)                         \
  X(sequence)                    \
  X(sparse)                      \
  X(convert)                     \
  X(complex)                     \
  X(pointwise_unary)             \
  X(pointwise_binary)            \
  X(special)                     \
  X(vision)                      \
  X(resize)

// A thread that reads and writes at least this much uses non-temporal stores for its part of the result: the
// caches then keep the operands for the next operator.
// tuned: layer norm backward of 4096 x 768 floats, 19 MB a thread, takes 1.3 ms in place of 2.0
inline constexpr int64_t kStreamBytes = 16 << 20;

struct KernelTable {
  const char* isa;
  GemmTable gemm;
  ConvTable conv;
  PoolTable pool;
  RecurrentTable recurrent;
  ReduceTable reduce;
  ScanTable scan;
  NormTable norm;
  SoftmaxTable softmax;
  OptimTable optim;
  RandomTable random;
  IndexTable index;
  LinalgTable linalg;
  LinalgPanelTable linalg_panel;
  FftTable fft;
  SequenceTable sequence;
  SparseTable sparse;
  PointwiseTable pointwise;
  SpecialTable special;
  ConvertTable convert;
  VisionTable vision;
  ResizeTable resize;
};

}  // namespace plait
