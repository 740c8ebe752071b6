// Which backends there are, and which one a server gets.
#pragma once

#include <memory>
#include <string>

#include "engine/loop.hpp"
#include "iocpp/options.hpp"

namespace iocpp::backend {

struct Choice {
  Backend backend;
  std::string reason;  ///< In words, for people.
};

/// What `wanted` comes to on this system. Throws `std::system_error` for one that this build does not have
/// (`errc::not_supported`), or that the system refuses (its error, and what is known of why).
Choice choose(Backend wanted);

/// Each shard can have a listening socket of its own, all on one address.
bool shares_port(Backend backend) noexcept;

/// A shard's loop over `backend`, which is not `automatic`.
std::unique_ptr<engine::Loop> make_loop(Backend backend, const engine::EngineConfig& config, engine::Group& group);

/// For core::CoreConfig: how the system's addresses and error numbers are read.
void set_platform(core::CoreConfig& config) noexcept;

}  // namespace iocpp::backend
