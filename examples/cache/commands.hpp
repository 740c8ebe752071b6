// Redis' commands out of a stream: arrays of bulk strings, read by hiredis' reader with bounds of our own.
#pragma once

#include <hiredis/read.h>

#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

using Command = std::vector<std::string>;

/// Of one connection.
class CommandReader {
 public:
  static constexpr int words_max = 1'024;
  static constexpr std::size_t command_bytes_max = 1U << 20;

  /// Takes bytes of the stream; false: no memory.
  bool feed(std::span<const std::byte> bytes) {
    return redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(bytes.data()), bytes.size()) == REDIS_OK;
  }

  enum class Found { command, nothing, error };
  /// The next command; nothing: it has not come yet.
  Found next(Command& command) {
    void* read = nullptr;
    if (redisReaderGetReply(reader_.get(), &read) != REDIS_OK) return Found::error;
    if (read == nullptr) return reader_->len - reader_->pos > command_bytes_max ? Found::error : Found::nothing;
    const std::unique_ptr<Command> owned{static_cast<Command*>(read)};
    command = std::move(*owned);
    return Found::command;
  }

 private:
  /// Called by hiredis, which is C: nothing may be thrown, and null is an error.
  struct Make {
    template <class Count>  // int, or size_t in later versions
    static void* array(const redisReadTask* task, Count count) {
      const bool is_command = task->parent == nullptr && count >= 0 && count <= words_max;
      return is_command ? new (std::nothrow) Command : nullptr;
    }
    static void* string(const redisReadTask* task, char* text, std::size_t size) {
      if (task->parent == nullptr) return nullptr;
      auto* command = static_cast<Command*>(task->parent->obj);
      std::size_t bytes = size;
      for (const std::string& word : *command) bytes += word.size();
      if (bytes > command_bytes_max) return nullptr;
      try {
        command->emplace_back(text, size);
      } catch (...) {
        return nullptr;
      }
      return command;
    }
    static void* number(const redisReadTask*, long long) { return nullptr; }
    static void* nil(const redisReadTask*) { return nullptr; }
    static void free(void* command) { delete static_cast<Command*>(command); }
  };
  /// Of hiredis 1.0 and later, whose reader calls them for RESP3.
  template <class Functions>
  static void refuse_later_types(Functions& set) {
    if constexpr (requires { set.createBool; }) {
      set.createDouble = [](const redisReadTask*, double, char*, std::size_t) -> void* { return nullptr; };
      set.createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
    }
  }
  static redisReplyObjectFunctions* functions() {
    static redisReplyObjectFunctions made = [] {
      redisReplyObjectFunctions set{};
      set.createString = &Make::string;
      set.createArray = &Make::array;
      set.createInteger = &Make::number;
      set.createNil = &Make::nil;
      set.freeObject = &Make::free;
      refuse_later_types(set);
      return set;
    }();
    return &made;
  }
  static redisReader* make_reader() {
    redisReader* reader = redisReaderCreateWithFunctions(functions());
    return reader == nullptr ? throw std::bad_alloc{} : reader;
  }

  struct Free {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };
  std::unique_ptr<redisReader, Free> reader_{make_reader()};
};
