#include "upstream/group.h"

#include <algorithm>

#include "telemetry/log.h"

namespace smppd::upstream {

namespace {

constexpr telemetry::Logger kGroupLog{"upstream"};

bool is_host_failure(smpp::CommandStatus status) noexcept { return status == smpp::CommandStatus::ESME_RSYSERR; }

}  // namespace

Group::Group(const GroupEnvironment& environment, message::UpstreamId id, std::shared_ptr<const config::Config> config,
             const config::Upstream& options, std::shared_ptr<SharedLimit> limit)
    : environment_(environment),
      id_(id),
      config_(std::move(config)),
      options_(&options),
      version_(smpp::from_interface_version(options.bind.interface_version)),
      limit_(std::move(limit)),
      timer_(&Group::on_tick, this),
      balancer_(*parse_algorithm(options.algorithm),
                std::max<std::size_t>(options.hosts.size() + (options.outbind ? 1 : 0), 1), id) {
  session_options_.role = smpp::Role::kEsme;
  session_options_.bind_timeout = options.timeouts.bind;
  session_options_.read_timeout = options.timeouts.read;
  session_options_.enquire_interval = options.health.enabled
                                          ? Duration(std::min(options.enquire_link_interval, options.health.interval))
                                          : Duration::zero();
  session_options_.enquire_timeout = std::min(options.enquire_link_timeout, options.health.timeout);
  session_options_.enquire_misses = options.health.threshold;
  for (const config::Host& host : options.hosts) add_host(host);
  if (options.outbind) {
    caller_.address = options.outbind->address;
    add_host(caller_);
  }
  if (options.mock) {
    mock_ = std::make_unique<MockLink>(
        *this, options,
        MockLink::Place{environment.shard * 7919ULL + id.value() + 1, environment.shard, environment.shard_count});
    hosts_.emplace_back().lanes.resize(environment.shard_count);
    loads_.emplace_back();
  }
  plain_ = hosts_.size() == 1 && !mock_ && limit_ == nullptr;
}

void Group::add_host(const config::Host& options) {
  Host& added = hosts_.emplace_back();
  added.options = &options;
  added.lanes.resize(environment_.shard_count);
  const config::Failover& failover = options_->failover;
  if (failover.enabled) added.breaker = Breaker(failover.threshold, failover.recovery_time);
  loads_.push_back({options.weight, 0, 0, message::CostTable::compile(options.cost).value_or(message::CostTable())});
}

Group::~Group() {
  for (Host& host : hosts_) {
    for (Link* link : host.links) environment_.links.release(link->handle());
  }
}

// Link number k of the upstream belongs to shard (k + id) % shards, so that the few links of many upstreams spread.
void Group::add_links() {
  const int per_host = std::max(options_->pool.max_connections, options_->pool.min_connections);
  unsigned number = id_.value();
  for (int k = 0; k < per_host; ++k) {
    for (std::uint16_t host = 0; host < options_->hosts.size(); ++host, ++number) {
      if (number % environment_.shard_count != environment_.shard) continue;
      const bool wanted = k < options_->pool.min_connections;
      const std::string& type = options_->bind.type;
      const std::size_t before = hosts_[host].links.size();
      if (wanted) ++hosts_[host].kept;
      if (type == "pair" || type == "transmitter") add_link(host, LinkUse::kTransmitter);
      if (type == "pair" || type == "receiver") add_link(host, LinkUse::kReceiver);
      if (type == "transceiver") add_link(host, LinkUse::kTransceiver);
      if (!wanted) continue;
      for (std::size_t i = before; i < hosts_[host].links.size(); ++i) hosts_[host].links[i]->start();
    }
  }
}

void Group::add_links_for_calls() {
  if (!options_->outbind || shard_of_calls(id_, environment_.shard_count) != environment_.shard) return;
  const auto host = static_cast<std::uint16_t>(options_->hosts.size());
  const LinkUse use = options_->outbind->type == "transceiver" ? LinkUse::kTransceiver : LinkUse::kReceiver;
  for (int k = 0; k < options_->outbind->max_connections; ++k) add_link(host, use);
}

bool Group::take_call(int fd, const runtime::SocketAddress& peer) noexcept {
  if (!draining_ && options_->outbind) {
    for (Link* link : hosts_[options_->hosts.size()].links) {
      if (link->state() != LinkState::kIdle) continue;
      link->take_call(fd, peer);
      return true;
    }
  }
  refuse_call(peer, "outbind.max_connections are connected");
  return false;
}

void Group::refuse_call(const runtime::SocketAddress& peer, std::string_view reason) noexcept {
  ++probe_.calls_refused;
  std::uint64_t suppressed = 0;
  if (!refused_calls_log_.allow(environment_.loop.now(), suppressed)) return;
  kGroupLog.warn("an outbind is refused",
                 {{"upstream", name()}, {"peer", peer.to_string()}, {"reason", reason}, {"suppressed", suppressed}});
}

void Group::add_link(std::uint16_t host, LinkUse use) {
  auto [link, handle] = environment_.links.make(*this, environment_.loop, environment_.resolver, host, use);
  link->set_handle(handle);
  hosts_[host].links.push_back(link);
}

void Group::start() {
  if (!mock_) add_links();
  add_links_for_calls();
  environment_.loop.timers().arm(timer_, environment_.loop.now() + kTick);
}

void Group::on_tick(void* self) noexcept { static_cast<Group*>(self)->tick(); }

void Group::tick() noexcept {
  const Instant now = environment_.loop.now();
  links_asked_ = false;
  for (std::uint16_t index = 0; index < host_count(); ++index) {
    Host& host = hosts_[index];
    for (Link* link : host.links) link->tick(now);
    serve_waiting(host);
    give_up_waiting(host, now);
    if (calls_us(index)) continue;  // the SMSC decides how many calls there are, and for how long
    if (options_->pool.idle_timeout.count() > 0) drain_idle(host, now);
  }
  if (room_wanted_) notify_room();
  if (!draining_ || !finished()) environment_.loop.timers().arm(timer_, now + kTick);
}

// A link over those that are kept goes when it has carried nothing for long; of a pair each half is counted by itself,
// and only what is bound counts.
void Group::drain_idle(Host& host, Instant now) noexcept {
  for (const LinkUse use : {LinkUse::kTransmitter, LinkUse::kReceiver, LinkUse::kTransceiver}) {
    const auto is_bound = [use](const Link* link) { return link->use() == use && link->state() == LinkState::kBound; };
    auto bound = static_cast<std::size_t>(std::count_if(host.links.begin(), host.links.end(), is_bound));
    for (Link* link : host.links) {
      if (bound <= host.kept) break;
      if (!is_bound(link) || link->in_flight() > 0 || now - link->last_used() < options_->pool.idle_timeout) continue;
      link->drain(now + options_->timeouts.response);  // what it delivered may still be answered
      --bound;
    }
  }
}

bool Group::may_retire(std::uint16_t host) const noexcept {
  return std::none_of(hosts_[host].links.begin(), hosts_[host].links.end(),
                      [](const Link* link) { return link->replacing(); });
}

void Group::drain(Instant until) noexcept {
  draining_ = true;
  drain_until_ = until;
  for (Host& host : hosts_) {
    for (Link* link : host.links) link->drain(until);
    for (const Waiting& waiting : host.waiting) events().on_loss(*this, waiting.flight, message::Loss::kNeverSent);
    host.waiting.clear();
  }
}

bool Group::finished() const noexcept {
  if (!draining_) return false;
  return std::all_of(hosts_.begin(), hosts_.end(), [](const Host& host) {
    return std::all_of(host.links.begin(), host.links.end(), [](const Link* link) { return link->finished(); });
  });
}

bool Group::has_links(const Host& host) const noexcept {
  return host.lane.links > 0 ||
         std::any_of(host.lanes.begin(), host.lanes.end(), [](const OtherLane& lane) { return lane.lane.links > 0; });
}

bool Group::alive() noexcept {
  if (draining_) return false;
  if (mock_) return true;
  const Instant now = environment_.loop.now();
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [&](Host& host) { return has_links(host) && host.breaker.allows(now); });
}

