// SPDX-License-Identifier: MIT
// One time step of a recurrent cell for one sample, all n units: what follows the matrix products.
#pragma once

#include <cstdint>

#include "kernels/slots.h"

namespace plait {

template <class T>
struct LstmStep {
  T* gates;         // (4n): forward's input: i, f, g, o from the state; after it, behind their activations
  const T* x;       // (4n): the same from the input
  const T* bias;    // (4n): of the state; may be null
  const T* c_prev;  // (n,)
  T* c;             // (n,)
  T* h;             // (n,): forward's result
  const T* gh;      // (n,): gradient of h that came through the later steps
  const T* gy;      // (n,): gradient of h as this step's output; may be null
  T* gc;            // (n,): gradient of c in, of c_prev out
  T* ggates;        // (4n): gradient of the gates before their activations
  int64_t n;
};

template <class T>
struct GruStep {
  const T* gates;      // (3n): r, z, n from the input
  const T* recurrent;  // (3n): the same from the state
  const T* bias;       // (3n): of the state; may be null
  T* active;           // (3n): r, z, n behind their activations
  T* recurrent_n;      // (n,): kept for backward
  const T* h_prev;     // (n,)
  T* h;                // (n,)
  const T* gh;         // (n,): gradient of h that came through the later steps
  const T* gy;         // (n,): gradient of h as this step's output; may be null
  T* ggates;           // (3n)
  T* grecurrent;       // (3n)
  T* gh_prev;          // (n,): the part that does not go through the product
  int64_t n;
};

template <class T>
struct RecurrentKernels {
  void (*lstm_forward)(const LstmStep<T>&);
  void (*lstm_backward)(const LstmStep<T>&);
  void (*gru_forward)(const GruStep<T>&);
  void (*gru_backward)(const GruStep<T>&);
};

using RecurrentTable = PerReal<RecurrentKernels>;

}  // namespace plait
