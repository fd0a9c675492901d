// One connection to one SMSC host: resolves, connects, binds, keeps itself alive, sends requests within its window and
// starts over when it ends. Shard-local; owned by UpstreamSet's slab, told by its Group when to work.
// A link of a host that calls (`outbind`, 3.4 §2.2.1) never connects: it is idle until take_call().
//
// Invariant: a request handed to submit() leads to exactly one on_response() that is not late or one on_loss().
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/slab.h"
#include "message/flight.h"
#include "runtime/connection.h"
#include "runtime/resolver.h"
#include "smpp/session.h"
#include "smpp/window.h"
#include "upstream/throttle.h"

namespace smppd::upstream {

class Group;

enum class LinkState : std::uint8_t {
  kIdle,     // not wanted at the moment (above min_connections)
  kWaiting,  // until the next attempt
  kResolving,
  kConnecting,
  kCalled,  // the SMSC has connected and is to say who it is
  kBinding,
  kWarming,  // bound after a failure, proving itself with enquire_link before it gets traffic
  kBound,
  kRetiring,  // over max_lifetime: no new requests; unbinds when its window is empty and binds anew at once
  kLeaving,   // the SMSC sent unbind; answers to what is in flight are waited for
  kDraining,  // no new requests; unbinds when its window is empty
  kRefused,   // credentials refused: stays down until the configuration changes
  kStopped,
};
[[nodiscard]] std::string_view name_of(LinkState state) noexcept;

enum class LinkUse : std::uint8_t { kTransmitter, kReceiver, kTransceiver };

// Plain counts of one link, exported by its group.
struct LinkProbe {
  std::uint64_t connects = 0, connect_failures = 0, binds = 0, bind_failures = 0;
  std::uint64_t sent = 0, answered = 0, late = 0, unknown_responses = 0, timeouts = 0, lost = 0;
  std::uint64_t malformed = 0, nacks = 0, deliveries = 0;
  std::uint64_t refused = 0;                       // of answered: with another status than ESME_ROK
  std::uint64_t health_ok = 0, health_failed = 0;  // enquire_link answered; missed until the link was given up
  std::uint64_t outbinds = 0;
};

class Link final : public runtime::ConnectionHandler, public smpp::Sink {
 public:
  Link(Group& group, runtime::EventLoop& loop, runtime::Resolver& resolver, std::uint16_t host, LinkUse use);

  void set_handle(SlabHandle handle) noexcept { handle_ = handle; }
  [[nodiscard]] SlabHandle handle() const noexcept { return handle_; }

  // Begins (again); no effect unless idle, waiting or refused.
  void start() noexcept;
  // The SMSC's connection, for an idle link of a host that calls; its outbind is waited for and answered with a bind.
  void take_call(int fd, const runtime::SocketAddress& peer) noexcept;
  // Takes no new requests, waits for the answers until `until`, unbinds, closes for good.
  void drain(Instant until) noexcept;
  void stop() noexcept;
  // Deadlines; called every Group::kTick.
  void tick(Instant now) noexcept;

  // Like start(), also for a link that was drained for want of traffic.
  void restart() noexcept;

  // submit() may be called when both say yes; the permit is one of the throttle's, taken right before sending.
  [[nodiscard]] bool has_room(Instant now) const noexcept {
    return ready() && !window_.full() && !connection_.congested() && throttle_.open(now);
  }
  // How many has_room() and take_permit() would let pass, one after the other.
  [[nodiscard]] std::size_t free_slots(Instant now) noexcept {
    return has_room(now) ? std::min<std::size_t>(window_limit() - in_flight(), throttle_.permits(now)) : 0;
  }
  [[nodiscard]] bool take_permit(Instant now) noexcept { return throttle_.take(now); }
  [[nodiscard]] bool ready() const noexcept { return state_ == LinkState::kBound && use_ != LinkUse::kReceiver; }
  // Whether has_room() and take_permit() would both say yes, and the throttle has nothing to count.
  [[nodiscard]] bool takes_any(Instant now) const noexcept {
    return ready() && !window_.full() && !connection_.congested() && throttle_.idle(now);
  }
  // Sends `pdu` (its sequence_number is replaced by the link's own).
  void submit(const message::Flight& flight, ByteSpan pdu, Instant now) noexcept { submit(pdu, now) = flight; }
  // The same; what the link is to remember is the caller's to write, at once and all of it.
  [[nodiscard]] message::Flight& submit(ByteSpan pdu, Instant now) noexcept {
    const auto [sequence, flight] = window_.open(now);
    std::uint8_t* out = connection_.reserve(pdu.size());
    std::memcpy(out, pdu.data(), pdu.size());
    store_be(out + 12, sequence);
    connection_.commit(pdu.size());
    session_.worked(now);
    last_used_ = now;
    ++probe_.sent;
    return flight;
  }
  // The answer to a request of the SMSC; nothing happens if the connection it came on was lost meanwhile (the SMSC will
  // ask again, and on the next connection the same sequence_number means another request).
  void answer(const message::DeliveryTicket& ticket, smpp::CommandStatus status) noexcept;

