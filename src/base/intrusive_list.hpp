// A doubly linked list of objects that carry their own links: no allocation, removal in constant time without the list
// at hand.
#pragma once

#include <cassert>
#include <cstddef>

namespace iocpp {

struct Link {
  Link* next = nullptr;
  Link* previous = nullptr;

  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  bool linked() const noexcept { return next != nullptr; }

  void unlink() noexcept {
    assert(linked());
    previous->next = next;
    next->previous = previous;
    next = previous = nullptr;
  }
};

/// A ring through a sentinel. An object is in one list at most; it must be unlinked before it is destroyed.
class LinkList {
 public:
  LinkList() noexcept { sentinel_.next = sentinel_.previous = &sentinel_; }

  bool empty() const noexcept { return sentinel_.next == &sentinel_; }

  /// Takes as long as there are links.
  std::size_t size() const noexcept {
    std::size_t count = 0;
    for (const Link* link = sentinel_.next; link != &sentinel_; link = link->next) ++count;
    return count;
  }

  void push_back(Link& link) noexcept {
    assert(!link.linked());
    link.previous = sentinel_.previous;
    link.next = &sentinel_;
    sentinel_.previous->next = &link;
    sentinel_.previous = &link;
  }

  /// The first link, taken out; null when there is none.
  Link* pop_front() noexcept {
    if (empty()) return nullptr;
    Link* first = sentinel_.next;
    first->unlink();
    return first;
  }

  /// Takes all of `other`, behind what is here.
  void splice_back(LinkList& other) noexcept {
    if (other.empty()) return;
    Link* first = other.sentinel_.next;
    Link* last = other.sentinel_.previous;
    other.sentinel_.next = other.sentinel_.previous = &other.sentinel_;
    first->previous = sentinel_.previous;
    sentinel_.previous->next = first;
    last->next = &sentinel_;
    sentinel_.previous = last;
  }

 private:
  Link sentinel_;
};

}  // namespace iocpp
