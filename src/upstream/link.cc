#include "upstream/link.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "smpp/pdu_builder.h"
#include "telemetry/log.h"
#include "upstream/group.h"
#include "upstream/internal/log.h"

namespace smppd::upstream {

namespace {

// More unanswered deliver_sm than any SMSC's window; beyond it the SMSC is told to keep them.
constexpr std::uint32_t kMaxUnansweredDeliveries = 10'000;
constexpr Duration kAnswersAfterUnbind = std::chrono::seconds(5);

bool is_credential_error(smpp::CommandStatus status) noexcept {
  return status == smpp::CommandStatus::ESME_RINVPASWD || status == smpp::CommandStatus::ESME_RINVSYSID ||
         status == smpp::CommandStatus::ESME_RINVSYSTYP;
}

smpp::CommandId bind_command(LinkUse use) noexcept {
  switch (use) {
    case LinkUse::kTransmitter: return smpp::CommandId::bind_transmitter;
    case LinkUse::kReceiver: return smpp::CommandId::bind_receiver;
    case LinkUse::kTransceiver: return smpp::CommandId::bind_transceiver;
  }
  return smpp::CommandId::bind_transceiver;
}

double random_between(double low, double high) {
  static thread_local std::minstd_rand generator(std::random_device{}());
  return std::uniform_real_distribution<double>(low, high)(generator);
}

// Takes as long for a wrong octet at the front as for one at the end.
bool same_secret(std::string_view given, std::string_view wanted) noexcept {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned>(given[i] ^ (wanted.empty() ? '\0' : wanted[i % wanted.size()]));
  }
  return difference == 0;
}

std::string_view reason_of(smpp::Session::Due due) noexcept {
  switch (due) {
    case smpp::Session::Due::kBindTimeout: return "no bind response in time";
    case smpp::Session::Due::kReadTimeout: return "a PDU was begun and not finished in time";
    case smpp::Session::Due::kIdleTimeout: return "idle for too long";
    case smpp::Session::Due::kEnquireTimeout: return "enquire_link was not answered";
    case smpp::Session::Due::kUnbindTimeout: return "unbind was not answered";
    case smpp::Session::Due::kNothing: break;
  }
  return "";
}

}  // namespace

std::string_view name_of(LinkState state) noexcept {
  switch (state) {
    case LinkState::kIdle: return "idle";
    case LinkState::kWaiting: return "waiting";
    case LinkState::kResolving: return "resolving";
    case LinkState::kConnecting: return "connecting";
    case LinkState::kCalled: return "called";
    case LinkState::kBinding: return "binding";
    case LinkState::kWarming: return "warming";
    case LinkState::kBound: return "bound";
    case LinkState::kRetiring: return "retiring";
    case LinkState::kLeaving: return "leaving";
    case LinkState::kDraining: return "draining";
    case LinkState::kRefused: return "refused";
    case LinkState::kStopped: return "stopped";
  }
  return "";
}

Link::Link(Group& group, runtime::EventLoop& loop, runtime::Resolver& resolver, std::uint16_t host, LinkUse use)
    : group_(group),
      loop_(loop),
      resolver_(resolver),
      connection_(loop, *this),
      session_(group.session_options(), loop.now()),
      window_(static_cast<std::uint32_t>(group.options().window_size)),
      throttle_(group.options().throttling),
      backoff_(group.options().reconnect.initial),
      host_(host),
      use_(use) {
  connection_.share();
}

void Link::enter(LinkState state) noexcept {
  const bool was_ready = ready();
  state_ = state;
  if (was_ready != ready() || state == LinkState::kBound) group_.link_changed(*this);
}

