#include "downstream/session.h"

#include <algorithm>
#include <cstring>

#include "downstream/bind_attempt.h"
#include "downstream/internal/log.h"
#include "downstream/session_table.h"
#include "message/own_id.h"
#include "smpp/pdu_builder.h"
#include "telemetry/log.h"

namespace smppd::downstream {

namespace {

using smpp::CommandId;
using smpp::CommandStatus;
using EventKind = smpp::Session::Event::Kind;
using Problem = smpp::Session::Event::Problem;

bool is_delivery_answer(CommandId id) noexcept {
  return id == CommandId::deliver_sm_resp || id == CommandId::data_sm_resp || id == CommandId::generic_nack;
}

// 5.0 has TLVs in its responses, and nearly no SMSC sends any.
bool has_tlvs(const flow::Answer& answer) noexcept {
  return answer.upstream_response.size() > smpp::kHeaderSize + answer.upstream_id.size() + 1;
}

}  // namespace

Session::Session(SessionTable& table, Listener& listener, const runtime::SocketAddress& peer)
    : table_(table),
      listener_(&listener),
      shared_(listener.shared()),
      connection_(table.loop(), *this),
      session_(shared_->session_options, table.loop().now()),
      timer_(&Session::on_timer, this),
      peer_(peer),
      window_(static_cast<std::uint32_t>(listener.options().smpp.window_size)) {
  sender_.listener = &listener.options().smpp;
  sender_.listener_id = shared_->id;
  sender_.address_hash = std::hash<std::string_view>{}(as_text(peer.ip.octets));
}

Session::~Session() { leave_limits(); }

// Once; what is counted as closed has made room.
void Session::leave_limits() noexcept {
  if (!limited_) return;
  limited_ = false;
  shared_->by_ip.leave(peer_.ip);
  shared_->connections.leave();
}

void Session::start(int fd, SlabHandle handle) noexcept {
  sender_.session = handle;
  connection_.adopt(fd, listener_->tls());
  arm();
}

void Session::dial(SlabHandle handle) noexcept {
  sender_.session = handle;
  called_ = true;
  connection_.connect(peer_);
  arm();
}

void Session::on_connected() noexcept {
  if (connection_.encrypted()) ++listener_->probe().tls.handshakes;
  if (called_) table_.caller().connected(*this);
}

std::uint32_t Session::next_sequence() noexcept {
  if (deliveries_ != nullptr) return deliveries_->bare_sequence();
  sequence_ = sequence_ >= smpp::kMaxSequence ? 1 : sequence_ + 1;
  return sequence_;
}

std::size_t Session::on_bytes(ByteSpan bytes) noexcept {
  constexpr std::size_t kSeveral = 256;  // octets; of fewer nothing lies ahead
  if (bytes.size() < kSeveral || !looks_ahead()) return take<false>(bytes);
  routing::RouteTable::Foreseen foreseen;
  sender_.foreseen = &foreseen;
  const std::size_t consumed = take<true>(bytes);
  sender_.foreseen = nullptr;
  return consumed;
}

// Twice, so that nobody asks at each PDU who need not.
template <bool kForesees>
std::size_t Session::take(ByteSpan bytes) noexcept {
  std::size_t consumed = 0;
  const Instant now = table_.loop().now();
  [[maybe_unused]] std::size_t looked_through = 0;
  while (connection_.open() && !connection_.paused()) {
    const ByteSpan rest = bytes.subspan(consumed);
    if constexpr (kForesees) {
      if (consumed >= looked_through) {
        const routing::RouteTable& routes = *table_.flow().snapshot().routes;
        looked_through = consumed + flow::foresee_routes(routes, rest, *sender_.foreseen);
      }
    }
    if (const std::uint32_t size = session_.usual(rest, now); size != 0) [[likely]] {
      if (!on_message(smpp::read_header(rest.data()), rest.first(size))) break;
      consumed += size;
      continue;
    }
    if (const std::uint32_t size = session_.usual_of_delivery(rest, now); size != 0) {
      on_response(smpp::read_header(rest.data()), rest.first(size));
      consumed += size;
      continue;
    }
    const auto event = session_.next(rest, now, *this);
    if (event.kind == EventKind::kNeedMore) {
      sender_.impatient = false;  // what comes now was not there while others waited
      break;
    }
    if (event.kind == EventKind::kLost) {
      ++listener_->probe().framing_lost;
      kLog.debug("not SMPP, closing", {{"listener", options().name}, {"peer", peer_.to_string()}});
      connection_.close_after_flush();
      consumed = bytes.size();
      break;
    }
    if (event.kind == EventKind::kPdu && !smpp::is_response(event.header.command_id)) {
      if (!on_request(event.header, event.pdu)) break;
      consumed += event.pdu.size();
      continue;
    }
    consumed += event.pdu.size();
    if (event.kind == EventKind::kUnbound) {
      if (!leaving_) leave_directory();
      leaving_ = true;
      give_up_deliveries();
      if (outstanding_ == 0) connection_.close_after_flush();
    } else if (event.kind == EventKind::kPdu) {
      on_response(event.header, event.pdu);
    } else if (event.problem == Problem::kUnknownCommand) {
      ++listener_->probe().unknown_commands;
    } else if (event.problem == Problem::kWrongState) {
      ++listener_->probe().wrong_state;
    }
  }
  if (!connection_.open()) return consumed;
  if (consumed < bytes.size() && !connection_.paused()) arm_by(now + options().timeouts.read);
  if (connection_.congested() && !connection_.paused()) {
    congested_ = true;
    pause();
  }
  if (connection_.output_bytes() > 0) arm_by(now + options().timeouts.write);
  return consumed;
}

// Whether what these messages look up is worth being asked for before their turn.
bool Session::looks_ahead() const noexcept {
  return table_.flow().snapshot().routes->is_large() && (sender_.entry == nullptr || !sender_.entry->upstream.valid());
}

// False: the request stays where it is and reading stops.
bool Session::on_request(const smpp::Header& header, ByteSpan pdu) noexcept {
  if (smpp::is_bind(header.command_id)) {
    on_bind(header, pdu);
    return true;
  }
  return on_message(header, pdu);
}

// The same for any request but a bind.
bool Session::on_message(const smpp::Header& header, ByteSpan pdu) noexcept {
  if (give_up_) [[unlikely]] {
    give_up_ = again_ = false;
    sender_.impatient = true;
    refuse(header, count_overload());
    return true;
  }
  if (outstanding_ >= window_ && window_ > 0) [[unlikely]] {
    ++listener_->probe().window_waits;
    if (options().smpp.overload != config::Overload::kWait) return hold_back(header);
    window_full_ = true;
    pause();
    return false;
  }
  ++outstanding_;
  const bool waited = again_;
  const auto taken = table_.flow().submit(sender_, header, pdu, waited);
  again_ = false;
  if (taken == flow::Flow::Taken::kYes) [[likely]] {
    sender_.impatient = false;
    return true;
  }
  --outstanding_;
  if (options().smpp.overload != config::Overload::kWait || sender_.impatient) return hold_back(header);
  if (!waited) sender_.waiting_since = table_.loop().now();
  waiting_ = again_ = true;
  pause();
  arm_by(sender_.waiting_since + options().smpp.overload_wait);
  return false;
}

bool Session::hold_back(const smpp::Header& header) noexcept {
  refuse(header, count_overload());
  return true;
}

CommandStatus Session::count_overload() noexcept {
  ++listener_->probe().throttled;
  return options().smpp.overload == config::Overload::kQueueFull ? CommandStatus::ESME_RMSGQFUL
                                                                 : CommandStatus::ESME_RTHROTTLED;
}

void Session::refuse(const smpp::Header& header, CommandStatus status) noexcept {
  smpp::write_refusal(*this, header, status);
}

void Session::resume() noexcept {
  if (!waiting_) return;
  waiting_ = false;
  if (!window_full_ && !congested_) connection_.resume_reading();
}

void Session::on_drained() noexcept {
  congested_ = false;
  if (!waiting_ && !window_full_) connection_.resume_reading();
}

CommandStatus Session::status_for_loss(message::Loss loss) noexcept {
  if (loss == message::Loss::kNoRoom) return count_overload();
  if (!message::is_uncertain(loss)) return static_cast<CommandStatus>(sender_.listener->no_upstream_status);
  if (sender_.entry != nullptr && sender_.entry->uncertain_status) {
    return static_cast<CommandStatus>(*sender_.entry->uncertain_status);
  }
  return static_cast<CommandStatus>(sender_.listener->uncertain_status);
}

void Session::answer(const flow::Answer& answer) noexcept {
  if (outstanding_ > 0) --outstanding_;
  if (window_full_) {
    window_full_ = false;
    if (!waiting_ && !congested_) connection_.resume_reading();
  }
  if (!connection_.open()) return;
  const auto format = sender_.entry == nullptr ? config::MessageIdFormat::kHex : sender_.entry->message_id_format;
  if (answer.status == CommandStatus::ESME_ROK && answer.request == CommandId::submit_sm &&
      format == config::MessageIdFormat::kHex && !message::is_short(answer.id) &&
      session_.version() != smpp::Version::v50) [[likely]] {
    accept(answer);
  } else {
    answer_in_full(answer, format);
  }
  if (leaving_ && outstanding_ == 0) connection_.close_after_flush();
}

// The answer that nearly every message gets.
void Session::accept(const flow::Answer& answer) noexcept {
  constexpr std::uint32_t kDigits = 16;
  constexpr std::uint32_t kSize = smpp::kHeaderSize + kDigits + 1;
  std::uint8_t* out = connection_.reserve(kSize);
  smpp::write_header(out, {kSize, CommandId::submit_sm_resp, CommandStatus::ESME_ROK, answer.sequence_number});
  message::write_hex16(out + smpp::kHeaderSize, answer.id);
  out[kSize - 1] = 0;
  connection_.commit(kSize);
}

void Session::answer_in_full(const flow::Answer& answer, config::MessageIdFormat format) noexcept {
  const message::OwnIdText own(answer.id, static_cast<message::IdFormat>(format));
  const std::string_view shown = answer.id != 0 ? own.view() : answer.upstream_id;
  if (answer.status == CommandStatus::ESME_RINVCMDID) {
    smpp::write_bare(connection_.reserve(smpp::kHeaderSize), CommandId::generic_nack, answer.status,
                     answer.sequence_number);
    connection_.commit(smpp::kHeaderSize);
  } else if (answer.status != CommandStatus::ESME_ROK) {
    smpp::write_refusal(*this, {smpp::kHeaderSize, answer.request, {}, answer.sequence_number}, answer.status);
  } else if (answer.request == CommandId::submit_sm &&
             (session_.version() != smpp::Version::v50 || !has_tlvs(answer))) {
    std::uint8_t* out = connection_.reserve(smpp::kHeaderSize + shown.size() + 1);
    connection_.commit(
        smpp::write_response_with_id(out, CommandId::submit_sm_resp, answer.status, answer.sequence_number, shown));
  } else {
    answer_with_body(answer, shown);
  }
}

// Answers whose body is more than an id: the SMSC's response under the client's sequence_number and id.
void Session::answer_with_body(const flow::Answer& answer, std::string_view shown_id) noexcept {
  smpp::PduBuilder builder;
  smpp::PduView view;
  const CommandId response = smpp::response_to(answer.request);
  if (!answer.upstream_response.empty() && view.decode(answer.upstream_response) && view.id() == response) {
    builder.from(view, session_.version());
  } else {
    builder.reset(response, session_.version());
  }
  if (!shown_id.empty() && smpp::spec_of(response)->has(smpp::Field::message_id))
    builder.set(smpp::Field::message_id, shown_id);
  std::vector<std::uint8_t> pdu;
  if (builder.encode(pdu, answer.status, answer.sequence_number)) {
    connection_.write(pdu);
  } else {
    smpp::write_refusal(*this, {smpp::kHeaderSize, answer.request, {}, answer.sequence_number},
                        CommandStatus::ESME_RSYSERR);
  }
}

bool Session::deliver(const flow::Delivery& delivery) noexcept {
  if (!session_.may_send_deliver() || !connection_.open() || leaving_ || connection_.congested()) return false;
  if (delivery.ticket.command_id == CommandId::alert_notification) [[unlikely]] {
    notify(delivery.pdu);
    return true;
  }
  if (deliveries_ == nullptr) [[unlikely]] {
    deliveries_ = std::make_unique<smpp::Window<Pending>>(static_cast<std::uint32_t>(options().smpp.deliver_window));
  }
  if (deliveries_->full()) return false;
  const Instant now = table_.loop().now();
  const auto [sequence, pending] = deliveries_->open(now);
  pending = {delivery.ticket, delivery.id, delivery.entry};
  const std::size_t size = delivery.size();
  std::uint8_t* out = connection_.reserve(size);
  delivery.write(out);
  store_be(out + 12, sequence);
  connection_.commit(size);
  session_.worked(now);
  ++listener_->probe().deliveries;
  arm_by(now + options().timeouts.response);
  return true;
}

// alert_notification has no response (3.4 §4.12): nothing to wait for.
void Session::notify(ByteSpan pdu) noexcept {
  std::uint8_t* out = connection_.reserve(pdu.size());
  std::memcpy(out, pdu.data(), pdu.size());
  store_be(out + 12, next_sequence());
  connection_.commit(pdu.size());
}

void Session::on_response(const smpp::Header& header, ByteSpan) noexcept {
  const auto entry =
      deliveries_ == nullptr ? smpp::Window<Pending>::Entry{} : deliveries_->find(header.sequence_number);
  if (entry.value == nullptr || !is_delivery_answer(header.command_id)) [[unlikely]] {
    ++listener_->probe().unknown_responses;
    return;
  }
  const Pending& pending = *entry.value;
  deliveries_->close_and_hold(header.sequence_number);
  if (entry.late) [[unlikely]] {
    // The SMSC was told that the client did not take it, and will send it again.
    ++listener_->probe().late_delivery_responses;
  } else {
    table_.flow().delivered({{}, pending.ticket, pending.id, pending.entry}, header.command_status);
  }
  deliveries_->release(header.sequence_number);
}

void Session::give_up_deliveries() noexcept {
  if (deliveries_ == nullptr) return;
  deliveries_->abandon([this](const Pending& pending, std::uint32_t) {
    table_.flow().delivered({{}, pending.ticket, pending.id, pending.entry}, CommandStatus::ESME_RX_T_APPN);
  });
}

void Session::leave_directory() noexcept {
  table_.flow().receiver_gone(
      {sender_.session, static_cast<std::uint8_t>(table_.shard()), sender_.client, sender_.side});
}

void Session::unbind() noexcept {
  if (leaving_) return;
  leaving_ = true;
  if (!bound()) {
    connection_.close();
    return;
  }
  leave_directory();
  session_.unbind(table_.loop().now(), *this);
  arm();
}

bool Session::reconfigure(const accounts::ClientRegistry& clients) noexcept {
  if (sender_.entry == nullptr) return clients.empty() || !bound();
  const accounts::ClientEntry* entry = clients.find(sender_.client);
  if (entry == nullptr || !(entry->secret == sender_.entry->secret) || !entry->may_come_from(peer_.ip)) {
    sender_.entry = nullptr;
    return false;
  }
  sender_.entry = entry;
  window_ = entry->window_size > 0 ? entry->window_size : static_cast<std::uint32_t>(options().smpp.window_size);
  return true;
}

void Session::on_closed(runtime::CloseReason reason, int) noexcept {
  timer_.cancel();
  if (reason == runtime::CloseReason::kTls) listener_->tls_failed(connection_.tls_failure(), peer_);
  const bool was_bound = bound();
  if (was_bound) {
    kLog.info("session closed",
              {{"client", sender_.entry == nullptr ? std::string_view("anonymous") : sender_.entry->system_id},
               {"peer", peer_.to_string()},
               {"listener", options().name},
               {"by", reason == runtime::CloseReason::kLocal ? "us" : "peer"}});
  }
  if (was_bound && !leaving_) leave_directory();
  session_.closed();
  ticket_ = accounts::SessionTicket();
  give_up_deliveries();
  leave_limits();
  ++listener_->probe().closed;
  if (called_) table_.caller().closed(*this);
  table_.closed(*this);
}

void Session::arm() noexcept {
  Instant deadline = session_.deadline();
  if (deliveries_ != nullptr && deliveries_->size() > 0) {
    deadline = std::min<Instant>(deadline, deliveries_->oldest_sent() + options().timeouts.response);
  }
  if (waiting_) deadline = std::min<Instant>(deadline, sender_.waiting_since + options().smpp.overload_wait);
  if (connection_.output_bytes() > 0) {
    deadline = std::min<Instant>(deadline, connection_.last_progress() + options().timeouts.write);
  }
  armed_for_ = Instant::max();
  arm_by(deadline);
}

// Deadlines move away with every PDU; the timer is only moved when one comes nearer.
void Session::arm_by(Instant deadline) noexcept {
  if (deadline >= armed_for_ || deadline == Instant::max()) return;
  armed_for_ = deadline;
  table_.loop().timers().arm(timer_, deadline);
}

void Session::on_timer(void* self) noexcept { static_cast<Session*>(self)->on_time(); }

void Session::on_time() noexcept {
  const Instant now = table_.loop().now();
  ListenerProbe& probe = listener_->probe();
  const auto end = [&](std::uint64_t& count, const char* reason) {
    ++count;
    kLog.debug("closing session", {{"peer", peer_.to_string()}, {"listener", options().name}, {"reason", reason}});
    connection_.close();
  };
  if (connection_.output_bytes() > 0 && now - connection_.last_progress() >= options().timeouts.write) {
    return end(probe.write_timeouts, "the peer reads nothing");
  }
  switch (session_.on_time(now, *this)) {
    case smpp::Session::Due::kNothing: break;
    case smpp::Session::Due::kBindTimeout:
      if (connection_.shaking_hands()) ++probe.tls.timeouts;
      return end(probe.bind_timeouts, "no bind in time");
    case smpp::Session::Due::kReadTimeout: return end(probe.read_timeouts, "a PDU was begun and not finished in time");
    case smpp::Session::Due::kIdleTimeout: return end(probe.idle_timeouts, "idle");
    case smpp::Session::Due::kEnquireTimeout: return end(probe.enquire_timeouts, "enquire_link was not answered");
    case smpp::Session::Due::kUnbindTimeout: connection_.close(); return;
  }
  if (deliveries_ != nullptr) {
    deliveries_->expire(now - options().timeouts.response, [&](const Pending& pending, std::uint32_t) {
      ++probe.delivery_timeouts;
      table_.flow().delivered({{}, pending.ticket, pending.id, pending.entry}, CommandStatus::ESME_RX_T_APPN);
    });
  }
  if (waiting_ && now >= sender_.waiting_since + options().smpp.overload_wait) {
    waiting_ = false;
    give_up_ = true;
    if (!window_full_ && !congested_) connection_.resume_reading();
  }
  arm();
}

}  // namespace smppd::downstream
