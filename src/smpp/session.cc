#include "smpp/session.h"

#include <algorithm>

#include "smpp/pdu_builder.h"
#include "smpp/pdu_table.h"

namespace smppd::smpp {

namespace {

using Kind = Session::Event::Kind;
using Problem = Session::Event::Problem;

void write_plain(Sink& sink, CommandId id, CommandStatus status, std::uint32_t sequence) noexcept {
  write_bare(sink.reserve(kHeaderSize), id, status, sequence);
  sink.commit(kHeaderSize);
}

bool smsc_may_receive(SessionState state, CommandId id) noexcept {
  const bool can_submit = state == SessionState::kBoundTx || state == SessionState::kBoundTrx;
  switch (id) {
    case CommandId::bind_transmitter:
    case CommandId::bind_receiver:
    case CommandId::bind_transceiver: return state == SessionState::kOpen;
    case CommandId::unbind: return is_bound(state) || state == SessionState::kUnbinding;
    case CommandId::submit_sm:
    case CommandId::submit_multi:
    case CommandId::query_sm:
    case CommandId::query_last_msgs:
    case CommandId::query_msg_details:
    case CommandId::cancel_sm:
    case CommandId::replace_sm:
    case CommandId::broadcast_sm:
    case CommandId::query_broadcast_sm:
    case CommandId::cancel_broadcast_sm:
    case CommandId::data_sm: return can_submit;
    case CommandId::param_retrieve: return is_bound(state);
    default: return false;
  }
}

bool esme_may_receive(SessionState state, CommandId id) noexcept {
  const bool can_deliver = state == SessionState::kBoundRx || state == SessionState::kBoundTrx;
  switch (id) {
    case CommandId::outbind: return state == SessionState::kOpen;
    case CommandId::unbind: return is_bound(state) || state == SessionState::kUnbinding;
    case CommandId::deliver_sm:
    case CommandId::data_sm:
    case CommandId::alert_notification: return can_deliver;
    default: return false;
  }
}

}  // namespace

std::string_view name_of(SessionState state) noexcept {
  switch (state) {
    case SessionState::kOpen: return "OPEN";
    case SessionState::kBoundTx: return "BOUND_TX";
    case SessionState::kBoundRx: return "BOUND_RX";
    case SessionState::kBoundTrx: return "BOUND_TRX";
    case SessionState::kUnbinding: return "UNBINDING";
    case SessionState::kClosed: return "CLOSED";
  }
  return "CLOSED";
}

bool may_receive(Role role, SessionState state, CommandId id) noexcept {
  // enquire_link in any state: interop row 34; generic_nack answers anything.
  if (id == CommandId::enquire_link) return state != SessionState::kClosed;
  return role == Role::kSmsc ? smsc_may_receive(state, id) : esme_may_receive(state, id);
}

void write_refusal(Sink& sink, const Header& request, CommandStatus status) noexcept {
  const auto response = static_cast<CommandId>(static_cast<std::uint32_t>(request.command_id) | kResponseBit);
  // An empty system_id: gosmpp reads one from a bind_transceiver_resp of any status, and from no other refusal.
  const std::size_t size = response == CommandId::bind_transceiver_resp ? kHeaderSize + 1 : kHeaderSize;
  std::uint8_t* out = sink.reserve(size);
  out[size - 1] = 0;
  write_bare(out, response, status, request.sequence_number);
  store_be(out, static_cast<std::uint32_t>(size));
  sink.commit(size);
}

void Session::bound(SessionState state) noexcept { enter(state); }

void Session::enter(SessionState state) noexcept {
  state_ = state;
  usual_ = delivery_ = kNoUsual;
  if (!is_bound(state)) return;
  const auto if_allowed = [&](CommandId request) {
    return may_receive(options_->role, state, request) ? static_cast<std::uint32_t>(request) : kNoUsual;
  };
  if (options_->role == Role::kEsme) {
    usual_ = static_cast<std::uint32_t>(CommandId::submit_sm_resp);
    delivery_ = if_allowed(CommandId::deliver_sm);
  } else {
    usual_ = if_allowed(CommandId::submit_sm);
    delivery_ = static_cast<std::uint32_t>(CommandId::deliver_sm_resp);
  }
}

Session::Event Session::next(ByteSpan bytes, Instant now, Sink& sink) noexcept {
  const Frame frame = next_frame(bytes, options_->max_pdu_size);
  if (frame.state == FrameState::need_more) {
    if (!bytes.empty() && !partial_) partial_since_ = now;
    partial_ = !bytes.empty();
    return {};
  }
  partial_ = false;
  if (frame.state == FrameState::lost) {
    // A length that cannot be one says nothing about who is out of step; only a bound SMPP peer is told.
    if (is_bound(state_)) write_plain(sink, CommandId::generic_nack, CommandStatus::ESME_RINVCMDLEN, 0);
    return {Kind::kLost, {}, {}, Problem::kFraming};
  }
  last_heard_ = now;
  const Header header = read_header(frame.pdu.data());
  return is_response(header.command_id) ? handle_response(frame, header, now)
                                        : handle_request(frame, header, now, sink);
}

Session::Event Session::handle_request(const Frame& frame, const Header& header, Instant now, Sink& sink) noexcept {
  if (header.command_id == CommandId::enquire_link) {
    if (options_->answer_enquire) {
      write_plain(sink, CommandId::enquire_link_resp, CommandStatus::ESME_ROK, header.sequence_number);
    }
    return {Kind::kHandled, header, frame.pdu};
  }
  if (!may_receive(options_->role, state_, header.command_id)) {
    if (spec_of(header.command_id) == nullptr) {
      write_plain(sink, CommandId::generic_nack, CommandStatus::ESME_RINVCMDID, header.sequence_number);
      return {Kind::kHandled, header, frame.pdu, Problem::kUnknownCommand};
    }
    const bool second_bind =
        options_->role == Role::kSmsc && is_bound(state_) &&
        (header.command_id == CommandId::bind_transmitter || header.command_id == CommandId::bind_receiver ||
         header.command_id == CommandId::bind_transceiver);
    if (header.command_id == CommandId::outbind || header.command_id == CommandId::alert_notification) {
      return {Kind::kHandled, header, frame.pdu, Problem::kWrongState};  // neither has a response
    }
    write_refusal(sink, header, second_bind ? CommandStatus::ESME_RALYBND : CommandStatus::ESME_RINVBNDSTS);
    return {Kind::kHandled, header, frame.pdu, Problem::kWrongState};
  }
  last_work_ = now;
  if (header.command_id == CommandId::unbind) {
    if (options_->answer_unbind) {
      write_plain(sink, CommandId::unbind_resp, CommandStatus::ESME_ROK, header.sequence_number);
    }
    enter(SessionState::kUnbinding);
    enquired_at_ = now;  // what is left to say must be said within unbind_timeout
    return {Kind::kUnbound, header, frame.pdu};
  }
  return {Kind::kPdu, header, frame.pdu};
}

Session::Event Session::handle_response(const Frame& frame, const Header& header, Instant now) noexcept {
  switch (header.command_id) {
    case CommandId::enquire_link_resp:
      enquiring_ = false;
      missed_ = 0;
      return {Kind::kHandled, header, frame.pdu};
    case CommandId::unbind_resp:
      return {state_ == SessionState::kUnbinding ? Kind::kUnbound : Kind::kHandled, header, frame.pdu};
    default:
      // A nack to our enquire_link proves the peer alive, and a generic_nack may answer any of our requests.
      if (header.command_id == CommandId::generic_nack && enquiring_) {
        enquiring_ = false;
        missed_ = 0;
      }
      last_work_ = now;
      return {Kind::kPdu, header, frame.pdu};
  }
}

void Session::unbind(Instant now, Sink& sink) noexcept {
  write_plain(sink, CommandId::unbind, CommandStatus::ESME_ROK, sink.next_sequence());
  enter(SessionState::kUnbinding);
  enquired_at_ = now;
}

Instant Session::deadline() const noexcept {
  Instant earliest = Instant::max();
  const auto consider = [&](Instant from, Duration after) {
    if (after > Duration::zero()) earliest = std::min(earliest, from + after);
  };
  if (partial_) consider(partial_since_, options_->read_timeout);
  switch (state_) {
    case SessionState::kOpen: consider(last_work_, options_->bind_timeout); break;
    case SessionState::kUnbinding: consider(enquired_at_, options_->unbind_timeout); break;
    case SessionState::kClosed: return Instant::max();
    default:
      consider(last_work_, options_->idle_timeout);
      if (enquiring_) {
        consider(enquired_at_, options_->enquire_timeout);
      } else {
        consider(std::max(last_heard_, enquired_at_), options_->enquire_interval);
      }
  }
  return earliest;
}

Session::Due Session::on_time(Instant now, Sink& sink) noexcept {
  const auto passed = [now](Instant from, Duration after) { return after > Duration::zero() && now >= from + after; };
  if (partial_ && passed(partial_since_, options_->read_timeout)) return Due::kReadTimeout;
  if (state_ == SessionState::kOpen) {
    return passed(last_work_, options_->bind_timeout) ? Due::kBindTimeout : Due::kNothing;
  }
  if (state_ == SessionState::kUnbinding) {
    return passed(enquired_at_, options_->unbind_timeout) ? Due::kUnbindTimeout : Due::kNothing;
  }
  if (!is_bound(state_)) return Due::kNothing;
  if (passed(last_work_, options_->idle_timeout)) return Due::kIdleTimeout;
  if (enquiring_) {
    if (last_heard_ > enquired_at_) {
      // Anything the peer said after the question proves it alive.
      enquiring_ = false;
      missed_ = 0;
    } else if (passed(enquired_at_, options_->enquire_timeout)) {
      enquiring_ = false;
      if (++missed_ >= options_->enquire_misses) return Due::kEnquireTimeout;
    }
  }
  if (!enquiring_ && (missed_ > 0 || passed(std::max(last_heard_, enquired_at_), options_->enquire_interval))) {
    write_plain(sink, CommandId::enquire_link, CommandStatus::ESME_ROK, sink.next_sequence());
    enquiring_ = true;
    enquired_at_ = now;
  }
  return Due::kNothing;
}

}  // namespace smppd::smpp
