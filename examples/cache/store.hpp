// Keys and values in bounded memory: what was used longest ago goes first.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

class Store {
 public:
  explicit Store(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  const std::string* get(std::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->value;
  }

  void set(std::string key, std::string value) {
    erase(key);
    entries_.push_front({std::move(key), std::move(value)});
    try {
      places_.emplace(entries_.front().key, entries_.begin());
    } catch (...) {
      entries_.pop_front();
      throw;
    }
    bytes_ += cost(entries_.front());
    while (bytes_ > bytes_max_) erase(entries_.back().key);
  }

  bool erase(std::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return false;
    const auto entry = found->second;
    bytes_ -= cost(*entry);
    places_.erase(found);
    entries_.erase(entry);
    return true;
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::string value;
  };
  /// With about what the containers take.
  static std::size_t cost(const Entry& entry) { return entry.key.size() + entry.value.size() + 192; }

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;  ///< The one used last is first.
  std::unordered_map<std::string_view, std::list<Entry>::iterator> places_;
};
