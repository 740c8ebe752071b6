#include "core/allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#ifdef _WIN32
#include "support/guard_page_heap.hpp"
#endif

namespace iocpp::core {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

thread_local std::uint64_t made = 0;
thread_local std::uint64_t made_bytes = 0;
thread_local std::uint64_t left = unlimited;

#ifdef _WIN32
void* take(std::size_t bytes, std::size_t alignment) noexcept {
  return tests::guarded_allocate(bytes, alignment);
}
void give_back(void* memory) noexcept {
  tests::guarded_release(memory);
}
#else
void* take(std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}
void give_back(void* memory) noexcept {
  std::free(memory);
}
#endif

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (left == 0) throw std::bad_alloc{};
  if (left != unlimited) --left;
  ++made;
  made_bytes += bytes;
  void* memory = take(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

std::uint64_t allocations() noexcept {
  return made;
}

std::uint64_t allocated_bytes() noexcept {
  return made_bytes;
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
  iocpp::core::give_back(memory);
}
void operator delete[](void* memory) noexcept {
  iocpp::core::give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  iocpp::core::give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  iocpp::core::give_back(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  iocpp::core::give_back(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  iocpp::core::give_back(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  iocpp::core::give_back(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  iocpp::core::give_back(memory);
}
