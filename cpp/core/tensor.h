// SPDX-License-Identifier: MIT
// Tensor: a handle on {storage, shape, strides, offset, dtype, autograd state}.
#pragma once

#include <memory>
#include <string>

#include "core/dtype.h"
#include "core/error.h"
#include "core/ref.h"
#include "core/shape.h"
#include "core/storage.h"

namespace plait {

// Where the results of a call are to lie: on the device of its tensors, unless it names one.
enum class Place : uint8_t { kOfArguments, kCpu, kMeta };

// The autograd state of a tensor, defined in autograd/meta.h. The core only owns and destroys it.
struct AutogradMetaBase {
  virtual ~AutogradMetaBase() = default;
};

struct SparseParts;

struct TensorImpl {
  RefCount refs;
  DType dtype = DType::kFloat32;
  bool contiguous = true;
  bool wrapped_number = false;   // made from a Python scalar: takes part in promotion by category only
  bool tracks_version = true;    // false for `.data`: writes through it are not counted
  bool meta = false;             // on the device "meta": the storage has no memory
  bool impl_in_storage = false;  // this object lies in a storage's extra bytes: of `home`, else of `storage`
  int64_t numel = 0;
  int64_t offset = 0;    // in elements
  void* data = nullptr;  // storage data plus offset; null on the device "meta"
  Dims shape;
  Dims strides;  // in elements
  Ref<Storage> storage;
  Ref<Storage> home;  // set when set_data has replaced the storage this object lives in
  std::unique_ptr<AutogradMetaBase> autograd;
  std::unique_ptr<SparseParts> sparse;  // of a sparse tensor, whose own memory is a single zero
  void* py_object = nullptr;  // the Python object that wraps this tensor, while one is alive (borrowed)

  void incref() { refs.increment(); }
  void decref() {
    if (refs.decrement()) destroy();
  }
  void destroy() noexcept;
  // Recomputes numel, contiguous, data and meta from shape, strides, offset and storage.
  void refresh();
};

// What needs the values of a tensor on the device "meta" ends so.
struct NoValues : Error {
  using Error::Error;
};
[[noreturn]] void no_values();

class Tensor {
 public:
  Tensor() = default;  // undefined: "no tensor"
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}

  // Uninitialised and contiguous; sizes are checked. Without memory in meta mode.
  static Tensor empty(IntSpan shape, DType dtype);
  static Tensor empty(std::initializer_list<int64_t> shape, DType dtype) { return empty(Dims(shape), dtype); }
  static Tensor empty_strided(IntSpan shape, IntSpan strides, DType dtype);
  // Same shape, dtype, device and, when `like` is dense, the same memory order.
  static Tensor empty_like(const Tensor& like);
  static Tensor empty_like(const Tensor& like, DType dtype);
  // Same shape, dtype and memory order on the device "meta", or with memory of the CPU's.
  static Tensor empty_like_on(const Tensor& like, DType dtype, bool meta);
  // With memory, in meta mode too. A 0-d tensor of a number; `wrapped` marks it as a Python scalar for
  // promotion.
  template <class T>
  static Tensor scalar(T value, DType dtype = DTypeOf<T>::value, bool wrapped = false);
  static Tensor from_storage(Ref<Storage> storage, IntSpan shape, IntSpan strides, int64_t offset,
                             DType dtype);

