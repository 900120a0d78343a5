// SPDX-License-Identifier: MIT
// The recurrence of one LSTM or GRU layer over a whole sequence, given its products with the input. With W
// the weight of the state and s(x) the logistic function, per step and sample:
//   LSTM  i, f, g, o = x + W h + bias;      c' = s(f) c + s(i) tanh(g);          h' = s(o) tanh(c')
//   GRU   r, z = s(x_rz + (W h + bias)_rz); n = tanh(x_n + r (W h + bias)_n);    h' = (1 - z) n + z h
// T is float or double; all arrays are contiguous.
#pragma once

#include <cstdint>

#include "kernels/recurrent/recurrent_args.h"

namespace plait {

struct RecurrentSizes {
  int64_t steps, batch, hidden, gates;  // gates: 4 hidden (LSTM) or 3 hidden (GRU)
  bool reverse;                         // from the last step to the first

  int64_t state() const { return batch * hidden; }                     // elements of a step of the states,
  int64_t row() const { return batch * gates; }                        // and of the gates
  int64_t at(int64_t i) const { return reverse ? steps - 1 - i : i; }  // the i-th step to be computed
};

template <class T>
struct LstmForward {
  RecurrentSizes sizes;
  const T* x;       // [steps, batch, gates]: the products with the input
  const T* h0;      // [batch, hidden]
  const T* c0;      // [batch, hidden]
  const T* weight;  // [gates, hidden]
  const T* bias;    // [gates], or null
  T* active;        // [steps, batch, gates]: the gates behind their activations, kept for backward
  T* c;             // [steps, batch, hidden]
  T* y;             // [steps, batch, hidden]: h of every step
};
template <class T>
struct LstmBackward {
  RecurrentSizes sizes;
  const T* active;  // what forward kept,
  const T* c;
  const T* y;
  const T* h0;  // and was given
  const T* c0;
  const T* weight;
  const T* gy;  // [steps, batch, hidden], or null: zeros
  T* gh;        // [batch, hidden]: gradient of the last h in, of h0 out
  T* gc;        // [batch, hidden]: gradient of the last c in, of c0 out
  T* ggates;    // [steps, batch, gates]: gradient of x and of W h + bias
  T* gweight;   // [gates, hidden], or null when not wanted
};

template <class T>
struct GruForward {
  RecurrentSizes sizes;
  const T* x;       // [steps, batch, gates]: the products with the input
  const T* h0;      // [batch, hidden]
  const T* weight;  // [gates, hidden]
  const T* bias;    // [gates], or null
  T* active;        // [steps, batch, gates]: r, z, n, kept for backward
  T* recurrent_n;   // [steps, batch, hidden]: (W h + bias)_n, kept for backward
  T* y;             // [steps, batch, hidden]: h of every step
};
template <class T>
struct GruBackward {
  RecurrentSizes sizes;
  const T* active;  // what forward kept,
  const T* recurrent_n;
  const T* y;
  const T* h0;  // and was given
  const T* weight;
  const T* gy;    // [steps, batch, hidden], or null: zeros
  T* gh;          // [batch, hidden]: gradient of the last h in, of h0 out
  T* ggates;      // [steps, batch, gates]: gradient of x
  T* grecurrent;  // [steps, batch, gates]: gradient of W h + bias
  T* gweight;     // [gates, hidden], or null when not wanted
};

template <class T>
void lstm_forward(const LstmForward<T>& args);
template <class T>
void lstm_backward(const LstmBackward<T>& args);
template <class T>
void gru_forward(const GruForward<T>& args);
template <class T>
void gru_backward(const GruBackward<T>& args);

#define PLAIT_RECURRENT_DRIVERS(prefix, T)              \
  prefix void lstm_forward<T>(const LstmForward<T>&);   \
  prefix void lstm_backward<T>(const LstmBackward<T>&); \
  prefix void gru_forward<T>(const GruForward<T>&);     \
  prefix void gru_backward<T>(const GruBackward<T>&);
PLAIT_RECURRENT_DRIVERS(extern template, float)
PLAIT_RECURRENT_DRIVERS(extern template, double)

}  // namespace plait
