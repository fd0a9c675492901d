// One upstream as one shard sees it: its hosts, the links this shard owns, and the lanes other shards offer.
//
// pick() chooses a host by the configured algorithm among those that are alive, lowest priority number first; send()
// gives the request to a local link, or tells the caller to carry it to the shard whose link it is.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/token_bucket.h"
#include "config/config.h"
#include "message/flight.h"
#include "message/ids.h"
#include "runtime/event_loop.h"
#include "runtime/tls.h"
#include "smpp/session.h"
#include "telemetry/log.h"
#include "upstream/balancer.h"
#include "upstream/breaker.h"
#include "upstream/events.h"
#include "upstream/internal/group_parts.h"
#include "upstream/internal/link_rota.h"
#include "upstream/link.h"
#include "upstream/mock_link.h"
#include "upstream/shared_limit.h"

namespace smppd::upstream {

class Group {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(20);

  Group(const GroupEnvironment& environment, message::UpstreamId id, std::shared_ptr<const config::Config> config,
        const config::Upstream& options, std::shared_ptr<SharedLimit> limit);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group();

  // For connections from now on; null is plain.
  void set_tls(std::shared_ptr<const runtime::TlsContext> tls) noexcept { tls_ = std::move(tls); }
  [[nodiscard]] const runtime::TlsContext* tls() const noexcept { return tls_.get(); }

  void start();
  // No more requests; finished() when every link has said goodbye or `until` has passed.
  void drain(Instant until) noexcept;
  [[nodiscard]] bool finished() const noexcept;

  enum class Outcome : std::uint8_t { kSend, kFull, kDown };
  struct Pick {
    Outcome outcome = Outcome::kDown;
    std::uint16_t host = 0;
    std::uint8_t shard = 0;  // whose link
    Instant retry_at{};      // kFull: when it is worth asking again, if no room is reported before; zero if unknown
    Link* link = nullptr;    // kSend here: one that has room, until the caller returns to the loop
  };
  [[nodiscard]] Pick pick(const PickFacts& facts) noexcept;
  // The link that pick() would find, on this shard and for the only host there is, with its permit and any limit's: so
  // for nearly every message. Null: ask pick().
  [[nodiscard]] Link* usual_link() noexcept {
    if (!plain_ || draining_) return nullptr;
    Host& host = hosts_.front();
    if (host.lane.links == 0 || !host.breaker.closed()) return nullptr;
    const Instant now = environment_.loop.now();
    return host.rota.next(host.links, now, [now](const Link& link) { return link.takes_any(now); });
  }
  // launched() and sent by that link; what is to be remembered of the request is the caller's to write, all of it.
  [[nodiscard]] message::Flight& send_through(Link& usual, ByteSpan pdu) noexcept {
    launched(0, shard());
    ++probe_.requests;
    return usual.submit(pdu, environment_.loop.now());
  }
  // After kSend on this shard. `flight.host` names the host; false when no link has room any more.
  bool send(const message::Flight& flight, ByteSpan pdu, Link* picked = nullptr) noexcept;
  // A request another shard picked this one for: sent as soon as a link of the host has room, given up at `until`.
  void send_for_other_shard(const message::Flight& flight, ByteSpan pdu, Instant until);

  // Accounting of the shard that picked: launched() before the request goes, then one settled() when it is answered or
  // lost, or abandoned() when it was not sent after all, here or on the link's shard.
  void launched(std::uint16_t host, std::uint8_t shard) noexcept {
    ++loads_[host].outstanding;
    ++hosts_[host].lanes[shard].outstanding;
    hosts_[host].breaker.sent();
  }
  void abandoned(std::uint16_t host, std::uint8_t shard) noexcept;
  void give_back() noexcept;  // what pick() chose is not used: the rate limit has its permit again
  struct Settlement {
    std::uint16_t host;
    std::uint8_t shard;
    bool answered;  // an answer came
    smpp::CommandStatus status;
    Duration took;
  };
  void settled(const Settlement& settlement) noexcept;
  // settled() for an answer of ESME_ROK.
  void succeeded(std::uint16_t index, std::uint8_t shard, Duration took) noexcept {
    Host& host = hosts_[index];
    count_down(index, shard);
    host.breaker.succeeded();
    smooth(loads_[index], took);
    ++probe_.responses_ok;
    if (room_wanted_ && shard != environment_.shard) notify_room();
  }

  void set_lane(std::uint16_t host, unsigned shard, const Lane& lane) noexcept;  // what another shard offers
  // True when some host could take a request, now or once there is room.
  [[nodiscard]] bool alive() noexcept;
  // How many requests windows and throttles let this shard send right now, and how many the rate limit does.
  [[nodiscard]] std::size_t free_slots() noexcept;
  [[nodiscard]] std::size_t permits() const noexcept;
  // on_room() will be called once there is room.
  void want_room() noexcept { room_wanted_ = true; }
  // An SMSC has called (`outbind`): its connection becomes a link of this shard. False, and `fd` still the caller's,
  // when every place is taken or this is not the shard that takes calls.
  [[nodiscard]] bool take_call(int fd, const runtime::SocketAddress& peer) noexcept;
  [[nodiscard]] static unsigned shard_of_calls(message::UpstreamId id, unsigned shards) noexcept {
    return id.value() % shards;
  }
  // Counts and, within bounds, logs a call that is closed; the connection is the caller's affair.
  void refuse_call(const runtime::SocketAddress& peer, std::string_view reason) noexcept;
  // Opens one more of this shard's links to each host, if the pool has one to spare.
  void grow() noexcept;
  void notify_room() noexcept;
  void notify_room_if_wanted() noexcept {
    if (room_wanted_) notify_room();
  }

