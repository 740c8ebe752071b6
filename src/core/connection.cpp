// The public handle: each call is one of the core's.
#include "iocpp/connection.hpp"

#include <array>
#include <cassert>

#include "core/core.hpp"
#include "iocpp/error.hpp"

namespace iocpp {

std::string_view to_string(DisconnectReason reason) noexcept {
  constexpr std::array<std::string_view, static_cast<std::size_t>(DisconnectReason::stage_failed) + 1> names{
      "peer_closed",   "peer_reset",    "local_close",      "local_abort", "idle_timeout",
      "lifetime",      "min_rate",      "send_overflow",    "limit",       "drain_deadline",
      "handler_threw", "network_error", "out_of_resources", "stage_failed"};
  return names[static_cast<std::size_t>(reason)];
}

namespace {

using core::Core;

const core::Slot* slot_of(Core* core, ConnectionId id) noexcept {
  core = Core::here(core);
  return core == nullptr ? nullptr : core->find(id);
}

}  // namespace

bool Connection::is_open() const noexcept {
  const core::Slot* slot = slot_of(core_, id_);
  return slot != nullptr && slot->state == core::SlotState::open;
}

SendResult Connection::send(std::span<const std::byte> bytes) const {
  Core* core = Core::here(core_);
  return core == nullptr ? SendResult{.closed = true} : core->send(id_, bytes);
}

SendResult Connection::send(std::string_view text) const {
  return send(std::as_bytes(std::span{text}));
}

SendResult Connection::send(std::vector<std::byte>&& bytes) const {
  Core* core = Core::here(core_);
  return core == nullptr ? SendResult{.closed = true} : core->send(id_, std::move(bytes));
}

SendResult Connection::send(SharedBytes bytes) const {
  Core* core = Core::here(core_);
  return core == nullptr ? SendResult{.closed = true} : core->send(id_, std::move(bytes));
}

std::size_t Connection::send_queue_bytes() const noexcept {
  const core::Slot* slot = slot_of(core_, id_);
  return slot == nullptr ? 0 : slot->send_queue.size();
}

void Connection::shutdown_send() const noexcept {
  if (Core* core = Core::here(core_); core != nullptr) core->shutdown_send(id_);
}

void Connection::close() const noexcept {
  if (Core* core = Core::here(core_); core != nullptr) core->close(id_);
}

void Connection::abort() const noexcept {
  if (Core* core = Core::here(core_); core != nullptr) core->abort(id_);
}

void Connection::pause_receive() const noexcept {
  if (Core* core = Core::here(core_); core != nullptr) core->pause_receive(id_);
}

void Connection::resume_receive() const noexcept {
  if (Core* core = Core::here(core_); core != nullptr) core->resume_receive(id_);
}

void Connection::begin_message() const noexcept {
  if (Core* core = Core::here(core_); core != nullptr) core->begin_message(id_);
}

void Connection::end_message() const noexcept {
  if (Core* core = Core::here(core_); core != nullptr) core->end_message(id_);
}

void Connection::close_after_message() const noexcept {
  if (Core* core = Core::here(core_); core != nullptr) core->close_after_message(id_);
}

void Connection::start_timer(std::chrono::nanoseconds after) const {
  if (Core* core = Core::here(core_); core != nullptr) core->start_timer(id_, after);
}

void Connection::cancel_timer() const noexcept {
  if (Core* core = Core::here(core_); core != nullptr) core->cancel_timer(id_);
}

std::error_code Connection::peer_address(Address& address) const noexcept {
  Core* core = Core::here(core_);
  return core == nullptr ? make_error_code(errc::closed) : core->peer_address(id_, address);
}

std::error_code Connection::proxy_address(Address& address) const noexcept {
  Core* core = Core::here(core_);
  return core == nullptr ? make_error_code(errc::closed) : core->proxy_address(id_, address);
}

std::error_code Connection::peer_credentials(PeerCredentials& credentials) const noexcept {
  Core* core = Core::here(core_);
  return core == nullptr ? make_error_code(errc::closed) : core->peer_credentials(id_, credentials);
}

const ProxyHeader* Connection::proxy_header() const noexcept {
  Core* core = Core::here(core_);
  return core == nullptr ? nullptr : core->proxy_header(id_);
}

std::intptr_t Connection::native_handle() const noexcept {
  const core::Slot* slot = slot_of(core_, id_);
  return slot == nullptr || !slot->alive() ? no_handle : slot->handle;
}

void* Connection::context_of(const ContextType* type) const noexcept {
  Core* core = Core::here(core_);
  return core == nullptr ? nullptr : core->context(id_, type);
}

void Connection::set_context(void* object, const ContextType* type) const {
  Core* core = Core::here(core_);
  if (core == nullptr) throw std::system_error(make_error_code(errc::closed));
  core->set_context(id_, object, type);
}

namespace core {

std::error_code Core::peer_address(ConnectionId id, Address& address) const noexcept {
  const ProxyHeader* header = proxy_header(id);
  if (header == nullptr || header->source.family == Address::Family::none) return proxy_address(id, address);
  address = header->source;
  return {};
}

std::error_code Core::proxy_address(ConnectionId id, Address& address) const noexcept {
  const Slot* slot = find(id);
  // Once its close is posted, the handle's number may be somebody else's.
  if (slot == nullptr || !slot->alive()) return make_error_code(errc::closed);
  return native_error(config_.peer_name(slot->handle, address));
}

std::error_code Core::peer_credentials(ConnectionId id, PeerCredentials& credentials) const noexcept {
  const Slot* slot = find(id);
  if (slot == nullptr || !slot->alive()) return make_error_code(errc::closed);
  if (config_.peer_credentials == nullptr) return make_error_code(errc::not_supported);
  if (const int error = config_.peer_credentials(slot->handle, credentials); error != 0) return native_error(error);
  // What Linux says of a socket that is none of Unix's.
  const bool nobody = credentials.process == 0 && credentials.user == UINT32_MAX;
  return nobody ? make_error_code(errc::not_supported) : std::error_code{};
}

void* Core::context(ConnectionId id, const void* type) const noexcept {
  const Slot* slot = find(id);
  return slot != nullptr && slot->context_type == type ? slot->context : nullptr;
}

void Core::set_context(ConnectionId id, void* object, const void* type) {
  Slot* slot = find(id);
  if (slot == nullptr || !is_told(*slot) || !slot->alive()) throw std::system_error(make_error_code(errc::closed));
  destroy_context(*slot);
  slot->context = object;
  slot->context_type = type;
}

void Core::destroy_context(Slot& slot) noexcept {
  if (slot.context == nullptr) return;
  void* object = std::exchange(slot.context, nullptr);
  static_cast<const Connection::ContextType*>(std::exchange(slot.context_type, nullptr))->destroy(object);
}

}  // namespace core
}  // namespace iocpp
