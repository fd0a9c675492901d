#include "smppload/session.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <cstring>

#include "smpp/flags.h"
#include "smpp/framer.h"
#include "smpp/pdu_builder.h"
#include "smpp/text/receipt.h"
#include "smppload/worker.h"

namespace smppd::load {

using smpp::CommandId;
using smpp::CommandStatus;

namespace {
constexpr std::uint32_t kLastSequence = 0x7FFFFFFF;
constexpr std::size_t kChunk = 16'000;  // octets of output reserved at a time
constexpr unsigned kMaxParts = 255;
constexpr Duration kUnbindPatience = std::chrono::seconds(2);

CommandId bind_command(Role role) {
  switch (role) {
    case Role::transmitter: return CommandId::bind_transmitter;
    case Role::receiver: return CommandId::bind_receiver;
    case Role::transceiver: break;
  }
  return CommandId::bind_transceiver;
}

std::string_view host_of(std::string_view endpoint) noexcept {
  const std::string_view host = endpoint.substr(0, endpoint.rfind(':'));
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

// Once for all sessions; they fail for the same reason.
void tell_of_tls(const runtime::TlsFailure& failure) noexcept {
  static std::atomic_flag told;
  if (!told.test_and_set()) std::fprintf(stderr, "smppload: TLS failed: %s\n", failure.text.c_str());
}
}  // namespace

Session::Session(Worker& worker, unsigned index, Role role)
    : worker_(worker), deadline_(&Session::on_deadline, this), index_(index), role_(role) {
  const unsigned window = worker.options().window;
  const auto size = static_cast<std::uint32_t>(std::bit_ceil(std::size_t{window} * 2 + kMaxParts));
  slots_.resize(sends() ? size : 1);
  mask_ = static_cast<std::uint32_t>(slots_.size() - 1);
}

void Session::connect() {
  const Options& options = worker_.options();
  connection_ = std::make_shared<runtime::Connection>(worker_.loop(), *this);
  state_ = State::connecting;
  worker_.loop().timers().arm(deadline_, worker_.loop().now() + options.connect_timeout);
  const std::size_t target = index_ % options.targets.size();
  connection_->connect(options.targets[target], options.tls.get(), host_of(options.target_names[target]));
}

void Session::on_connected() noexcept {
  using smpp::Field;
  const BindOptions& bind = worker_.options().bind;
  smpp::PduBuilder pdu(bind_command(role_), bind.version);
  pdu.set(Field::system_id, bind.system_id)
      .set(Field::password, bind.password)
      .set(Field::system_type, bind.system_type)
      .set(Field::interface_version, to_interface_version(bind.version))
      .set(Field::addr_ton, bind.addr_ton)
      .set(Field::addr_npi, bind.addr_npi)
      .set(Field::address_range, bind.address_range);
  std::vector<std::uint8_t> bytes;
  if (!pdu.encode(bytes, CommandStatus::ESME_ROK, next_sequence())) {
    connection_->close();
    return;
  }
  connection_->write(bytes);
  state_ = State::binding;
}

std::uint32_t Session::next_sequence() noexcept {
  sequence_ = sequence_ == kLastSequence ? 1 : sequence_ + 1;
  return sequence_;
}

// --- Sending ---------------------------------------------------------------------------------------------------------

// Numbers whose ring slots are free; a request that stays open long makes the numbers jump over its slot.
bool Session::reserve_sequences(std::uint32_t* sequences, unsigned count, std::int64_t sent) noexcept {
  for (unsigned i = 0; i < count; ++i) {
    std::uint32_t sequence = next_sequence();
    while (slots_[sequence & mask_].sent != 0) sequence = next_sequence();
    slots_[sequence & mask_] = {sent, sequence};
    sequences[i] = sequence;
  }
  return true;
}

unsigned Session::pump(unsigned at_most) noexcept {
  if (state_ != State::bound || !sends() || connection_->congested()) return 0;
  const unsigned window = worker_.options().window;
  const unsigned parts = worker_.templates().parts();
  unsigned total = 0;
  while (total < at_most) {
    const unsigned room = (window - std::min(in_flight_, window)) / parts;
    const Schedule::Due due = worker_.grant(std::min(room, at_most - total));
    if (due.messages == 0) break;
    send(due.messages, due.intended);
    total += due.messages;
  }
  return total;
}

void Session::send(unsigned messages, std::int64_t intended) noexcept {
  MessageTemplates& templates = worker_.templates();
  Stats& stats = worker_.mutable_stats();
  const unsigned parts = templates.parts();
  const std::size_t size = templates.max_size();
  std::uint32_t sequences[kMaxParts];
  in_flight_ += messages * parts;
  stats.sent += std::uint64_t{messages} * parts;
  if (stats.first_sent == 0) stats.first_sent = worker_.now();
  while (messages > 0) {
    const auto batch = static_cast<unsigned>(std::clamp<std::size_t>(kChunk / size, 1, messages));
    std::uint8_t* const begin = connection_->reserve(batch * size);
    std::uint8_t* at = begin;
    for (unsigned i = 0; i < batch; ++i) {
      reserve_sequences(sequences, parts, intended);
      const auto written = templates.write(at, sequences);
      at += written.octets;
      if (written.data_sm) stats.data_sm_sent += parts;
    }
    connection_->commit(static_cast<std::size_t>(at - begin));
    messages -= batch;
  }
}

void Session::on_drained() noexcept { pump(UINT32_MAX); }

// --- Receiving -------------------------------------------------------------------------------------------------------

std::size_t Session::on_bytes(ByteSpan bytes) noexcept {
  silent_ = false;
  std::size_t consumed = 0;
  while (true) {
    const smpp::Frame frame = smpp::next_frame(bytes.subspan(consumed));
    if (frame.state == smpp::FrameState::need_more) break;
    if (frame.state == smpp::FrameState::lost) {
      ++worker_.mutable_stats().framing_lost;
      connection_->close();
      return consumed;
    }
    const smpp::Header header = smpp::read_header(frame.pdu.data());
    if (header.command_id == CommandId::submit_sm_resp || header.command_id == CommandId::data_sm_resp) {
      on_answer(frame.pdu, header);
    } else {
      on_other(frame.pdu, header);
      if (!connection_ || !connection_->open()) return consumed;
    }
    consumed += frame.pdu.size();
  }
  flush_latency();
  pump(UINT32_MAX);
  return consumed;
}

void Session::on_answer(ByteSpan pdu, const smpp::Header& header) noexcept {
  Stats& stats = worker_.mutable_stats();
  Slot& slot = slots_[header.sequence_number & mask_];
  if (slot.sent == 0 || slot.sequence != header.sequence_number) {
    ++stats.unexpected_responses;
    return;
  }
  const std::int64_t sent = slot.sent;
  slot.sent = 0;
  --in_flight_;
  if (sent >= worker_.measured_from()) record(sent);
  const auto& options = worker_.options();
  if (header.command_status == CommandStatus::ESME_ROK) [[likely]] {
    if (sent >= worker_.measured_from()) ++stats.accepted;
    if (!options.awaits_receipts()) return;
    const std::string_view body = as_text(pdu.subspan(smpp::kHeaderSize));
    const std::string_view id = body.substr(0, body.find('\0'));
    if (id.empty()) {
      ++stats.accepted_without_id;
    } else if (worker_.receipts().accepted(id, sent)) {
      ++stats.receipts_matched;
      ++stats.receipts_early;
    }
    return;
  }
  ++stats.statuses[static_cast<std::uint32_t>(header.command_status)];
}

void Session::record(std::int64_t sent) noexcept {
  if (sent != run_.sent) {
    flush_latency();
    run_.sent = sent;
  }
  ++run_.count;
}

void Session::flush_latency() noexcept {
  if (run_.count == 0) return;
  Stats& stats = worker_.mutable_stats();
  const std::int64_t now = worker_.now();
  stats.latency.record(static_cast<std::uint64_t>(std::max<std::int64_t>(now - run_.sent, 0)), run_.count);
  stats.answered += run_.count;
  stats.last_answered = now;
  run_ = {};
}

void Session::on_other(ByteSpan pdu, const smpp::Header& header) noexcept {
  Stats& stats = worker_.mutable_stats();
  switch (header.command_id) {
    case CommandId::bind_transceiver_resp:
    case CommandId::bind_transmitter_resp:
    case CommandId::bind_receiver_resp: on_bind_answer(header); return;
    case CommandId::deliver_sm:
    case CommandId::data_sm: on_delivery(pdu, header); return;
    case CommandId::enquire_link:
      ++stats.enquire_links_received;
      answer(CommandId::enquire_link_resp, CommandStatus::ESME_ROK, header.sequence_number);
      return;
    case CommandId::enquire_link_resp: return;
    case CommandId::alert_notification: ++stats.alerts_received; return;
    case CommandId::unbind:
      ++stats.peer_unbinds;
      answer(CommandId::unbind_resp, CommandStatus::ESME_ROK, header.sequence_number);
      state_ = State::unbinding;
      connection_->close_after_flush();
      return;
    case CommandId::unbind_resp: connection_->close(); return;
    case CommandId::generic_nack:
      ++stats.generic_nacks;
      if (state_ == State::binding) {
        on_bind_answer(header);
      } else if (slots_[header.sequence_number & mask_].sent != 0) {
        on_answer(pdu, header);
      }
      return;
    default: break;
  }
  if (is_response(header.command_id)) {
    ++stats.unexpected_responses;
    return;
  }
  ++stats.unexpected_requests;
  answer(CommandId::generic_nack, CommandStatus::ESME_RINVCMDID, header.sequence_number);
}

void Session::on_bind_answer(const smpp::Header& header) noexcept {
  Stats& stats = worker_.mutable_stats();
  if (state_ != State::binding) {
    ++stats.unexpected_responses;
    return;
  }
  deadline_.cancel();
  if (header.command_status == CommandStatus::ESME_ROK && header.command_id != CommandId::generic_nack) {
    ++stats.binds;
    state_ = State::bound;
    worker_.session_changed();
    return;
  }
  ++stats.bind_failures;
  ++stats.bind_statuses[static_cast<std::uint32_t>(header.command_status)];
  connection_->close();
}

void Session::on_delivery(ByteSpan pdu, const smpp::Header& header) noexcept {
  Stats& stats = worker_.mutable_stats();
  smpp::PduView view;
  if (const auto decoded = view.decode(pdu); !decoded) {
    ++stats.malformed_pdus;
    answer(response_to(header.command_id), decoded.status, header.sequence_number);
    return;
  }
  answer(response_to(header.command_id), CommandStatus::ESME_ROK, header.sequence_number);
  smpp::ReceiptTlvs tlvs;
  tlvs.receipted_message_id = view.tlv_text(smpp::TlvTag::receipted_message_id);
  tlvs.message_state = view.tlv_u8(smpp::TlvTag::message_state);
  const smpp::EsmClass esm_class{view.u8(smpp::Field::esm_class)};
  ByteSpan text = view.octets(smpp::Field::short_message);
  if (text.empty()) text = view.tlv(smpp::TlvTag::message_payload).value_or(ByteSpan{});
  if (!esm_class.is_report() && !tlvs.receipted_message_id && !smpp::looks_like_receipt(as_text(text))) {
    ++stats.mo_received;
    return;
  }
  const smpp::Receipt receipt = smpp::read_receipt(as_text(text), tlvs);
  if (receipt.id.empty()) {
    ++stats.receipts_unreadable;
    return;
  }
  if (receipt.state && !is_final(*receipt.state)) {
    ++stats.receipts_intermediate;
    return;
  }
  ++stats.receipts_received;
  ++stats.receipt_states[std::string(
      receipt.stat.empty() ? smpp::receipt_word(receipt.state.value_or(smpp::MessageState::unknown)) : receipt.stat)];
  const auto verdict = worker_.receipts().received(receipt.id);
  if (verdict.fate == ReceiptFate::duplicate) ++stats.receipts_duplicate;
  if (verdict.fate != ReceiptFate::matched) return;
  ++stats.receipts_matched;
  if (verdict.sent < worker_.measured_from()) return;
  stats.receipt_latency.record(static_cast<std::uint64_t>(std::max<std::int64_t>(worker_.now() - verdict.sent, 0)));
}

void Session::answer(CommandId id, CommandStatus status, std::uint32_t sequence) noexcept {
  const bool with_id = id == CommandId::deliver_sm_resp || id == CommandId::data_sm_resp;
  std::uint8_t* out = connection_->reserve(smpp::kHeaderSize + 1);
  connection_->commit(with_id ? smpp::write_response_with_id(out, id, status, sequence, {})
                              : smpp::write_bare(out, id, status, sequence));
}

void Session::send_bare(CommandId id) noexcept {
  std::uint8_t* out = connection_->reserve(smpp::kHeaderSize);
  connection_->commit(smpp::write_bare(out, id, CommandStatus::ESME_ROK, next_sequence()));
}

// --- Time and ends ---------------------------------------------------------------------------------------------------

void Session::expire(std::int64_t before) noexcept {
  if (in_flight_ == 0) return;
  for (Slot& slot : slots_) {
    if (slot.sent == 0 || slot.sent > before) continue;
    slot.sent = 0;
    --in_flight_;
    ++worker_.mutable_stats().timed_out;
  }
  pump(UINT32_MAX);
}

void Session::enquire() noexcept {
  if (state_ != State::bound) return;
  if (silent_) {
    ++worker_.mutable_stats().enquire_links_sent;
    send_bare(CommandId::enquire_link);
  }
  silent_ = true;
}

void Session::unbind() noexcept {
  if (state_ != State::bound) {
    close();
    return;
  }
  state_ = State::unbinding;
  send_bare(CommandId::unbind);
  worker_.loop().timers().arm(deadline_, worker_.loop().now() + kUnbindPatience);
}

void Session::close() noexcept {
  if (connection_ && (connection_->open() || connection_->connecting())) connection_->close();
  state_ = State::ended;
  deadline_.cancel();
}

void Session::on_deadline(void* self) noexcept {
  auto& session = *static_cast<Session*>(self);
  switch (session.state_) {
    case State::idle: session.connect(); return;
    case State::binding: ++session.worker_.mutable_stats().bind_timeouts; break;
    default: break;
  }
  if (session.connection_) session.connection_->close();
}

void Session::lose_everything() noexcept {
  flush_latency();
  worker_.mutable_stats().lost_in_flight += in_flight_;
  in_flight_ = 0;
  for (Slot& slot : slots_) slot.sent = 0;
}

void Session::on_closed(runtime::CloseReason reason, int error) noexcept {
  (void)error;
  if (reason == runtime::CloseReason::kTls) tell_of_tls(connection_->tls_failure());
  const State before = state_;
  Stats& stats = worker_.mutable_stats();
  if (before == State::connecting) ++stats.connect_failures;
  if (before == State::binding && reason != runtime::CloseReason::kLocal) ++stats.bind_timeouts;
  if (before == State::bound || (before == State::unbinding && !worker_.finishing())) ++stats.disconnects;
  lose_everything();
  deadline_.cancel();
  worker_.loop().retire(std::move(connection_));
  const auto& reconnect = worker_.options().reconnect;
  if (reconnect && !worker_.finishing()) {
    state_ = State::idle;
    worker_.loop().timers().arm(deadline_, worker_.loop().now() + *reconnect);
  } else {
    state_ = State::ended;
  }
  worker_.session_changed();
}

}  // namespace smppd::load
