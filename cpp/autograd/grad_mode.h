// SPDX-License-Identifier: MIT
#pragma once

#include "core/storage.h"

namespace plait {

// Whether ops of this thread record a graph; on by default.
bool grad_enabled();
void set_grad_enabled(bool on);

// Tensors made in inference mode can never take part in autograd: outside they cannot be saved for a backward
// pass, changed in place or made to require grad. Turns grad mode off, and on again when it ends.
void set_inference_mode(bool on);

// Of the whole process. With kCheckNan a backward pass stops at the first node that returns a NaN.
enum class AnomalyMode : unsigned char { kOff, kOn, kCheckNan };
AnomalyMode anomaly_mode();
void set_anomaly_mode(AnomalyMode mode);

class GradModeGuard {
 public:
  explicit GradModeGuard(bool on) : saved_(grad_enabled()) { set_grad_enabled(on); }
  ~GradModeGuard() { set_grad_enabled(saved_); }
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool saved_;
};

struct NoGradGuard : GradModeGuard {
  NoGradGuard() : GradModeGuard(false) {}
};

}  // namespace plait
