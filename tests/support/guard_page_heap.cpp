#include "support/guard_page_heap.hpp"

#include <windows.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace iocpp::tests {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t arena_bytes = sizeof(void*) == 8 ? std::size_t{1} << 30 : std::size_t{1} << 24;
constexpr std::uint64_t intact = 0x1dc0ffee'b10cafe5;
constexpr unsigned char slack_byte = 0xfd;

/// Right before a block: an underrun destroys it.
struct Header {
  std::uint64_t mark;
  std::size_t bytes;
  std::size_t slack;  ///< Bytes between the block's end and the guard page, for the alignment's sake.
};
constexpr std::size_t header_bytes = 32;
static_assert(sizeof(Header) <= header_bytes);

constexpr std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

// Used before the first constructor runs, and after the last destructor.
SRWLOCK lock = SRWLOCK_INIT;
std::uintptr_t arena_next = 0;
std::uintptr_t arena_end = 0;

/// Addresses that were never used before and never will be again. Their last page is never committed.
std::uintptr_t new_addresses(std::size_t bytes, std::size_t alignment) noexcept {
  ::AcquireSRWLockExclusive(&lock);
  if (arena_next == 0 || arena_end - arena_next < bytes + alignment) {
    const std::size_t size = std::max(arena_bytes, bytes + alignment);
    arena_next = reinterpret_cast<std::uintptr_t>(::VirtualAlloc(nullptr, size, MEM_RESERVE, PAGE_NOACCESS));
    arena_end = arena_next == 0 ? 0 : arena_next + size;
  }
  // The first page of the block, so that where it ends, before the guard page, is aligned.
  const std::uintptr_t end = rounded_up(arena_next + bytes - page, alignment);
  const std::uintptr_t begin = end + page - bytes;
  if (arena_next != 0) arena_next = end + page;
  const bool failed = arena_next == 0;
  ::ReleaseSRWLockExclusive(&lock);
  return failed ? 0 : begin;
}

[[noreturn]] void end_program() noexcept {
  ::RaiseException(STATUS_HEAP_CORRUPTION, EXCEPTION_NONCONTINUABLE, 0, nullptr);
  ::TerminateProcess(::GetCurrentProcess(), STATUS_HEAP_CORRUPTION);
  __builtin_unreachable();
}

}  // namespace

void* guarded_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > SIZE_MAX / 2) return nullptr;
  const std::size_t room = rounded_up(std::max<std::size_t>(bytes, 1), alignment);
  const std::size_t committed = rounded_up(header_bytes + room, page);
  const std::uintptr_t first = new_addresses(committed + page, std::max(alignment, page));
  if (first == 0) return nullptr;
  if (::VirtualAlloc(reinterpret_cast<void*>(first), committed, MEM_COMMIT, PAGE_READWRITE) == nullptr) return nullptr;
  auto* const block = reinterpret_cast<unsigned char*>(first + committed - room);
  const Header header{intact, bytes, room - bytes};
  std::memcpy(block - header_bytes, &header, sizeof header);
  std::memset(block + bytes, slack_byte, room - bytes);
  return block;
}

void guarded_release(void* memory) noexcept {
  if (memory == nullptr) return;
  auto* const block = static_cast<unsigned char*>(memory);
  Header header;
  std::memcpy(&header, block - header_bytes, sizeof header);  // faults for a block that was released before
  if (header.mark != intact) end_program();
  const unsigned char* const slack = block + header.bytes;
  if (!std::all_of(slack, slack + header.slack, [](unsigned char byte) { return byte == slack_byte; })) end_program();
  const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(block - header_bytes) / page * page;
  const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(slack + header.slack);
  if (::VirtualFree(reinterpret_cast<void*>(first), end - first, MEM_DECOMMIT) == 0) end_program();
}

}  // namespace iocpp::tests