Link* Group::link_with_room(Host& host, Instant now) noexcept {
  return host.rota.next(host.links, now, [now](const Link& link) { return link.has_room(now); });
}

bool Group::allows(Host& host, Instant now) noexcept { return has_links(host) && host.breaker.allows(now); }

Group::Pick Group::place_at(std::size_t index, Instant now) noexcept {
  Host& host = hosts_[index];
  Pick pick{Outcome::kSend, static_cast<std::uint16_t>(index), shard(), {}, nullptr};
  if (host.lane.links > 0) pick.link = link_with_room(host, now);
  if (pick.link != nullptr) return pick;
  pick.outcome = Outcome::kFull;
  double best_load = 1.0;
  for (unsigned shard = 0; shard < host.lanes.size(); ++shard) {
    const OtherLane& lane = host.lanes[shard];
    if (shard == environment_.shard || lane.lane.window == 0) continue;
    const double load = static_cast<double>(lane.outstanding) / lane.lane.window;
    if (load >= best_load) continue;
    best_load = load;
    pick.outcome = Outcome::kSend;
    pick.shard = static_cast<std::uint8_t>(shard);
  }
  return pick;
}

Group::Pick Group::pick(const PickFacts& facts) noexcept {
  const Instant now = environment_.loop.now();
  if (draining_) return {};
  if (limit_ != nullptr && !limit_->take(now)) return {Outcome::kFull, 0, 0, limit_->next(now), nullptr};
  Pick pick;
  if (mock_) {
    pick = {mock_->free_slots() > 0 ? Outcome::kSend : Outcome::kFull, 0, shard(), {}, nullptr};
  } else if (hosts_.size() == 1) {
    if (allows(hosts_[0], now)) pick = place_at(0, now);
  } else if (facts.pinned == id_ && facts.host < hosts_.size() && allows(hosts_[facts.host], now)) {
    pick = place_at(facts.host, now);
  } else {
    pick = pick_among(facts, now);
  }
  if (pick.outcome == Outcome::kSend) return pick;
  if (limit_ != nullptr) limit_->give_back();
  if (pick.outcome == Outcome::kFull && !mock_) ask_for_links();
  return pick;
}

