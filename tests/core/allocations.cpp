#include "core/allocations.hpp"
#include <cstddef>

#include <cstdlib>
#include <limits>
#include <new>

namespace iocpp::core {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

thread_local std::uint64_t made = 0;
thread_local std::uint64_t left = unlimited;

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (left == 0) throw std::bad_alloc{};
  if (left != unlimited) --left;
  ++made;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

std::uint64_t allocations() noexcept {
  return made;
}

AllocationsFail::AllocationsFail(std::uint64_t allowed) noexcept {
  left = allowed;
}
AllocationsFail::~AllocationsFail() {
  left = unlimited;
}

}  // namespace iocpp::core

void* operator new(std::size_t bytes) {
  return iocpp::core::allocate(bytes, alignof(std::max_align_t));
}
void* operator new[](std::size_t bytes) {
  return iocpp::core::allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return iocpp::core::allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return iocpp::core::allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
