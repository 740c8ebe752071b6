// operator new and delete of the test programs on Windows, each block against a guard page.
#include <cstddef>
#include <new>

#include "support/guard_page_heap.hpp"

namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
  void* memory = iocpp::tests::guarded_allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return allocate(bytes, alignof(std::max_align_t));
}
void* operator new[](std::size_t bytes) {
  return allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  iocpp::tests::guarded_release(memory);
}
void operator delete[](void* memory) noexcept {
  iocpp::tests::guarded_release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  iocpp::tests::guarded_release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  iocpp::tests::guarded_release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  iocpp::tests::guarded_release(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  iocpp::tests::guarded_release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  iocpp::tests::guarded_release(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  iocpp::tests::guarded_release(memory);
}
