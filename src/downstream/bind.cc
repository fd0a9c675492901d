// Binding: version, who, from where, how often, and the answer. SMPP 3.4 §4.1, 5.0 §4.1.1; interop rows 35-38.
#include <algorithm>

#include "downstream/bind_attempt.h"
#include "downstream/internal/log.h"
#include "downstream/session.h"
#include "downstream/session_table.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"
#include "smpp/text/charset.h"
#include "telemetry/log.h"

namespace smppd::downstream {

namespace {

constexpr std::uint8_t kMaxFailedBinds = 3;

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;

smpp::SessionState state_after(CommandId bind) noexcept {
  if (bind == CommandId::bind_transmitter) return smpp::SessionState::kBoundTx;
  return bind == CommandId::bind_receiver ? smpp::SessionState::kBoundRx : smpp::SessionState::kBoundTrx;
}

accounts::BindType type_of(CommandId bind) noexcept {
  if (bind == CommandId::bind_transmitter) return accounts::BindType::kTransmitter;
  return bind == CommandId::bind_receiver ? accounts::BindType::kReceiver : accounts::BindType::kTransceiver;
}

}  // namespace

// The version the session will speak: the peer's own if the listener has it, else the next lower one.
bool Session::negotiate(std::uint8_t interface_version, smpp::Version& version) const noexcept {
  const auto asked = static_cast<std::uint8_t>(smpp::from_interface_version(interface_version));
  std::uint8_t best = 0;
  for (const std::uint8_t offered : options().smpp.versions) {
    if (offered == asked) best = offered;
    if (options().smpp.auto_negotiate && offered <= asked) best = std::max(best, offered);
  }
  version = static_cast<smpp::Version>(best);
  return best != 0;
}

bool Session::anonymous_allowed() const noexcept {
  if (options().anonymous) return *options().anonymous;
  return peer_.ip.is_loopback() || peer_.ip.is_private();
}

void Session::on_bind(const smpp::Header& header, ByteSpan pdu) noexcept {
  attempt_ = std::make_unique<BindAttempt>();
  attempt_->header = header;
  smpp::PduView view;
  if (const auto decoded = view.decode(pdu); !decoded) return refuse_bind(decoded.status, "malformed bind");
  if (called_ && type_of(header.command_id) == accounts::BindType::kTransmitter) {
    return refuse_bind(CommandStatus::ESME_RINVBNDSTS, "an outbind is answered with a bind that can receive");
  }
  if (!listener_->take_bind_permit(table_.loop().now())) {
    return refuse_bind(CommandStatus::ESME_RTHROTTLED, "binds_per_second of the listener");
  }
  if (!negotiate(view.u8(Field::interface_version), attempt_->version)) {
    return refuse_bind(CommandStatus::ESME_RBINDFAIL, "the listener does not speak this interface_version");
  }
  attempt_->address_range = view.text(Field::address_range);
  attempt_->registry = table_.flow().snapshot().clients;
  const std::string_view system_id = view.text(Field::system_id);
  const std::string_view password = view.text(Field::password);
  if (attempt_->registry->empty()) {
    if (!anonymous_allowed()) {
      return refuse_bind(CommandStatus::ESME_RBINDFAIL, "no clients are configured and this peer is not a local one");
    }
    return accept_bind();
  }
  attempt_->client = attempt_->registry->find(system_id);
  if (attempt_->client == nullptr) return refuse_bind(CommandStatus::ESME_RINVSYSID, "unknown system_id");
  if (!attempt_->client->may_come_from(peer_.ip)) {
    return refuse_bind(CommandStatus::ESME_RBINDFAIL, "not one of the client's allowed_ips");
  }
  if (password.size() > static_cast<std::size_t>(options().smpp.max_password_length)) {
    return refuse_bind(CommandStatus::ESME_RINVPASWD, "password longer than max_password_length");
  }
  switch (table_.verify(*this, *attempt_->client, password)) {
    case accounts::PasswordVerifier::Answer::kRight: return verified(true);
    case accounts::PasswordVerifier::Answer::kWrong: return verified(false);
    case accounts::PasswordVerifier::Answer::kLater: return pause();
    case accounts::PasswordVerifier::Answer::kBusy:
      return refuse_bind(CommandStatus::ESME_RTHROTTLED, "too many passwords are being checked");
  }
}

void Session::verified(bool right) noexcept {
  if (attempt_ == nullptr || !connection_.open()) return;
  const bool was_paused = connection_.paused();
  const accounts::ClientEntry& client = *attempt_->client;
  if (!right) {
    refuse_bind(CommandStatus::ESME_RINVPASWD, "wrong password");
  } else if (!client.may_bind(type_of(attempt_->header.command_id))) {
    refuse_bind(CommandStatus::ESME_RBINDFAIL, "not one of the client's bind_types");
  } else {
    const auto most = std::max<std::uint32_t>(client.max_connections, 0);
    const auto listeners = static_cast<std::uint32_t>(std::max(options().max_connections_per_client, 0));
    const std::uint32_t limit = most == 0 ? listeners : listeners == 0 ? most : std::min(most, listeners);
    ticket_ = accounts::SessionTicket(client.state->sessions, limit);
    const bool over = !ticket_ && options().smpp.kick_oldest;
    const message::ClientId id = client.id;
    if (over) ticket_ = accounts::SessionTicket(client.state->sessions, 0);
    if (ticket_) {
      accept_bind();
      if (over) table_.make_room(id, limit);
    } else {
      refuse_bind(CommandStatus::ESME_RALYBND, "max_connections of the client");
    }
  }
  if (was_paused && connection_.open()) connection_.resume_reading();
}

void Session::accept_bind() noexcept {
  const BindAttempt attempt = std::move(*attempt_);
  attempt_.reset();
  ++listener_->probe().binds_ok;
  sender_.entry = attempt.client;
  sender_.client = attempt.client == nullptr ? message::ClientId() : attempt.client->id;
  sender_.side.version = attempt.version;
  if (attempt.client != nullptr) {
    sender_.side.alphabet = smpp::parse_alphabet(attempt.client->default_alphabet).value_or(smpp::Alphabet::gsm7);
    if (attempt.client->window_size > 0) window_ = attempt.client->window_size;
  }
  session_.set_version(attempt.version);
  session_.bound(state_after(attempt.header.command_id));
  if (attempt.client != nullptr) bind_order_ = attempt.client->state->next_bind();
  // Peers say 3.3 and bind as transceivers, which only 3.4 has; a bind response without TLVs is the same in both.
  smpp::PduBuilder builder(smpp::response_to(attempt.header.command_id), std::max(attempt.version, smpp::Version::v34));
  builder.set(Field::system_id, options().smpp.system_id);
  if (attempt.version != smpp::Version::v33) {
    builder.add_tlv_u8(smpp::TlvTag::sc_interface_version, static_cast<std::uint8_t>(attempt.version));
  }
  std::vector<std::uint8_t> pdu;
  if (builder.encode(pdu, CommandStatus::ESME_ROK, attempt.header.sequence_number)) connection_.write(pdu);
  kLog.info("session bound",
            {{"client", attempt.client == nullptr ? std::string_view("anonymous") : attempt.client->system_id},
             {"peer", peer_.to_string()},
             {"listener", options().name},
             {"state", smpp::name_of(session_.state())},
             {"version", static_cast<unsigned>(attempt.version)},
             {"tls", encrypted() ? connection_.tls_info().version : std::string_view("off")},
             {"cipher", connection_.tls_info().cipher}});
  if (session_.may_send_deliver()) {
    if (called_) table_.caller().bound(*this);
    table_.flow().receiver_bound(
        {sender_.session, static_cast<std::uint8_t>(table_.shard()), sender_.client, sender_.side},
        attempt.address_range);
  }
  arm();
}

void Session::refuse_bind(CommandStatus status, const char* reason) noexcept {
  const smpp::Header header = attempt_->header;
  ++listener_->probe().binds_refused;
  kLog.warn("bind refused", {{"client", attempt_->client == nullptr ? std::string_view("unknown")
                                                                    : std::string_view(attempt_->client->system_id)},
                             {"peer", peer_.to_string()},
                             {"listener", options().name},
                             {"status", smpp::name_of(status)},
                             {"reason", reason}});
  attempt_.reset();
  refuse(header, status);
  if (++failed_binds_ >= kMaxFailedBinds) connection_.close_after_flush();
}

}  // namespace smppd::downstream