  bool defined() const { return static_cast<bool>(impl_); }
  explicit operator bool() const { return defined(); }
  TensorImpl* impl() const { return impl_.get(); }
  const Ref<TensorImpl>& ref() const { return impl_; }
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }

  DType dtype() const { return impl_->dtype; }
  const Dims& shape() const { return impl_->shape; }
  const Dims& strides() const { return impl_->strides; }
  int64_t offset() const { return impl_->offset; }
  int64_t dim() const { return impl_->shape.size(); }
  int64_t numel() const { return impl_->numel; }
  int64_t size(int64_t d) const { return impl_->shape[wrap_dim("size", d, dim())]; }
  int64_t stride(int64_t d) const { return impl_->strides[wrap_dim("stride", d, dim())]; }
  size_t item_size() const { return plait::item_size(impl_->dtype); }
  bool is_contiguous() const { return impl_->contiguous; }
  bool is_floating() const { return plait::is_floating(impl_->dtype); }
  bool is_complex() const { return plait::is_complex(impl_->dtype); }
  bool is_differentiable() const { return plait::is_differentiable(impl_->dtype); }
  bool is_wrapped_number() const { return impl_->wrapped_number; }
  bool is_sparse() const { return impl_->sparse != nullptr; }

  // On the device "meta": there are no values.
  bool is_meta() const { return impl_->meta; }
  // Whether there is anything to compute: elements, and memory that they lie in.
  bool has_values() const { return impl_->numel != 0 && !impl_->meta; }

  // The only ways to the values. They throw for a tensor without memory, so that what computes never sees
  // one: an op asks has_values() of its result before it computes.
  void* data_ptr() const {
    if (impl_->meta) [[unlikely]]
      no_values();
    return impl_->data;
  }
  template <class T>
  T* data() const {
    return static_cast<T*>(data_ptr());
  }
  const Ref<Storage>& storage() const { return impl_->storage; }
  // The value of a tensor with one element, whatever its dtype; of a complex tensor only as a Complex.
  template <class T>
  T item_as() const;

  // Made in inference mode, or a view of what was.
  bool is_inference() const { return impl_->storage->is_inference(); }
  uint32_t version() const { return impl_->storage->version(); }
  void bump_version() const {
    if (impl_->tracks_version) impl_->storage->bump_version();
  }

  // A new handle on the same memory with no autograd state.
  Tensor alias() const;
  Tensor alias(IntSpan shape, IntSpan strides, int64_t offset) const;
  // Takes over the memory, shape and dtype of `other`; the autograd state stays.
  void set_data(const Tensor& other) const;

 private:
  Ref<TensorImpl> impl_;
};

// How the elements of a sparse tensor are listed.
enum class SparseLayout : uint8_t { kCoo, kCsr };

// A sparse tensor has the shape and dtype of the dense one. As a strided tensor it is a single zero,
// expanded: what does not know of these parts reads zeros and may not write.
struct SparseParts {
  SparseLayout layout;
  bool coalesced = false;  // COO: columns of `indices` rise and differ from each other
  Tensor indices;          // COO: [sparse dims, entries]; CSR: where each row begins, [rows + 1]; int64
  Tensor columns;          // CSR: [entries]; int64
  Tensor values;           // COO: [entries, dense sizes...]; CSR: [entries]
};

// False only when it is certain that the two share no element.
bool may_overlap(const Tensor& a, const Tensor& b);
// True when two index tuples of `t` can name the same element (expanded tensors).
bool has_internal_overlap(const Tensor& t);
// True when the elements fill their memory without gaps, in any order of the dimensions.
bool is_dense(const Tensor& t);
// Elements of storage needed by this geometry, from element 0 on; 0 for an empty shape.
int64_t storage_extent(IntSpan shape, IntSpan strides, int64_t offset);

template <class T>
Tensor Tensor::scalar(T value, DType dtype, bool wrapped) {
  const MetaMode with_memory(false);
  Tensor t = empty(IntSpan{}, dtype);
  dispatch_any(dtype, [&](auto tag) {
    using To = typename decltype(tag)::type;
    *t.data<To>() = convert<To>(value);
  });
  t.impl()->wrapped_number = wrapped;
  return t;
}

template <class T>
T Tensor::item_as() const {
  PLAIT_ASSERT(numel() == 1);
  const auto read = [&](auto tag) {
    using From = typename decltype(tag)::type;
    return convert<T>(*data<From>());
  };
  if constexpr (kIsComplex<T>) {
    return dispatch_any(dtype(), read);
  } else {
    return dispatch(dtype(), read);
  }
}

}  // namespace plait