void Link::start() noexcept {
  if (group_.calls_us(host_)) return;
  if (state_ != LinkState::kIdle && state_ != LinkState::kWaiting && state_ != LinkState::kRefused) return;
  const auto& address = group_.address(host_);
  for_good_ = false;
  deadline_ = loop_.now() + group_.options().timeouts.connect;
  enter(LinkState::kResolving);
  ++probe_.connects;
  auto* loop = &loop_;
  auto* links = &group_.links();
  resolver_.resolve(address.host, address.port,
                    [loop, links, handle = handle_](Fallible<std::vector<runtime::SocketAddress>> answer) {
                      loop->post([links, handle, answer = std::move(answer)]() mutable {
                        if (Link* link = links->get(handle)) link->resolved(std::move(answer));
                      });
                    });
}

void Link::restart() noexcept {
  if (finished()) state_ = LinkState::kIdle;
  start();
}

void Link::resolved(Fallible<std::vector<runtime::SocketAddress>> addresses) {
  if (state_ != LinkState::kResolving) return;
  if (!addresses || addresses->empty()) {
    ++probe_.connect_failures;
    fail(addresses ? "the name has no address" : addresses.error());
    return;
  }
  addresses_ = std::move(*addresses);
  next_address_ = (next_address_ + 1) % addresses_.size();
  enter(LinkState::kConnecting);
  connection_.connect(addresses_[next_address_], group_.tls(), group_.address(host_).host);
}

void Link::begin_session(LinkState state) noexcept {
  session_ = smpp::Session(group_.session_options(), loop_.now());
  session_.set_version(group_.version());
  ++connection_number_;
  deadline_ = loop_.now() + group_.options().timeouts.bind;
  enter(state);
}

void Link::on_connected() noexcept {
  if (connection_.encrypted()) ++group_.probe().tls.handshakes;
  begin_session(LinkState::kBinding);
  send_bind();
}

void Link::take_call(int fd, const runtime::SocketAddress& peer) noexcept {
  addresses_ = {peer};
  last_error_.clear();
  connection_.adopt(fd);
  begin_session(LinkState::kCalled);
}

// 3.4 §4.1.7: whoever does not know the system_id and password gets no answer.
void Link::on_outbind(ByteSpan pdu) noexcept {
  if (state_ != LinkState::kCalled) return;
  const config::UpstreamOutbind& expected = *group_.options().outbind;
  smpp::PduView view;
  if (!view.decode(pdu) || view.text(smpp::Field::system_id) != expected.system_id ||
      !same_secret(view.text(smpp::Field::password), expected.password)) {
    group_.refuse_call(addresses_.front(), "wrong system_id or password");
    fail("an outbind with the wrong system_id or password");
    return;
  }
  ++probe_.outbinds;
  begin_session(LinkState::kBinding);
  send_bind();
}

void Link::send_bind() noexcept {
  const config::Bind& bind = group_.options().bind;
  smpp::PduBuilder builder(bind_command(use_), smpp::Version::v34);
  builder.set(smpp::Field::system_id, group_.system_id(host_))
      .set(smpp::Field::password, group_.password(host_))
      .set(smpp::Field::system_type, bind.system_type)
      .set(smpp::Field::interface_version, bind.interface_version)
      .set(smpp::Field::addr_ton, bind.addr_ton)
      .set(smpp::Field::addr_npi, bind.addr_npi)
      .set(smpp::Field::address_range, bind.address_range);
  bind_sequence_ = window_.bare_sequence();
  std::vector<std::uint8_t> pdu;
  if (const auto encoded = builder.encode(pdu, smpp::CommandStatus::ESME_ROK, bind_sequence_); !encoded) {
    state_ = LinkState::kRefused;
    last_error_ = "the bind cannot be written: " + smpp::describe(encoded.error());
    kLog.error("bind fields of an upstream do not fit the protocol",
               {{"upstream", group_.name()}, {"error", last_error_}});
    connection_.close();
    return;
  }
  connection_.write(pdu);
}