  [[nodiscard]] LinkState state() const noexcept { return state_; }
  // Between the old connection and the new one of a planned replacement: messages wait for it instead of failing.
  [[nodiscard]] bool replacing() const noexcept { return replacing_ && use_ != LinkUse::kReceiver; }
  [[nodiscard]] LinkUse use() const noexcept { return use_; }
  [[nodiscard]] std::uint16_t host() const noexcept { return host_; }
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return window_.size(); }
  [[nodiscard]] std::uint32_t window_limit() const noexcept { return window_.limit(); }
  [[nodiscard]] const LinkProbe& probe() const noexcept { return probe_; }
  [[nodiscard]] const Throttle& throttle() const noexcept { return throttle_; }
  [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
  [[nodiscard]] bool encrypted() const noexcept {
    return connection_.open() && connection_.encrypted() && !connection_.shaking_hands();
  }
  [[nodiscard]] Instant last_used() const noexcept { return last_used_; }
  [[nodiscard]] bool finished() const noexcept { return state_ == LinkState::kStopped && !connection_.open(); }

  // runtime::ConnectionHandler
  void on_connected() noexcept override;
  std::size_t on_bytes(ByteSpan bytes) noexcept override;
  void on_drained() noexcept override;
  void on_closed(runtime::CloseReason reason, int error) noexcept override;
  // smpp::Sink
  std::uint8_t* reserve(std::size_t bytes) override { return connection_.reserve(bytes); }
  void commit(std::size_t bytes) noexcept override { connection_.commit(bytes); }
  std::uint32_t next_sequence() noexcept override { return window_.bare_sequence(); }

 private:
  void resolved(Fallible<std::vector<runtime::SocketAddress>> addresses);
  template <bool kForesees>
  std::size_t take(ByteSpan bytes, std::size_t foreseen) noexcept;
  void send_bind() noexcept;
  void begin_session(LinkState state) noexcept;
  void on_outbind(ByteSpan pdu) noexcept;
  void on_bind_response(const smpp::Header& header, ByteSpan pdu) noexcept;
  void on_unbound(const smpp::Header& header) noexcept;
  void on_pdu(const smpp::Header& header, ByteSpan pdu) noexcept;
  void on_delivery(const smpp::Header& header, ByteSpan pdu) noexcept;
  [[nodiscard]] message::DeliveryTicket ticket_of(const smpp::Header& request) const noexcept;
  void on_response(std::uint32_t sequence, smpp::CommandStatus status, ByteSpan pdu) noexcept;
  void record_latency(Duration took) noexcept;
  void become_ready() noexcept;
  void fail(std::string why) noexcept;
  void schedule_retry() noexcept;
  void enter(LinkState state) noexcept;
  void probe_warmth() noexcept;

  Group& group_;
  runtime::EventLoop& loop_;
  runtime::Resolver& resolver_;
  runtime::Connection connection_;
  smpp::Session session_;
  smpp::Window<message::Flight> window_;
  Throttle throttle_;
  SlabHandle handle_;
  Instant deadline_{};  // of the current state
  Instant bound_at_{};
  Instant retire_at_ = Instant::max();
  Instant last_used_{};
  Duration backoff_{};
  LinkProbe probe_;
  Duration alike_took_{};    // of the last answers, which came in one turn to what was sent in one turn
  std::uint64_t alike_ = 0;  // as many of them are not in the histogram yet
  std::string last_error_;
  std::vector<runtime::SocketAddress> addresses_;
  std::size_t next_address_ = 0;
  std::uint32_t bind_sequence_ = 0;
  std::uint32_t warm_sequence_ = 0;
  std::uint32_t unanswered_deliveries_ = 0;
  int warm_left_ = 0;
  std::uint16_t host_;
  std::uint16_t connection_number_ = 0;
  LinkUse use_;
  LinkState state_ = LinkState::kIdle;
  bool failed_before_ = false;
  bool for_good_ = false;  // whatever ends this connection, no other follows
  bool replacing_ = false;
};

}  // namespace smppd::upstream
