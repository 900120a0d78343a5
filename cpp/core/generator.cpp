// SPDX-License-Identifier: MIT
#include "core/generator.h"

#include <random>

namespace plait {
namespace {

thread_local Generator* t_generator = nullptr;

}  // namespace

uint64_t entropy_seed() {
  std::random_device device;
  return ((uint64_t{device()} << 32) | device()) & 0x7fffffffffffffffull;
}

void set_thread_generator(Generator* generator) { t_generator = generator; }

Generator& default_generator() {
  if (t_generator) return *t_generator;
  static Generator* generator = [] {
    auto* g = new Generator(entropy_seed());
    g->incref();
    return g;
  }();
  return *generator;
}

}  // namespace plait