  [[nodiscard]] message::UpstreamId id() const noexcept { return id_; }
  [[nodiscard]] const config::Upstream& options() const noexcept { return *options_; }
  [[nodiscard]] const smpp::SessionOptions& session_options() const noexcept { return session_options_; }
  [[nodiscard]] smpp::Version version() const noexcept { return version_; }
  [[nodiscard]] const std::string& name() const noexcept { return options_->name; }
  [[nodiscard]] const GroupProbe& probe() const noexcept { return probe_; }
  [[nodiscard]] GroupProbe& probe() noexcept { return probe_; }
  [[nodiscard]] Events& events() noexcept { return environment_.events; }
  [[nodiscard]] Foresight* foresight() noexcept { return environment_.foresight; }
  [[nodiscard]] runtime::EventLoop& loop() noexcept { return environment_.loop; }
  [[nodiscard]] std::uint8_t shard() const noexcept { return static_cast<std::uint8_t>(environment_.shard); }
  [[nodiscard]] Slab<Link>& links() noexcept { return environment_.links; }
  [[nodiscard]] bool mock() const noexcept { return mock_ != nullptr; }

  struct HostView {
    const config::Host* options;
    Lane lane;  // of this shard
    std::uint32_t outstanding;
    Breaker::State breaker;
    double latency_ns;  // smoothed; 0 when unknown
    std::vector<const Link*> links;
  };
  [[nodiscard]] std::uint16_t host_count() const noexcept { return static_cast<std::uint16_t>(hosts_.size()); }
  [[nodiscard]] HostView host(std::size_t index) const;
  [[nodiscard]] const config::Endpoint& address(std::uint16_t host) const noexcept {
    return hosts_[host].options->address;
  }

  // The host behind `outbind`: its links wait for the SMSC instead of connecting.
  [[nodiscard]] bool calls_us(std::uint16_t host) const noexcept {
    return options_->outbind.has_value() && host == options_->hosts.size();
  }

  // One link of a host at a time is replaced.
  [[nodiscard]] bool may_retire(std::uint16_t host) const noexcept;

  // Links tell these.
  void link_changed(Link& link) noexcept;
  void link_has_room(Link& link) noexcept;
  [[nodiscard]] const std::string& system_id(std::uint16_t host) const noexcept;
  [[nodiscard]] const std::string& password(std::uint16_t host) const noexcept;

 private:
  static constexpr double kLatencySmoothing = 0.05;

  struct OtherLane {
    Lane lane;
    std::uint32_t outstanding = 0;
  };
  struct Waiting {
    message::Flight flight;
    std::vector<std::uint8_t> pdu;
    Instant until;
  };
  struct Host {
    const config::Host* options = nullptr;
    Breaker breaker;
    Lane lane;
    std::vector<Link*> links;
    LinkRota rota;
    std::size_t kept = 0;          // links of this shard, or pairs, that stay however idle they are
    std::vector<OtherLane> lanes;  // by shard, this one's own included for the count
    std::deque<Waiting> waiting;   // from other shards
  };

  void count_down(std::uint16_t host, std::uint8_t shard) noexcept {
    if (loads_[host].outstanding > 0) --loads_[host].outstanding;
    OtherLane& lane = hosts_[host].lanes[shard];
    if (lane.outstanding > 0) --lane.outstanding;
  }
  static void smooth(HostLoad& load, Duration latency) noexcept {
    const auto took = static_cast<double>(latency.count());
    load.latency_ns = load.latency_ns == 0 ? took : load.latency_ns + kLatencySmoothing * (took - load.latency_ns);
  }

  static void on_tick(void* self) noexcept;
  void tick() noexcept;
  void add_links();
  void drain_idle(Host& host, Instant now) noexcept;
  void add_links_for_calls();
  void add_link(std::uint16_t host, LinkUse use);
  void add_host(const config::Host& options);
  void grow(Host& host) noexcept;
  void ask_for_links() noexcept;
  void recount(std::uint16_t host) noexcept;
  void serve_waiting(Host& host) noexcept;
  void give_up_waiting(Host& host, Instant now) noexcept;
  [[nodiscard]] Link* link_with_room(Host& host, Instant now) noexcept;
  [[nodiscard]] bool allows(Host& host, Instant now) noexcept;
  // Where a host would take a request, a link here before another shard's; kFull when it has no room.
  [[nodiscard]] Pick place_at(std::size_t host, Instant now) noexcept;
  [[nodiscard]] Pick pick_among(const PickFacts& facts, Instant now) noexcept;
  [[nodiscard]] bool has_links(const Host& host) const noexcept;

  GroupEnvironment environment_;
  message::UpstreamId id_;
  std::shared_ptr<const config::Config> config_;  // keeps options_ alive
  const config::Upstream* options_;
  smpp::Version version_;
  smpp::SessionOptions session_options_;
  std::shared_ptr<SharedLimit> limit_;  // null: no rate limit
  runtime::Timer timer_;
  Balancer balancer_;
  config::Host caller_;  // stands for the SMSC behind `outbind`, after the configured hosts
  std::vector<HostLoad> loads_;
  std::vector<Host> hosts_;
  std::unique_ptr<MockLink> mock_;
  GroupProbe probe_;
  std::shared_ptr<const runtime::TlsContext> tls_;
  telemetry::LogLimit refused_calls_log_;
  Instant drain_until_{};
  bool plain_ = false;  // one host, no mock, no rate limit
  bool draining_ = false;
  bool room_wanted_ = false;
  bool links_asked_ = false;  // in this tick
};

}  // namespace smppd::upstream
