// SPDX-License-Identifier: MIT
// The structs of the DLPack ABI, versions 0 and 1 (dmlc.github.io/dlpack).
#pragma once

#include <cstdint>

namespace plait::python::dlpack {

struct Device {
  int32_t type;  // 1: CPU
  int32_t id;
};
struct DataType {
  uint8_t code;  // 0 int, 1 uint, 2 float, 4 bfloat, 6 bool
  uint8_t bits;
  uint16_t lanes;
};
struct Array {
  void* data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: contiguous
  uint64_t byte_offset;
};
struct Managed {
  Array array;
  void* context;
  void (*deleter)(Managed*);
};
struct Version {
  uint32_t major;
  uint32_t minor;
};
struct ManagedVersioned {
  Version version;
  void* context;
  void (*deleter)(ManagedVersioned*);
  uint64_t flags;  // bit 0: read-only, bit 1: the data is a copy
  Array array;
};
inline constexpr uint64_t kReadOnly = 1, kIsCopy = 2;

}  // namespace plait::python::dlpack