std::size_t Link::on_bytes(ByteSpan bytes) noexcept {
  constexpr std::size_t kSeveral = 256;  // octets; of fewer nothing lies ahead
  Foresight* const foresight = group_.foresight();
  if (bytes.size() < kSeveral || foresight == nullptr) return take<false>(bytes, 0);
  const std::size_t foreseen = foresight->foresee(group_, bytes);
  return foreseen < bytes.size() ? take<true>(bytes, foreseen) : take<false>(bytes, 0);
}

// Twice, so that nobody asks at each PDU who need not.
template <bool kForesees>
std::size_t Link::take(ByteSpan bytes, std::size_t foreseen) noexcept {
  std::size_t consumed = 0;
  const Instant now = loop_.now();
  while (connection_.open()) {
    const ByteSpan rest = bytes.subspan(consumed);
    if constexpr (kForesees) {
      if (consumed >= foreseen) foreseen = consumed + group_.foresight()->foresee(group_, rest);
    }
    if (const std::uint32_t size = session_.usual(rest, now); size != 0) [[likely]] {
      const smpp::Header header = smpp::read_header(rest.data());
      on_response(header.sequence_number, header.command_status, rest.first(size));
      consumed += size;
      continue;
    }
    if (const std::uint32_t size = session_.usual_of_delivery(rest, now); size != 0) [[likely]] {
      on_delivery(smpp::read_header(rest.data()), rest.first(size));
      consumed += size;
      continue;
    }
    const auto event = session_.next(rest, now, *this);
    if (event.kind == smpp::Session::Event::Kind::kNeedMore) break;
    if (event.kind == smpp::Session::Event::Kind::kLost) {
      ++probe_.malformed;
      fail("the SMSC sent something that is not SMPP");
      break;
    }
    consumed += event.pdu.size();
    if (event.kind == smpp::Session::Event::Kind::kUnbound) {
      on_unbound(event.header);
      continue;
    }
    if (event.kind == smpp::Session::Event::Kind::kPdu) {
      on_pdu(event.header, event.pdu);
    } else if (event.header.command_id == smpp::CommandId::enquire_link_resp) {
      ++probe_.health_ok;
      probe_warmth();
    } else if (event.problem != smpp::Session::Event::Problem::kNone) {
      ++probe_.malformed;
    }
  }
  record_latency({});
  if (state_ == LinkState::kLeaving && window_.size() == 0) connection_.close_after_flush();
  if (state_ == LinkState::kBound || state_ == LinkState::kDraining) group_.link_has_room(*this);
  return consumed;
}

// Answers to what is in flight may still come after the SMSC's unbind: they are waited for, within bounds.
void Link::on_unbound(const smpp::Header& header) noexcept {
  if (header.command_id != smpp::CommandId::unbind || window_.size() == 0) {
    if (header.command_id == smpp::CommandId::unbind) last_error_ = "the SMSC sent unbind";
    connection_.close_after_flush();
    return;
  }
  last_error_ = "the SMSC sent unbind";
  deadline_ = loop_.now() + std::min<Duration>(kAnswersAfterUnbind, group_.options().timeouts.response);
  enter(LinkState::kLeaving);
}

void Link::on_pdu(const smpp::Header& header, ByteSpan pdu) noexcept {
  switch (header.command_id) {
    case smpp::CommandId::bind_transmitter_resp:
    case smpp::CommandId::bind_receiver_resp:
    case smpp::CommandId::bind_transceiver_resp: on_bind_response(header, pdu); return;
    case smpp::CommandId::deliver_sm:
    case smpp::CommandId::data_sm: on_delivery(header, pdu); return;
    case smpp::CommandId::alert_notification: group_.events().on_request(group_, ticket_of(header), pdu); return;
    case smpp::CommandId::outbind: on_outbind(pdu); return;
    case smpp::CommandId::generic_nack:
      ++probe_.nacks;
      if (state_ == LinkState::kBinding) {
        on_bind_response(header, pdu);
        return;
      }
      [[fallthrough]];
    default: on_response(header.sequence_number, header.command_status, pdu);
  }
}

