// The numbers of SMPP 3.3, 3.4 and 5.0 by name. Pure values, any thread.
//
// Enumerators keep the specification's spelling. A value a peer invented (vendor command_status 0x400-0x4FF, reserved
// TON) is still a valid object of its enum: it passes through unchanged and is named by its hexadecimal value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "smpp/internal/lists.h"

namespace smppd::smpp {

// Protocol version of a session. 3.4 §5.2.4: interface_version 0x00-0x33 means 3.3 or earlier.
enum class Version : std::uint8_t { v33 = 0x33, v34 = 0x34, v50 = 0x50 };

[[nodiscard]] constexpr Version from_interface_version(std::uint8_t octet) noexcept {
  if (octet < 0x34) return Version::v33;
  return octet < 0x50 ? Version::v34 : Version::v50;
}
[[nodiscard]] constexpr std::uint8_t to_interface_version(Version version) noexcept {
  return static_cast<std::uint8_t>(version);
}

inline constexpr std::uint32_t kResponseBit = 0x80000000U;

// 3.3 §6.2, 3.4 §5.1.2.1, 5.0 §4.7.5.
enum class CommandId : std::uint32_t {
  generic_nack = 0x80000000,
  bind_receiver = 0x00000001,
  bind_receiver_resp = 0x80000001,
  bind_transmitter = 0x00000002,
  bind_transmitter_resp = 0x80000002,
  query_sm = 0x00000003,
  query_sm_resp = 0x80000003,
  submit_sm = 0x00000004,
  submit_sm_resp = 0x80000004,
  deliver_sm = 0x00000005,
  deliver_sm_resp = 0x80000005,
  unbind = 0x00000006,
  unbind_resp = 0x80000006,
  replace_sm = 0x00000007,
  replace_sm_resp = 0x80000007,
  cancel_sm = 0x00000008,
  cancel_sm_resp = 0x80000008,
  bind_transceiver = 0x00000009,
  bind_transceiver_resp = 0x80000009,
  outbind = 0x0000000B,
  enquire_link = 0x00000015,
  enquire_link_resp = 0x80000015,
  submit_multi = 0x00000021,
  submit_multi_resp = 0x80000021,
  param_retrieve = 0x00000022,
  param_retrieve_resp = 0x80000022,
  query_last_msgs = 0x00000023,
  query_last_msgs_resp = 0x80000023,
  query_msg_details = 0x00000024,
  query_msg_details_resp = 0x80000024,
  alert_notification = 0x00000102,
  data_sm = 0x00000103,
  data_sm_resp = 0x80000103,
  broadcast_sm = 0x00000111,
  broadcast_sm_resp = 0x80000111,
  query_broadcast_sm = 0x00000112,
  query_broadcast_sm_resp = 0x80000112,
  cancel_broadcast_sm = 0x00000113,
  cancel_broadcast_sm_resp = 0x80000113,
};

[[nodiscard]] constexpr bool is_response(CommandId id) noexcept {
  return (static_cast<std::uint32_t>(id) & kResponseBit) != 0;
}
// The response of a request; generic_nack for those that have none. A response is its own response.
[[nodiscard]] constexpr CommandId response_to(CommandId id) noexcept {
  if (id == CommandId::outbind || id == CommandId::alert_notification) return CommandId::generic_nack;
  return static_cast<CommandId>(static_cast<std::uint32_t>(id) | kResponseBit);
}
[[nodiscard]] constexpr bool is_bind(CommandId id) noexcept {
  return id == CommandId::bind_receiver || id == CommandId::bind_transmitter || id == CommandId::bind_transceiver;
}

enum class CommandStatus : std::uint32_t {
#define SMPPD_X(name, value, since) name = value,
  SMPPD_SMPP_STATUSES(SMPPD_X)
#undef SMPPD_X
};

inline constexpr std::uint32_t kVendorStatusFirst = 0x400;
inline constexpr std::uint32_t kVendorStatusLast = 0x4FF;

// 3.4 §5.2.5.
enum class Ton : std::uint8_t {
  unknown = 0,
  international = 1,
  national = 2,
  network_specific = 3,
  subscriber_number = 4,
  alphanumeric = 5,
  abbreviated = 6,
};

// 3.4 §5.2.6.
enum class Npi : std::uint8_t {
  unknown = 0,
  isdn = 1,
  data = 3,
  telex = 4,
  land_mobile = 6,
  national = 8,
  private_plan = 9,
  ermes = 10,
  internet = 14,
  wap_client_id = 18,
};

// 3.4 §5.2.28; scheduled and skipped are 5.0 §4.7.15.
enum class MessageState : std::uint8_t {
  scheduled = 0,
  enroute = 1,
  delivered = 2,
  expired = 3,
  deleted = 4,
  undeliverable = 5,
  accepted = 6,
  unknown = 7,
  rejected = 8,
  skipped = 9,
};

// A state after which the SMSC will not change its mind.
[[nodiscard]] constexpr bool is_final(MessageState state) noexcept {
  return state != MessageState::scheduled && state != MessageState::enroute && state != MessageState::accepted;
}

// dest_flag of submit_multi, 3.4 §5.2.25.
enum class DestFlag : std::uint8_t { sme_address = 1, distribution_list = 2 };

// Empty when the value has no name in the specification.
[[nodiscard]] std::string_view standard_name(CommandId id) noexcept;
[[nodiscard]] std::string_view standard_name(CommandStatus status) noexcept;
[[nodiscard]] std::string_view standard_name(Ton ton) noexcept;
[[nodiscard]] std::string_view standard_name(Npi npi) noexcept;
[[nodiscard]] std::string_view standard_name(MessageState state) noexcept;
[[nodiscard]] std::string_view name_of(Version version) noexcept;

// For people: the name, or the value as 0x hexadecimal.
[[nodiscard]] std::string name_of(CommandId id);
[[nodiscard]] std::string name_of(CommandStatus status);
[[nodiscard]] std::string name_of(Ton ton);
[[nodiscard]] std::string name_of(Npi npi);
[[nodiscard]] std::string name_of(MessageState state);

// Accept the names above (5.0's newer names of 0xC0-0xC4 too), with or without "ESME_", in either letter case, and
// plain numbers (decimal or 0x).
[[nodiscard]] std::optional<CommandStatus> parse_command_status(std::string_view text) noexcept;
[[nodiscard]] std::optional<CommandId> parse_command_id(std::string_view text) noexcept;
[[nodiscard]] std::optional<Ton> parse_ton(std::string_view text) noexcept;
[[nodiscard]] std::optional<Npi> parse_npi(std::string_view text) noexcept;
[[nodiscard]] std::optional<MessageState> parse_message_state(std::string_view text) noexcept;

// The first version whose specification lists the status; empty for vendor and reserved values.
[[nodiscard]] std::optional<Version> status_since(CommandStatus status) noexcept;
// Every status that has a name, in numeric order.
[[nodiscard]] std::span<const CommandStatus> all_statuses() noexcept;

}  // namespace smppd::smpp
