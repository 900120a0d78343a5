// SPDX-License-Identifier: MIT
#include "kernels/blas_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "core/cpu_info.h"

namespace plait {
namespace {

// An environment variable that has a value for a scope, unless the user has set it.
class ScopedEnv {
 public:
  ScopedEnv(const char* name, const char* value) : name_(name), set_(value && !std::getenv(name)) {
    if (set_) setenv(name, value, 1);
  }
  ~ScopedEnv() {
    if (set_) unsetenv(name_);
  }

 private:
  const char* name_;
  bool set_;
};

}  // namespace

// OpenBLAS reads its settings when it is loaded. It chooses kernels by CPU model and takes models it does not
// know for old ones, so OPENBLAS_CORETYPE is set by CPU feature.
BlasLibrary::BlasLibrary() {
  Dl_info here;
  if (!dladdr(reinterpret_cast<const void*>(&BlasLibrary::get), &here) || !here.dli_fname) return;
  std::string path = here.dli_fname;
  path = path.substr(0, path.find_last_of('/') + 1) + "libscipy_openblas.so";
  const ScopedEnv threads("OPENBLAS_NUM_THREADS", "1");
  const ScopedEnv core("OPENBLAS_CORETYPE", isa_level() == 2   ? "SkylakeX"
                                            : isa_level() == 1 ? "Haswell"
                                                               : nullptr);
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle_) return;
  if (const auto set_threads = find<void (*)(int)>("openblas_set_num_threads")) set_threads(1);
  const auto config = find<char* (*)()>("openblas_get_config");
  const auto core_name = find<char* (*)()>("openblas_get_corename");
  name_ = config ? std::string(config()).substr(0, std::strlen("OpenBLAS 0.0.00")) : "OpenBLAS";
  if (core_name) name_ += std::string(" (") + core_name() + ")";
}

void* BlasLibrary::symbol(const std::string& name) const { return dlsym(handle_, ("scipy_" + name).c_str()); }

const BlasLibrary* BlasLibrary::get() {
  static const BlasLibrary library;
  return library.handle_ ? &library : nullptr;
}

}  // namespace plait
