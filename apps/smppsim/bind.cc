// How a session of smppsim binds.
#include <algorithm>

#include "smpp/pdu_builder.h"
#include "smppsim/receipts.h"
#include "smppsim/session.h"

namespace smppd::sim {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;

CommandStatus Session::judge_bind(const smpp::PduView& view) const noexcept {
  const Options& options = shard_.options;
  if (account_ != nullptr) return CommandStatus::ESME_RALYBND;
  if (options.bind_status) return *options.bind_status;
  if (!options.system_id.empty() && view.text(Field::system_id) != options.system_id) {
    return CommandStatus::ESME_RINVSYSID;
  }
  if (!options.password.empty() && view.text(Field::password) != options.password) {
    return CommandStatus::ESME_RINVPASWD;
  }
  return CommandStatus::ESME_ROK;
}

void Session::on_bind(const smpp::PduView& view) noexcept {
  // 3.3 knows no transceivers, so an SMSC of that version does not know the command.
  if (view.id() == CommandId::bind_transceiver && shard_.options.version == smpp::Version::v33) {
    answer(CommandId::generic_nack, CommandStatus::ESME_RINVCMDID, view.sequence_number());
    return;
  }
  CommandStatus status = judge_bind(view);
  const bool receives = view.id() != CommandId::bind_transmitter;
  const std::string system_id(view.text(Field::system_id));
  if (status == CommandStatus::ESME_ROK && !shard_.directory.session_bound(system_id, receives, shard_.index)) {
    status = CommandStatus::ESME_RALYBND;
  }
  if (status != CommandStatus::ESME_ROK) {
    refuse_bind(view, status);
    return;
  }
  moment_.cancel();
  version_ = std::min(shard_.options.version, smpp::from_interface_version(view.u8(Field::interface_version)));
  account_ = &shard_.account(system_id);
  if (misbehaviour().deliver_before_bind_response) deliver_early();
  if (!misbehaviour().no_bind_response) send_bind_response(view);
  start_bound(view);
}

void Session::refuse_bind(const smpp::PduView& view, CommandStatus status) noexcept {
  ++shard_.stats.bind_refusals;
  ++shard_.stats.bind_statuses[status];
  if (!misbehaviour().no_bind_response) answer(response_to(view.id()), status, view.sequence_number());
}

void Session::send_bind_response(const smpp::PduView& view) noexcept {
  auto& pdu = shard_.builder.reset(response_to(view.id()), version_);
  pdu.set(Field::system_id, shard_.options.own_system_id);
  if (shard_.options.tell_version && version_ != smpp::Version::v33) {
    pdu.add_tlv_u8(smpp::TlvTag::sc_interface_version, to_interface_version(shard_.options.version));
  }
  shard_.scratch.clear();
  if (pdu.encode(shard_.scratch, CommandStatus::ESME_ROK, view.sequence_number())) put(shard_.scratch);
}

void Session::start_bound(const smpp::PduView& view) noexcept {
  const Options& options = shard_.options;
  ++shard_.stats.binds;
  sends_ = view.id() != CommandId::bind_receiver;
  receives_ = view.id() != CommandId::bind_transmitter;
  plain_ = sends_ && options.is_plain();
  if (receives_) {
    shard_.add_receiver(*this, *account_);
    shard_.drain(*account_);
  }
  if (options.enquire_interval > Duration::zero()) {
    shard_.loop.timers().arm(enquire_timer_, shard_.loop.now() + options.enquire_interval);
  }
  const Duration moment = std::max(misbehaviour().close_time, misbehaviour().unbind_time);
  if (moment > Duration::zero()) shard_.loop.timers().arm(moment_, shard_.loop.now() + moment);
}

void Session::deliver_early() noexcept {
  auto& pdu = shard_.builder.reset(CommandId::deliver_sm, version_);
  pdu.set(Field::source_addr, "smppsim").set(Field::short_message, "sent before the bind response");
  shard_.scratch.clear();
  if (!pdu.encode(shard_.scratch, CommandStatus::ESME_ROK, 1)) return;
  const std::vector<std::uint8_t> bytes = shard_.scratch;
  send_delivery(bytes, DeliveryKind::mo);
}

}  // namespace smppd::sim