void Link::on_delivery(const smpp::Header& header, ByteSpan pdu) noexcept {
  if (unanswered_deliveries_ >= kMaxUnansweredDeliveries) [[unlikely]] {
    smpp::write_refusal(*this, header, smpp::CommandStatus::ESME_RMSGQFUL);
    return;
  }
  ++unanswered_deliveries_;
  last_used_ = loop_.now();
  ++probe_.deliveries;
  group_.events().on_request(group_, ticket_of(header), pdu);
}

message::DeliveryTicket Link::ticket_of(const smpp::Header& request) const noexcept {
  return {handle_, request.sequence_number, group_.id(), group_.shard(), false, request.command_id, connection_number_};
}

void Link::on_bind_response(const smpp::Header& header, ByteSpan) noexcept {
  if (state_ != LinkState::kBinding || header.sequence_number != bind_sequence_) {
    ++probe_.unknown_responses;
    return;
  }
  if (header.command_status == smpp::CommandStatus::ESME_ROK) {
    ++probe_.binds;
    session_.bound(use_ == LinkUse::kTransmitter ? smpp::SessionState::kBoundTx
                   : use_ == LinkUse::kReceiver  ? smpp::SessionState::kBoundRx
                                                 : smpp::SessionState::kBoundTrx);
    bound_at_ = last_used_ = loop_.now();
    backoff_ = group_.options().reconnect.initial;
    const config::Health& health = group_.options().health;
    warm_left_ = failed_before_ && health.enabled ? health.recovery_threshold - 1 : 0;
    warm_sequence_ = 0;
    if (warm_left_ > 0) {
      enter(LinkState::kWarming);
      probe_warmth();
    } else {
      become_ready();
    }
    return;
  }
  ++probe_.bind_failures;
  const std::string status(smpp::name_of(header.command_status));
  if (is_credential_error(header.command_status) && !group_.calls_us(host_)) {
    last_error_ = "bind refused: " + status;
    state_ = LinkState::kRefused;
    kLog.error("the SMSC refuses these credentials; the link stays down until the configuration changes",
               {{"upstream", group_.name()},
                {"host", group_.address(host_).host},
                {"system_id", group_.system_id(host_)},
                {"status", status}});
    connection_.close();
    return;
  }
  fail("bind refused: " + status);
}

// While warming, each enquire_link answer brings the next question or, after the last one, traffic.
void Link::probe_warmth() noexcept {
  if (state_ != LinkState::kWarming) return;
  if (warm_sequence_ != 0 && --warm_left_ <= 0) {
    warm_sequence_ = 0;
    become_ready();
    return;
  }
  warm_sequence_ = window_.bare_sequence();
  smpp::write_bare(connection_.reserve(smpp::kHeaderSize), smpp::CommandId::enquire_link, smpp::CommandStatus::ESME_ROK,
                   warm_sequence_);
  connection_.commit(smpp::kHeaderSize);
}

void Link::become_ready() noexcept {
  last_error_.clear();
  replacing_ = false;
  const auto lifetime = static_cast<double>(Duration(group_.options().pool.max_lifetime).count());
  // Not all links at once: each has a tenth less than it may.
  if (lifetime > 0 && !group_.calls_us(host_)) {
    retire_at_ = loop_.now() + Duration(static_cast<Duration::rep>(random_between(0.9, 1.0) * lifetime));
  }
  kLog.info("link bound", {{"upstream", group_.name()},
                           {"host", group_.address(host_).host},
                           {"port", group_.address(host_).port},
                           {"by", group_.calls_us(host_) ? "outbind" : "us"},
                           {"tls", connection_.encrypted() ? connection_.tls_info().version : std::string_view("off")},
                           {"cipher", connection_.tls_info().cipher}});
  enter(LinkState::kBound);
}

