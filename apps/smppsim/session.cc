#include "smppsim/session.h"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include "smpp/framer.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_inspect.h"
#include "smppsim/intake.h"
#include "smppsim/later.h"
#include "smppsim/operations.h"

namespace smppd::sim {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;

namespace {
constexpr std::uint32_t kLastSequence = 0x7FFFFFFF;
constexpr std::size_t kChunk = 16'000;  // octets of output reserved at a time

bool is_message(CommandId id) noexcept {
  return id == CommandId::submit_sm || id == CommandId::data_sm || id == CommandId::submit_multi ||
         id == CommandId::broadcast_sm;
}
bool is_operation(CommandId id) noexcept {
  switch (id) {
    case CommandId::query_sm:
    case CommandId::cancel_sm:
    case CommandId::replace_sm:
    case CommandId::query_last_msgs:
    case CommandId::query_msg_details:
    case CommandId::param_retrieve:
    case CommandId::query_broadcast_sm:
    case CommandId::cancel_broadcast_sm: return true;
    default: return false;
  }
}
}  // namespace

Session::Session(Shard& shard, std::uint64_t number, const runtime::SocketAddress& peer)
    : shard_(shard),
      connection_(shard.loop, *this),
      enquire_timer_(&Session::on_enquire_time, this),
      moment_(&Session::on_moment, this),
      peer_(peer.to_string()),
      number_(number),
      version_(shard.options.version) {}

void Session::adopt(int fd) noexcept {
  connection_.adopt(fd, shard_.options.tls.get());
  if (shard_.options.bind_timeout > Duration::zero()) {
    shard_.loop.timers().arm(moment_, shard_.loop.now() + shard_.options.bind_timeout);
  }
}

void Session::connect_outbind(const runtime::SocketAddress& to) noexcept {
  outbind_ = true;
  connection_.connect(to);
}

void Session::on_connected() noexcept {
  if (!outbind_) return;
  auto& pdu = shard_.builder.reset(CommandId::outbind, smpp::Version::v34);
  pdu.set(Field::system_id, shard_.options.own_system_id).set(Field::password, shard_.options.password);
  shard_.scratch.clear();
  if (pdu.encode(shard_.scratch, CommandStatus::ESME_ROK, next_sequence())) put(shard_.scratch);
}

std::uint32_t Session::next_sequence() noexcept {
  sequence_ = sequence_ == kLastSequence ? 1 : sequence_ + 1;
  return sequence_;
}

// --- In --------------------------------------------------------------------------------------------------------------

std::size_t Session::on_bytes(ByteSpan bytes) noexcept {
  std::size_t consumed = 0;
  while (true) {
    if (plain_) consumed += answer_plainly(bytes.subspan(consumed));
    const smpp::Frame frame = smpp::next_frame(bytes.subspan(consumed));
    if (frame.state == smpp::FrameState::need_more) return consumed;
    if (frame.state == smpp::FrameState::lost) {
      ++shard_.stats.framing_lost;
      answer(CommandId::generic_nack, CommandStatus::ESME_RINVCMDLEN, 0);
      connection_.close_after_flush();
      return bytes.size();
    }
    handle(frame.pdu);
    if (!connection_.open()) return consumed;
    consumed += frame.pdu.size();
    if (connection_.paused()) return consumed;
  }
}

// The fast path: nothing configured looks into messages, so a submit_sm is its header and an answer with the next
// number. Stops at the first PDU that is anything else.
std::size_t Session::answer_plainly(ByteSpan bytes) noexcept {
  std::size_t consumed = 0;
  std::uint64_t answered = 0;
  std::uint8_t* at = nullptr;
  const std::uint8_t* begin = nullptr;
  const std::uint8_t* end = nullptr;
  constexpr std::size_t kLargest = smpp::kHeaderSize + IdFormat::kMaxSize + 1;
  while (true) {
    const smpp::Frame frame = smpp::next_frame(bytes.subspan(consumed));
    if (frame.state != smpp::FrameState::pdu) break;
    const smpp::Header header = smpp::read_header(frame.pdu.data());
    if (header.command_id != CommandId::submit_sm || frame.pdu.size() == smpp::kHeaderSize) break;
    if (at == nullptr || static_cast<std::size_t>(end - at) < kLargest) {
      if (at != nullptr) connection_.commit(static_cast<std::size_t>(at - begin));
      begin = at = connection_.reserve(kChunk);
      end = begin + kChunk;
    }
    const std::uint64_t number = shard_.next_number();
    shard_.messages.note(number, frame.pdu.data(), frame.pdu.size(), account_);
    const std::size_t id_size = write_hex8(number, reinterpret_cast<char*>(at + smpp::kHeaderSize));
    const std::size_t size = smpp::kHeaderSize + id_size + 1;
    at[size - 1] = 0;
    smpp::write_header(at, {static_cast<std::uint32_t>(size), CommandId::submit_sm_resp, CommandStatus::ESME_ROK,
                            header.sequence_number});
    at += size;
    consumed += frame.pdu.size();
    ++answered;
  }
  if (at != nullptr) connection_.commit(static_cast<std::size_t>(at - begin));
  shard_.stats.messages += answered;
  shard_.stats.accepted += answered;
  return consumed;
}

void Session::handle(ByteSpan pdu) noexcept {
  if (shard_.log != nullptr) log("in", pdu);
  smpp::PduView view;
  if (!check(pdu, view)) return;
  ++shard_.stats.received[view.id()];
  dispatch(view);
}

// False when the PDU was answered because something is wrong with it.
bool Session::check(ByteSpan pdu, smpp::PduView& view) noexcept {
  const smpp::Header header = smpp::read_header(pdu.data());
  const auto refuse = [&](CommandStatus status) {
    if (is_response(header.command_id)) return;
    const bool known = smpp::spec_of(header.command_id) != nullptr;
    answer(known ? response_to(header.command_id) : CommandId::generic_nack, status, header.sequence_number);
  };
  const auto strictness = shard_.options.strict ? smpp::Strictness::strict : smpp::Strictness::lenient;
  const smpp::DecodeResult decoded = view.decode(pdu, strictness);
  if (!decoded) {
    ++shard_.stats.malformed_pdus;
    refuse(decoded.status);
    return false;
  }
  if (!shard_.options.strict) return true;
  static const smpp::TlvRegistry kStandard;
  const auto findings = smpp::check_pdu(view, version_, kStandard);
  if (findings.empty()) return true;
  ++shard_.stats.strict_findings;
  if (shard_.log != nullptr) shard_.log->finding(number_, smpp::describe(findings.front(), kStandard));
  refuse(findings.front().status);
  return false;
}

void Session::dispatch(const smpp::PduView& view) noexcept {
  const CommandId id = view.id();
  const std::uint32_t sequence = view.sequence_number();
  if (is_bind(id)) return on_bind(view);
  if (is_message(id) || is_operation(id)) {
    if (!sends_) {
      ++shard_.stats.not_bound;
      return answer(response_to(id), CommandStatus::ESME_RINVBNDSTS, sequence);
    }
    if (is_operation(id)) return on_operation(view);
    Intake(*this).take(view);
    if (connection_.open()) count_message();
    return;
  }
  switch (id) {
    case CommandId::enquire_link:
      ++shard_.stats.enquire_links_received;
      if (!misbehaviour().no_enquire_response) answer(CommandId::enquire_link_resp, CommandStatus::ESME_ROK, sequence);
      return;
    case CommandId::unbind:
      if (misbehaviour().no_unbind_response) return;
      answer(CommandId::unbind_resp, CommandStatus::ESME_ROK, sequence);
      connection_.close_after_flush();
      return;
    case CommandId::unbind_resp: connection_.close_after_flush(); return;
    case CommandId::deliver_sm_resp:
    case CommandId::data_sm_resp: return on_delivery_response(view);
    case CommandId::enquire_link_resp: return;
    case CommandId::generic_nack: return on_delivery_response(view);
    default: break;
  }
  if (is_response(id)) {
    ++shard_.stats.unexpected_responses;
    return;
  }
  answer(CommandId::generic_nack, CommandStatus::ESME_RINVCMDID, sequence);
}

void Session::on_delivery_response(const smpp::PduView& view) noexcept {
  if (deliveries_open_ == 0) {
    ++shard_.stats.unexpected_responses;
    return;
  }
  --deliveries_open_;
  const bool good = view.status() == CommandStatus::ESME_ROK && view.id() != CommandId::generic_nack;
  ++(good ? shard_.stats.deliveries_accepted : shard_.stats.deliveries_refused);
  if (shard_.options.redeliver) {
    const auto at = unanswered_.find(view.sequence_number());
    if (at != unanswered_.end()) {
      if (!good) redeliver_later(shard_, *account_, std::move(at->second));
      unanswered_.erase(at);
    }
  }
  if (account_ != nullptr) shard_.drain(*account_);
}

void Session::on_operation(const smpp::PduView& view) noexcept { answer_operation(*this, view); }

// --- Out -------------------------------------------------------------------------------------------------------------

void Session::send_delivery(ByteSpan pdu, DeliveryKind kind) noexcept {
  Stats& stats = shard_.stats;
  switch (kind) {
    case DeliveryKind::receipt: ++stats.receipts_sent; break;
    case DeliveryKind::report: ++stats.receipts_intermediate; break;
    case DeliveryKind::mo: ++stats.mo_sent; break;
  }
  ++deliveries_open_;
  std::vector<std::uint8_t> bytes(pdu.begin(), pdu.end());
  const std::uint32_t sequence = next_sequence();
  store_be(bytes.data() + 12, sequence);
  put(bytes);
  if (shard_.options.redeliver) unanswered_[sequence] = {std::move(bytes), kind};
}

void Session::put(ByteSpan pdu) noexcept {
  if (!connection_.open()) return;
  if (shard_.log != nullptr) log("out", pdu);
  if (misbehaviour().drip_octets > 0) {
    if (!drip_) drip_ = std::make_unique<Drip>(*this);
    drip_->bytes.insert(drip_->bytes.end(), pdu.begin(), pdu.end());
    if (!drip_->timer.armed()) drip();
  } else if (misbehaviour().split_octets > 0) {
    split(pdu);
  } else {
    connection_.write(pdu);
  }
}

void Session::drip() noexcept {
  const std::size_t size = std::min<std::size_t>(misbehaviour().drip_octets, drip_->bytes.size() - drip_->at);
  connection_.write(ByteSpan(drip_->bytes).subspan(drip_->at, size));
  drip_->at += size;
  if (drip_->at == drip_->bytes.size()) {
    drip_->bytes.clear();
    drip_->at = 0;
    return;
  }
  shard_.loop.timers().arm(drip_->timer, shard_.loop.now() + misbehaviour().drip_interval);
}

void Session::on_drip_time(void* self) noexcept {
  auto& session = *static_cast<Session*>(self);
  if (session.connection_.open()) session.drip();
}

// Each piece is a segment of its own, because Nagle's algorithm is off; what the socket does not take waits as usual.
void Session::split(ByteSpan pdu) noexcept {
  while (!pdu.empty() && connection_.output_bytes() == 0) {
    const std::size_t size = std::min<std::size_t>(misbehaviour().split_octets, pdu.size());
    const ssize_t sent = ::send(connection_.fd(), pdu.data(), size, MSG_NOSIGNAL);
    if (sent <= 0) break;
    pdu = pdu.subspan(static_cast<std::size_t>(sent));
  }
  if (!pdu.empty()) connection_.write(pdu);
}

void Session::answer(CommandId id, CommandStatus status, std::uint32_t sequence) noexcept {
  std::uint8_t bytes[smpp::kHeaderSize + 1] = {};
  std::size_t size = smpp::write_bare(bytes, id, status, sequence);
  const bool bare = id == CommandId::enquire_link_resp || id == CommandId::unbind_resp;
  // gosmpp reads a system_id from a bind_transceiver_resp of any status, and from no other refusal.
  if (id == CommandId::bind_transceiver_resp || (bare && misbehaviour().stray_body)) {
    store_be(bytes, static_cast<std::uint32_t>(++size));
  }
  put(ByteSpan(bytes, size));
}

void Session::send_bare(CommandId id) noexcept {
  std::uint8_t bytes[smpp::kHeaderSize];
  put(ByteSpan(bytes, smpp::write_bare(bytes, id, CommandStatus::ESME_ROK, next_sequence())));
}

void Session::respond(ByteSpan pdu, const Behaviour& behaviour, Duration latency) noexcept {
  const Misbehaviour& bad = behaviour.misbehave;
  Stats& stats = shard_.stats;
  toolkit::Random& random = shard_.random;
  std::vector<std::uint8_t> bytes(pdu.begin(), pdu.end());
  if (random.chance(bad.no_response)) {
    ++stats.misbehaved_no_response;
    ++stats.unanswered;
    return;
  }
  if (random.chance(bad.garbage)) {
    ++stats.misbehaved_garbage;
    for (auto& octet : bytes) octet = static_cast<std::uint8_t>(random.next());
    bytes.front() |= 0x80;  // a length no peer may believe
  } else if (random.chance(bad.generic_nack)) {
    ++stats.misbehaved_generic_nack;
    const std::uint32_t sequence = smpp::read_header(bytes.data()).sequence_number;
    bytes.resize(smpp::write_bare(bytes.data(), CommandId::generic_nack, CommandStatus::ESME_RSYSERR, sequence));
  } else if (random.chance(bad.wrong_sequence)) {
    ++stats.misbehaved_wrong_sequence;
    store_be(bytes.data() + 12, load_be<std::uint32_t>(bytes.data() + 12) ^ 0x40000000U);
  }
  if (random.chance(bad.late_response)) {
    ++stats.misbehaved_late;
    latency += bad.lateness;
  }
  if (random.chance(bad.out_of_order)) {
    ++stats.misbehaved_out_of_order;
    latency += std::chrono::milliseconds(2 + random.below(20));
  }
  const bool twice = random.chance(bad.duplicate_response);
  if (twice) ++stats.misbehaved_duplicate;
  if (latency > Duration::zero()) {
    ++responses_open_;
    hold_response(shard_, handle_, std::move(bytes), latency, twice);
    return;
  }
  put(bytes);
  if (twice) put(bytes);
}

// --- Ends ------------------------------------------------------------------------------------------------------------

bool Session::count_message() noexcept {
  const Misbehaviour& bad = misbehaviour();
  Stats& stats = shard_.stats;
  ++messages_;
  if (messages_ == bad.stall_after) {
    ++stats.misbehaved_stall;
    connection_.pause_reading();
  }
  if (messages_ == bad.unbind_after) unbind();
  if (messages_ == bad.reset_after) {
    reset();
    return false;
  }
  if (messages_ == bad.close_after) {
    ++stats.misbehaved_close;
    connection_.close_after_flush();
    return false;
  }
  return true;
}

void Session::unbind() noexcept {
  ++shard_.stats.misbehaved_unbind;
  send_bare(CommandId::unbind);
}

// RST instead of FIN.
void Session::reset() noexcept {
  ++shard_.stats.misbehaved_close;
  const linger now{1, 0};
  setsockopt(connection_.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  connection_.close();
}

void Session::on_enquire_time(void* self) noexcept {
  auto& session = *static_cast<Session*>(self);
  ++session.shard_.stats.enquire_links_sent;
  session.send_bare(CommandId::enquire_link);
  session.shard_.loop.timers().arm(session.enquire_timer_,
                                   session.shard_.loop.now() + session.shard_.options.enquire_interval);
}

void Session::on_moment(void* self) noexcept {
  auto& session = *static_cast<Session*>(self);
  Stats& stats = session.shard_.stats;
  if (session.account_ == nullptr) {
    ++stats.bind_timeouts;
  } else if (session.misbehaviour().unbind_time > Duration::zero()) {
    session.unbind();
    return;
  } else {
    ++stats.misbehaved_close;
  }
  session.connection_.close();
}

void Session::on_drained() noexcept {
  if (account_ != nullptr) shard_.drain(*account_);
}

void Session::on_closed(runtime::CloseReason, int) noexcept {
  ++shard_.stats.disconnects;
  shard_.stats.deliveries_unanswered += deliveries_open_;
  enquire_timer_.cancel();
  moment_.cancel();
  if (drip_) drip_->timer.cancel();
  if (account_ != nullptr) {
    shard_.directory.session_ended(account_->system_id, receives_, shard_.index);
    if (receives_) shard_.remove_receiver(*this, *account_);
    receives_ = false;
    for (auto& [sequence, delivery] : unanswered_) redeliver_later(shard_, *account_, std::move(delivery));
    unanswered_.clear();
  }
  if (shard_.log != nullptr) shard_.log->event(number_, peer_, "closed");
  shard_.forget(handle_);
}

void Session::log(std::string_view direction, ByteSpan pdu) noexcept {
  shard_.log->pdu(number_, account_ == nullptr ? std::string_view() : account_->system_id, direction, pdu);
}

}  // namespace smppd::sim