// Classes of hosts by priority, the lowest number first; one that is alive but busy is waited for, not skipped.
Group::Pick Group::pick_among(const PickFacts& facts, Instant now) noexcept {
  int priority = -1;
  while (true) {
    int next_priority = INT32_MAX;
    for (const Host& host : hosts_) {
      if (host.options->priority > priority) next_priority = std::min(next_priority, host.options->priority);
    }
    if (next_priority == INT32_MAX) return {};
    priority = next_priority;
    std::uint64_t candidates = 0;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      if (hosts_[i].options->priority == priority && allows(hosts_[i], now)) candidates |= std::uint64_t{1} << i;
    }
    const bool alive = candidates != 0;
    while (candidates != 0) {
      const std::size_t host = balancer_.pick(loads_, candidates, facts);
      if (const Pick pick = place_at(host, now); pick.outcome == Outcome::kSend) return pick;
      candidates &= ~(std::uint64_t{1} << host);
    }
    if (alive) return {Outcome::kFull, 0, 0, {}, nullptr};
  }
}

std::size_t Group::free_slots() noexcept {
  const Instant now = environment_.loop.now();
  std::size_t slots = 0;
  for (Host& host : hosts_) {
    for (Link* link : host.links) slots += link->free_slots(now);
    for (const OtherLane& lane : host.lanes) {
      if (lane.lane.window > lane.outstanding) slots += lane.lane.window - lane.outstanding;
    }
  }
  return mock_ ? mock_->free_slots() : slots;
}

std::size_t Group::permits() const noexcept {
  return limit_ == nullptr ? SIZE_MAX : limit_->available(environment_.loop.now());
}

// Once a tick: the other shards are asked as well, and asking costs a letter each.
void Group::ask_for_links() noexcept {
  if (links_asked_ || options_->pool.max_connections <= options_->pool.min_connections) return;
  links_asked_ = true;
  grow();
  if (environment_.shard_count > 1) events().on_busy(*this);
}

void Group::grow() noexcept {
  if (draining_) return;
  for (Host& host : hosts_) grow(host);
}

// A pool that is all busy opens one more of its links.
void Group::grow(Host& host) noexcept {
  for (const Link* link : host.links) {
    const LinkState state = link->state();
    if (state == LinkState::kResolving || state == LinkState::kConnecting || state == LinkState::kBinding) return;
  }
  if (host.options == &caller_) return;
  for (Link* link : host.links) {
    if (link->state() == LinkState::kIdle || link->finished()) {
      link->restart();
      return;
    }
  }
}

void Group::abandoned(std::uint16_t host, std::uint8_t shard) noexcept {
  count_down(host, shard);
  hosts_[host].breaker.not_sent();
  if (limit_ != nullptr) limit_->give_back();
}

void Group::give_back() noexcept {
  if (limit_ != nullptr) limit_->give_back();
}

bool Group::send(const message::Flight& flight, ByteSpan pdu, Link* picked) noexcept {
  const Instant now = environment_.loop.now();
  if (mock_) {
    ++probe_.requests;
    mock_->submit(flight, pdu, now);
    return true;
  }
  Host& host = hosts_[flight.host];
  Link* link = picked != nullptr ? picked : link_with_room(host, now);
  for (std::size_t tried = 0; link != nullptr && tried < host.links.size(); ++tried) {
    if (link->take_permit(now)) {
      ++probe_.requests;
      link->submit(flight, pdu, now);
      return true;
    }
    link = link_with_room(host, now);
  }
  return false;
}