void Link::on_response(std::uint32_t sequence, smpp::CommandStatus status, ByteSpan pdu) noexcept {
  const auto entry = window_.find(sequence);
  if (entry.value == nullptr) {
    ++probe_.unknown_responses;
    return;
  }
  const Instant now = loop_.now();
  const Duration took = now - entry.sent;
  window_.close_and_hold(sequence);
  ++(entry.late ? probe_.late : probe_.answered);
  if (!entry.late && status != smpp::CommandStatus::ESME_ROK) ++probe_.refused;
  const bool busy = status == smpp::CommandStatus::ESME_RTHROTTLED || status == smpp::CommandStatus::ESME_RMSGQFUL;
  throttle_.answered(now, busy, window_.size());
  if (busy) ++group_.probe().throttled;
  if (!entry.late) {
    if (took != alike_took_) record_latency(took);
    ++alike_;
  }
  group_.events().on_response(group_, *entry.value, pdu, took, entry.late);
  window_.release(sequence);
}

// Puts the answers so far into the histogram; those to come took so long.
void Link::record_latency(Duration took) noexcept {
  if (alike_ > 0) group_.probe().latency.record(static_cast<std::uint64_t>(alike_took_.count()), alike_);
  alike_took_ = took;
  alike_ = 0;
}

void Link::answer(const message::DeliveryTicket& ticket, smpp::CommandStatus status) noexcept {
  if (ticket.connection != connection_number_) return;
  if (unanswered_deliveries_ > 0) --unanswered_deliveries_;
  if (!connection_.open() || !smpp::is_bound(session_.state())) return;
  // deliver_sm_resp and data_sm_resp carry an empty message_id (3.4 §4.6.2): interop row 24.
  std::uint8_t* out = connection_.reserve(smpp::kHeaderSize + 1);
  connection_.commit(
      smpp::write_response_with_id(out, smpp::response_to(ticket.command_id), status, ticket.sequence_number, {}));
}

void Link::fail(std::string why) noexcept {
  failed_before_ = true;
  replacing_ = false;
  last_error_ = std::move(why);
  if (connection_.open() || connection_.connecting()) {
    connection_.close();  // on_closed() schedules what follows
  } else {
    schedule_retry();
  }
}

void Link::schedule_retry() noexcept {
  const config::Reconnect& reconnect = group_.options().reconnect;
  const double jitter = random_between(1.0 - reconnect.jitter, 1.0 + reconnect.jitter);
  const Duration wait(static_cast<Duration::rep>(static_cast<double>(backoff_.count()) * jitter));
  deadline_ = loop_.now() + wait;
  group_.link_changed(*this);
  kLog.warn("link is down", {{"upstream", group_.name()},
                             {"host", group_.address(host_).host},
                             {"port", group_.address(host_).port},
                             {"reason", last_error_},
                             {"retry_ms", std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()}});
  backoff_ = std::min<Duration>(
      Duration(static_cast<Duration::rep>(static_cast<double>(backoff_.count()) * reconnect.factor)), reconnect.max);
  enter(LinkState::kWaiting);
}

void Link::on_closed(runtime::CloseReason reason, int error) noexcept {
  const LinkState before = state_;
  session_.closed();
  unanswered_deliveries_ = 0;
  if (before == LinkState::kConnecting) ++probe_.connect_failures;
  if (reason == runtime::CloseReason::kConnectFailed || reason == runtime::CloseReason::kError) {
    last_error_ = std::strerror(error);
  } else if (reason == runtime::CloseReason::kTls) {
    const runtime::TlsFailure failure = connection_.tls_failure();
    group_.probe().tls.failed(failure.fault);
    last_error_ = "TLS: " + failure.text;
  } else if (reason == runtime::CloseReason::kPeer && last_error_.empty()) {
    last_error_ = "the SMSC closed the connection";
  }
  replacing_ = before == LinkState::kRetiring && window_.size() == 0;
  // The state changes first: nothing may pick this link while its requests are given up.
  state_ = before == LinkState::kRefused ? LinkState::kRefused : LinkState::kStopped;
  group_.link_changed(*this);
  window_.abandon([this](const message::Flight& flight, std::uint32_t) {
    ++probe_.lost;
    group_.events().on_loss(group_, flight, message::Loss::kLinkLost);
  });
  if (for_good_ || before == LinkState::kRefused || before == LinkState::kStopped) return;
  if (replacing_) {
    state_ = LinkState::kWaiting;
    start();
    return;
  }
  failed_before_ = true;
  if (group_.calls_us(host_)) {
    if (before != LinkState::kCalled) {  // anybody can get that far
      kLog.info("the SMSC's call has ended", {{"upstream", group_.name()},
                                              {"peer", addresses_.front().to_string()},
                                              {"state", name_of(before)},
                                              {"reason", last_error_}});
    }
    state_ = LinkState::kIdle;
    return;
  }
  schedule_retry();
}

void Link::on_drained() noexcept { group_.link_has_room(*this); }

void Link::drain(Instant until) noexcept {
  for_good_ = true;
  if (!connection_.open() || !smpp::is_bound(session_.state())) {
    stop();
    return;
  }
  deadline_ = until;
  enter(LinkState::kDraining);
}

void Link::stop() noexcept {
  replacing_ = false;
  enter(LinkState::kStopped);
  if (connection_.open() || connection_.connecting()) connection_.close();
}

void Link::tick(Instant now) noexcept {
  switch (state_) {
    case LinkState::kIdle:
    case LinkState::kRefused:
    case LinkState::kStopped: return;
    case LinkState::kWaiting:
      if (now >= deadline_) start();
      return;
    case LinkState::kResolving:
    case LinkState::kConnecting:
      if (now < deadline_) return;
      ++probe_.connect_failures;
      state_ = LinkState::kResolving;
      if (connection_.shaking_hands()) ++group_.probe().tls.timeouts;
      fail(connection_.shaking_hands() ? "no end of the TLS handshake within the connect timeout"
                                       : "no connection within the connect timeout");
      return;
    case LinkState::kCalled:
      if (now < deadline_) return;
      group_.refuse_call(addresses_.front(), "no outbind within the bind timeout");
      fail("no outbind within the bind timeout");
      return;
    case LinkState::kBinding:
      if (now >= deadline_) fail("no bind response within the bind timeout");
      return;
    case LinkState::kLeaving:
      if (now >= deadline_) connection_.close();
      return;
    default: break;
  }
  window_.expire(now - group_.options().timeouts.response, [&](const message::Flight& flight, std::uint32_t) {
    ++probe_.timeouts;
    group_.events().on_loss(group_, flight, message::Loss::kTimeout);
  });
  const bool saying_goodbye = state_ == LinkState::kDraining || state_ == LinkState::kRetiring;
  if (saying_goodbye && session_.state() != smpp::SessionState::kUnbinding &&
      (now >= deadline_ || (window_.size() == 0 && unanswered_deliveries_ == 0))) {
    session_.unbind(now, *this);
  }
  if (const auto due = session_.on_time(now, *this); due != smpp::Session::Due::kNothing) {
    if (due == smpp::Session::Due::kEnquireTimeout) ++probe_.health_failed;
    fail(std::string(reason_of(due)));
    return;
  }
  if (connection_.output_bytes() > 0 && now - connection_.last_progress() > group_.options().timeouts.write) {
    fail("the SMSC reads nothing");
    return;
  }
  if (state_ == LinkState::kBound && now >= retire_at_ && group_.may_retire(host_)) {
    replacing_ = true;
    deadline_ = now + group_.options().timeouts.response;
    enter(LinkState::kRetiring);
  }
  if (state_ == LinkState::kBound && !window_.full()) group_.link_has_room(*this);
}

}  // namespace smppd::upstream