void Group::send_for_other_shard(const message::Flight& flight, ByteSpan pdu, Instant until) {
  Host& host = hosts_[flight.host];
  if (host.waiting.empty() && send(flight, pdu)) return;
  const Instant now = environment_.loop.now();
  if (host.lane.links == 0 || draining_) {
    events().on_loss(*this, flight, message::Loss::kNeverSent);
  } else if (until <= now) {
    events().on_loss(*this, flight, message::Loss::kNoRoom);
  } else {
    until = std::min<Instant>(until, now + std::min(options_->window_timeout, options_->timeouts.submit));
    host.waiting.push_back({flight, {pdu.begin(), pdu.end()}, until});
  }
}

void Group::serve_waiting(Host& host) noexcept {
  while (!host.waiting.empty()) {
    const Waiting& first = host.waiting.front();
    if (host.lane.links == 0) {
      events().on_loss(*this, first.flight, message::Loss::kNeverSent);
    } else if (!send(first.flight, first.pdu)) {
      return;
    }
    host.waiting.pop_front();
  }
}

// Each has a patience of its own: the first in line is not always the first to give up.
void Group::give_up_waiting(Host& host, Instant now) noexcept {
  std::erase_if(host.waiting, [&](const Waiting& waiting) {
    if (now < waiting.until) return false;
    events().on_loss(*this, waiting.flight, message::Loss::kNoRoom);
    return true;
  });
}

void Group::settled(const Settlement& settlement) noexcept {
  Host& host = hosts_[settlement.host];
  count_down(settlement.host, settlement.shard);
  if (!settlement.answered || is_host_failure(settlement.status)) {
    if (host.breaker.failed(environment_.loop.now()) && host.options != nullptr) {
      kGroupLog.warn(
          "too many failures in a row, the host gets no traffic for a while",
          {{"upstream", name()}, {"host", host.options->address.host}, {"port", host.options->address.port}});
    }
  } else {
    host.breaker.succeeded();
  }
  if (settlement.answered) {
    smooth(loads_[settlement.host], settlement.took);
    ++(settlement.status == smpp::CommandStatus::ESME_ROK ? probe_.responses_ok : probe_.responses_failed);
  }
  if (room_wanted_ && settlement.shard != environment_.shard) notify_room();
}

void Group::set_lane(std::uint16_t host, unsigned shard, const Lane& lane) noexcept {
  if (host >= hosts_.size() || shard >= hosts_[host].lanes.size()) return;
  hosts_[host].lanes[shard].lane = lane;
  if (lane.links > 0) hosts_[host].breaker.succeeded();
  if (room_wanted_) notify_room();
}

void Group::notify_room() noexcept {
  room_wanted_ = false;
  events().on_room(*this);
}

void Group::recount(std::uint16_t index) noexcept {
  Host& host = hosts_[index];
  Lane lane;
  for (const Link* link : host.links) {
    if (!link->ready() && !link->replacing()) continue;
    ++lane.links;
    if (!link->ready()) continue;
    lane.window += link->window_limit();
  }
  if (lane == host.lane) return;
  const bool recovered = lane.links > host.lane.links;
  host.lane = lane;
  if (recovered) host.breaker.succeeded();
  events().on_lane(*this, index, lane);
  if (room_wanted_) notify_room();
}

void Group::link_changed(Link& link) noexcept {
  recount(link.host());
  if (hosts_[link.host()].lane.links == 0) serve_waiting(hosts_[link.host()]);
}

void Group::link_has_room(Link& link) noexcept {
  Host& host = hosts_[link.host()];
  if (!host.waiting.empty()) serve_waiting(host);
  if (room_wanted_) notify_room();
}

Group::HostView Group::host(std::size_t index) const {
  const Host& host = hosts_[index];
  return {host.options,
          host.lane,
          loads_[index].outstanding,
          host.breaker.state(),
          loads_[index].latency_ns,
          {host.links.begin(), host.links.end()}};
}

const std::string& Group::system_id(std::uint16_t host) const noexcept {
  const auto& own = hosts_[host].options->system_id;
  return own ? *own : options_->bind.system_id;
}

const std::string& Group::password(std::uint16_t host) const noexcept {
  const auto& own = hosts_[host].options->password;
  return own ? *own : options_->bind.password;
}

}  // namespace smppd::upstream
