#include "tests/sim/world.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <thread>

#include "accounts/password_pool.h"
#include "config/loader.h"
#include "runtime/shard.h"
#include "server/plugin_list.h"
#include "server/shard_unit.h"
#include "telemetry/log.h"
#include "tests/sim/esme.h"
#include "tests/sim/scenario.h"
#include "tests/sim/smsc.h"

namespace smppd::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Threads that no simulation needs, but constructors ask for.
struct Idle {
  runtime::Resolver resolver;
  accounts::PasswordPool pool{accounts::PasswordPool::Options{}};
  accounts::PasswordVerifier verifier{pool};
};

class World {
 public:
  World(std::uint64_t seed, Idle& idle, bool verbose)
      : kernel_(seed), scenario_(draw(kernel_.random)), idle_(idle), group_(scenario_.shards, scenario_.mailbox) {
    kernel_.verbose = verbose;
  }

  Outcome run();

 private:
  // smppd
  void publish(unsigned variant);
  void start_smppd();
  void settle();
  void run_until(Instant end);
  template <typename Condition>
  bool run_until(Duration patience, Condition&& reached);
  // the others
  void start_peers();
  void make_trouble();
  void trouble_once();
  void calm_down();
  [[nodiscard]] std::shared_ptr<Wire> any_wire();
  // phases
  bool come_to_rest();
  [[nodiscard]] std::uint64_t stored();
  void check_liveness();
  void send_one_each(bool trial);
  void check_emptiness();
  void drain_early();
  void stop();
  void judge_scenario();

  Random& random() { return kernel_.random; }
  void violated(std::string what) { ledger_.violated(std::move(what)); }
  // So much is wrong that time does not go on.
  [[nodiscard]] bool given_up() const { return ledger_.violations.size() >= 10; }

  Kernel kernel_;
  Scenario scenario_;
  Idle& idle_;
  Ledger ledger_;
  server::Lasting lasting_;
  std::shared_ptr<const config::Config> config_;
  std::shared_ptr<downstream::ListenerShared> listener_;
  runtime::ShardGroup group_;
  std::unique_ptr<store::Store> store_;
  std::vector<std::unique_ptr<server::ShardUnit>> units_;
  std::vector<std::unique_ptr<Smsc>> smscs_;
  std::vector<std::unique_ptr<Esme>> esmes_;
  std::array<Instant, 8> suspended_until_{};
  unsigned variant_ = 0, mos_ = 0;
  bool trouble_ = true, stopping_ = false;
};

void World::publish(unsigned variant) {
  const auto loaded = config::load_text(config_text(scenario_, variant), config::Format::kYaml, "sim.yaml");
  if (loaded.config == nullptr) {
    violated("the configuration of the simulation: " + config::to_text(loaded.diagnostics));
    return;
  }
  auto publication = server::build_publication(loaded.config, config_.get(), group_.count(), lasting_);
  if (!publication) {
    violated(publication.error());
    return;
  }
  publication->snapshot->clients->publish(kernel_.now());
  std::vector<int> fds(group_.count(), -1);
  if (listener_ == nullptr) {
    listener_ = std::make_shared<downstream::ListenerShared>();
    listener_->config = loaded.config;
    listener_->options = &loaded.config->listeners[0];
    listener_->session_options.bind_timeout = listener_->options->timeouts.bind;
    listener_->session_options.read_timeout = listener_->options->timeouts.read;
    listener_->session_options.idle_timeout = listener_->options->timeouts.idle;
    listener_->session_options.enquire_interval = listener_->options->smpp.enquire_link_interval;
    listener_->session_options.enquire_timeout = listener_->options->smpp.enquire_link_timeout;
    listener_->shard_count = group_.count();
    for (int& fd : fds) fd = kernel_.listen(kPort);
  }
  config_ = loaded.config;
  for (unsigned i = 0; i < group_.count(); ++i) {
    auto chain = std::make_shared<std::unique_ptr<flow::FilterChain>>(std::move(publication->chains[i]));
    group_.shard(i).loop().post([this, i, chain, fd = fds[i], snapshot = publication->snapshot,
                                 upstreams = publication->upstreams, limits = lasting_.limits] {
      units_[i]->apply(snapshot, std::move(*chain), upstreams, limits, {{listener_, fd}}, {});
    });
  }
}

void World::start_smppd() {
  const auto loaded = config::load_text(config_text(scenario_, 0), config::Format::kYaml, "sim.yaml");
  const config::Receipts receipts = loaded.config == nullptr ? config::Receipts() : loaded.config->receipts;
  if (scenario_.stored) {
    store::StoreOptions options;
    options.durability = store::Durability::kNone;
    options.shards = group_.count();
    store_ = std::move(*server::find_store("memory")->open(options));
  }
  ledger_.stored = scenario_.stored;
  ledger_.resends = scenario_.uncertain == std::string_view("resend");
  ledger_.in_order = scenario_.in_order;
  ledger_.tells_again = scenario_.esme_habits || scenario_.stalls || scenario_.cuts || scenario_.slow_shards;
  ledger_.ordered = !scenario_.stored || scenario_.calm();
  for (unsigned i = 0; i < group_.count(); ++i) {
    group_.shard(i).loop().set_turn_hook(&group_.shard(i));
    units_.push_back(std::make_unique<server::ShardUnit>(
        group_.shard(i),
        server::ShardUnit::Lasting{idle_.resolver, idle_.verifier, store_ == nullptr ? nullptr : &store_->partition(i)},
        receipts));
  }
  publish(0);
}

// Every shard turns, in any order, until all of them would sleep.
void World::settle() {
  constexpr int kManyRounds = 20'000;
  for (int round = 0; round < kManyRounds; ++round) {
    bool busy = false;
    std::array<unsigned, 8> order{};
    for (unsigned i = 0; i < group_.count(); ++i) {
      order[i] = i;
      std::swap(order[i], order[random().below(i + 1)]);
    }
    for (unsigned n = 0; n < group_.count(); ++n) {
      const unsigned i = order[n];
      if (suspended_until_[i] > kernel_.now()) continue;
      group_.shard(i).loop().run_once(std::chrono::hours(1));
      busy = busy || kernel_.asleep_until(i) <= kernel_.now();
      kernel_.spend(std::chrono::microseconds(random().below(20)));
      if (trouble_ && scenario_.slow_shards && random().chance(0.002)) {
        suspended_until_[i] = kernel_.now() + milliseconds(random().between(1, 60));
      }
    }
    if (!busy) return;
  }
  violated("a shard turns for ever without sleeping");
}

void World::run_until(Instant end) {
  while (kernel_.now() < end && !given_up()) {
    settle();
    Instant next = std::min(end, kernel_.next_event());
    for (unsigned i = 0; i < group_.count(); ++i) {
      next = std::min(next, std::max(kernel_.asleep_until(i), suspended_until_[i]));
    }
    kernel_.advance(std::max(next, kernel_.now()));
  }
}

template <typename Condition>
bool World::run_until(Duration patience, Condition&& reached) {
  const Instant end = kernel_.now() + patience;
  while (kernel_.now() < end && !given_up()) {
    run_until(kernel_.now() + milliseconds(100));
    if (reached()) return true;
  }
  return false;
}

void World::start_peers() {
  const Scenario& s = scenario_;
  ledger_.corrupt_upstreams.resize(s.upstreams);
  ledger_.corrupt_client = s.corrupt_client >= 0;
  if (s.corrupt_upstream >= 0) ledger_.corrupt_upstreams[static_cast<unsigned>(s.corrupt_upstream)] = true;
  SmscHabits habits;
  if (s.smsc_habits) {
    for (double* share :
         {&habits.refuse, &habits.silent, &habits.late, &habits.twice, &habits.stray, &habits.bind_refused,
          &habits.early_receipt, &habits.late_receipt, &habits.repeat_receipt, &habits.no_receipt}) {
      if (random().chance(0.4)) *share = 0.05 + 0.2 * static_cast<double>(random().below(100)) / 100;
    }
    if (random().chance(0.2)) habits.unbinds = 0.02;
  }
  if (random().chance(0.3)) habits.answer_max = milliseconds(2);
  for (unsigned u = 0; u < s.upstreams; ++u) {
    SmscHabits own = habits;
    if (!s.may_trouble(u)) own = SmscHabits();
    for (unsigned h = 0; h < s.hosts; ++h) {
      const auto port = static_cast<std::uint16_t>(kFirstSmscPort + u * 10 + h);
      smscs_.push_back(std::make_unique<Smsc>(kernel_, ledger_, static_cast<unsigned>(smscs_.size()), u, port, own));
    }
  }
  for (unsigned c = 0; c < s.clients; ++c) {
    EsmeHabits own;
    own.window = static_cast<std::uint32_t>(random().between(1, 30));
    constexpr std::uint8_t kVersions[] = {0x33, 0x34, 0x34, 0x50};
    own.version = kVersions[random().below(4)];
    own.data_sm = own.version != 0x33 && s.upstream_version != 0x33 && random().chance(0.3) ? 0.2 : 0;
    if (random().chance(0.3)) own.multi = 0.1;
    if (random().chance(0.3)) own.query = 0.3;
    if (s.esme_habits && s.may_trouble(c % s.upstreams)) {
      for (double* share : {&own.refuse, &own.silent, &own.late}) {
        if (random().chance(0.4)) *share = 0.2;
      }
      if (random().chance(0.4)) own.unbind = 0.03;
      if (random().chance(0.4)) own.leave = 0.03;
    }
    for (unsigned n = 0; n < s.sessions; ++n) {
      esmes_.push_back(std::make_unique<Esme>(kernel_, ledger_, c, kPort, own));
      esmes_.back()->transmitter = n > 0 && random().chance(0.3);
      esmes_.back()->corrupt = s.corrupt_client == static_cast<int>(c);
      for (unsigned m = 0; m < s.messages; ++m) {
        const auto upstream = static_cast<unsigned>(random().below(s.upstreams));
        if (s.sends_to(c, upstream)) esmes_.back()->plan(upstream, random().chance(0.5));
      }
    }
  }
}

std::shared_ptr<Wire> World::any_wire() {
  std::vector<std::shared_ptr<Wire>> wires;
  for (std::size_t i = 0; i < smscs_.size(); ++i) {
    if (!scenario_.may_trouble(static_cast<unsigned>(i) / scenario_.hosts)) continue;
    for (const auto& wire : smscs_[i]->wires()) {
      if (wire->alive()) wires.push_back(wire);
    }
  }
  for (const auto& esme : esmes_) {
    if (scenario_.may_trouble(esme->client() % scenario_.upstreams) && esme->wire() != nullptr) {
      wires.push_back(esme->wire());
    }
  }
  return wires.empty() ? nullptr : wires[random().below(wires.size())];
}

void World::trouble_once() {
  const Scenario& s = scenario_;
  const auto wire = any_wire();
  if (s.cuts && wire != nullptr && random().chance(0.25)) {
    random().chance(0.7) ? wire->reset() : wire->close();
  } else if (s.stalls && wire != nullptr && random().chance(0.3)) {
    const auto direction = random().chance(0.5) ? Wire::kToSmppd : Wire::kToPeer;
    wire->stall(direction, kernel_.now() + milliseconds(random().between(10, random().chance(0.3) ? 8'000 : 800)));
  }
  if (s.sites && random().chance(0.1)) {
    const auto upstream = s.isolated ? 1U : static_cast<unsigned>(random().below(s.upstreams));
    const auto port = static_cast<std::uint16_t>(kFirstSmscPort + upstream * 10 + random().below(s.hosts));
    kernel_.set_site(port, static_cast<Kernel::Site>(random().below(3)));
  }
  if (s.reloads && !stopping_ && random().chance(0.1)) publish(++variant_);
  if (s.clock && random().chance(0.1)) kernel_.move_wall_clock(seconds(random().between(-7'200, 7'200)));
  if (s.descriptors && random().chance(0.1)) kernel_.accepts_to_fail = static_cast<int>(random().between(1, 5));
  if (s.corrupt_upstream >= 0) {
    for (std::size_t i = 0; i < smscs_.size(); ++i) {
      if (static_cast<int>(i / s.hosts) != s.corrupt_upstream) continue;
      for (const auto& link : smscs_[i]->wires()) {
        link->corrupt(Wire::kToSmppd, 0.002);
        link->corrupt(Wire::kToPeer, 0.001);
      }
    }
  }
  if (random().chance(0.2)) {
    smscs_[random().below(smscs_.size())]->send_mo(++mos_, esmes_[random().below(esmes_.size())]->address());
  }
}

void World::make_trouble() {
  kernel_.after(milliseconds(random().between(10, 300)), [this] {
    if (!trouble_) return;
    trouble_once();
    make_trouble();
  });
}

void World::calm_down() {
  trouble_ = false;
  kernel_.accepts_to_fail = 0;
  for (unsigned u = 0; u < scenario_.upstreams; ++u) {
    for (unsigned h = 0; h < scenario_.hosts; ++h) {
      kernel_.set_site(static_cast<std::uint16_t>(kFirstSmscPort + u * 10 + h), Kernel::Site::kAnswers);
    }
  }
  for (auto& smsc : smscs_) {
    smsc->calm();
    for (const auto& wire : smsc->wires()) {
      wire->release();
      wire->corrupt(Wire::kToSmppd, 0);
      wire->corrupt(Wire::kToPeer, 0);
    }
  }
  // A corrupt connection may have lost its framing for good.
  for (auto& esme : esmes_) {
    esme->calm();
    if (esme->wire() != nullptr) esme->wire()->release();
    if (!esme->corrupt) continue;
    esme->corrupt = false;
    if (esme->wire() != nullptr) esme->wire()->reset();
  }
  if (scenario_.corrupt_upstream >= 0) {
    for (auto& smsc : smscs_) {
      for (const auto& wire : smsc->wires()) wire->reset();
    }
  }
}

bool World::come_to_rest() {
  const bool rest = run_until(seconds(60), [this] {
    const bool quiet = std::all_of(esmes_.begin(), esmes_.end(), [](const auto& e) { return e->bound() && e->idle(); });
    return quiet && (stored() == 0 || ledger_.corrupt()) &&
           std::all_of(smscs_.begin(), smscs_.end(), [](const auto& smsc) { return smsc->owed() == 0; });
  });
  if (rest || !ledger_.violations.empty()) return rest;
  std::string what = "a minute after the last trouble there is no rest:";
  if (stored() > 0) what += " " + std::to_string(stored()) + " items are in the store,";
  for (const auto& esme : esmes_) {
    if (!esme->bound()) what += " client " + std::to_string(esme->client()) + " is not bound,";
    if (!esme->idle()) what += " client " + std::to_string(esme->client()) + " waits for answers,";
  }
  for (std::size_t i = 0; i < smscs_.size(); ++i) {
    if (smscs_[i]->owed() > 0) what += " SMSC " + std::to_string(i) + " waits for deliveries to be accepted,";
  }
  violated(what);
  return false;
}

// Whatever happened, messages go through again.
void World::check_liveness() {
  run_until(kernel_.now() + seconds(3));  // links come back
  send_one_each(true);                    // breakers close
  send_one_each(false);
}

void World::send_one_each(bool trial) {
  const std::size_t first = ledger_.messages.size();
  for (auto& esme : esmes_) {
    for (unsigned u = 0; u < scenario_.upstreams; ++u) {
      if (scenario_.sends_to(esme->client(), u)) esme->plan(u, false);
    }
  }
  if (!run_until(seconds(15), [&] {
        return std::all_of(esmes_.begin(), esmes_.end(), [](const auto& esme) { return esme->idle(); });
      })) {
    violated("messages after the trouble are not answered");
  }
  for (std::size_t tag = first; tag < ledger_.messages.size(); ++tag) {
    const Message& message = ledger_.messages[tag];
    if (ledger_.corrupt_upstreams[message.upstream]) continue;
    const bool busy = !message.answers.empty() && scenario_.overloaded &&
                      (message.answers[0].status == kThrottled || message.answers[0].status == kQueueFull);
    // A link whose life is over makes room for the next one before that is bound.
    if ((trial || scenario_.short_lives) && !message.answers.empty() && message.answers[0].status == kNoUpstream)
      continue;
    if (!busy && (message.answers.empty() || message.answers[0].status != 0)) {
      violated("message " + std::to_string(tag) + " after the trouble: " +
               (message.answers.empty() ? "no answer" : "status " + std::to_string(message.answers[0].status)));
    }
  }
}

std::uint64_t World::stored() {
  std::uint64_t items = 0;
  for (auto& unit : units_) {
    const auto stats = unit->flow().store_stats();
    items += stats ? stats->items : 0;
  }
  return items;
}

void World::check_emptiness() {
  // What octets came out of a corrupt connection may have been a message for next year.
  if (!run_until(seconds(20), [this] { return stored() == 0; }) && !ledger_.corrupt()) {
    violated("the store does not become empty");
  }
  for (auto& esme : esmes_) esme->finish();
  const auto no_sessions = [this] {
    return std::all_of(units_.begin(), units_.end(), [](const auto& unit) { return unit->sessions().size() == 0; });
  };
  if (!run_until(seconds(10), no_sessions)) violated("sessions are left after every client has said unbind");
  if (stored() > 0) return;  // something corrupt that its SMSC refuses, and that is tried again and again
  for (auto& unit : units_) {
    unit->flow().upstreams().for_each([this](upstream::Group& group) {
      for (std::size_t i = 0; i < group.host_count(); ++i) {
        const auto host = group.host(i);
        if (host.outstanding != 0) {
          violated(group.name() + " counts " + std::to_string(host.outstanding) + " requests that nobody waits for");
        }
        for (const upstream::Link* link : host.links) {
          if (link->in_flight() != 0) violated(group.name() + ": a link's window is not empty");
        }
      }
    });
    if (unit->flow().receivers() != 0) violated("receivers are left after every client has said unbind");
  }
}

void World::stop() {
  for (auto& unit : units_) unit->drain();
  const bool drained = run_until(seconds(12), [this] {
    return std::all_of(units_.begin(), units_.end(), [](const auto& unit) { return unit->drained(); });
  });
  if (!drained && !given_up()) violated("smppd does not drain");
  units_.clear();
  for (unsigned i = 0; i < group_.count(); ++i) group_.shard(i).loop().run_once(Duration::zero());
  const std::size_t own = 2 * group_.count();  // epoll and wake-up
  if (kernel_.open_descriptors() != own) {
    violated(std::to_string(kernel_.open_descriptors() - own) + " descriptors are left open");
  }
  for (const std::string& misuse : kernel_.misuses) violated(misuse);
}

// Asked to stop in the middle of it all: what is on its way is still answered.
void World::drain_early() {
  run_until(kernel_.now() + milliseconds(random().between(100, 4'000)));
  stopping_ = true;
  ledger_.stopped = true;
  for (auto& esme : esmes_) esme->stay_away();
  for (auto& unit : units_) unit->drain();
  if (random().chance(0.5)) calm_down();
  run_until(seconds(12), [this] {
    return std::all_of(units_.begin(), units_.end(), [](const auto& unit) { return unit->drained(); });
  });
  calm_down();
  run_until(kernel_.now() + seconds(2));  // what was on its way arrives
}

// What holds where the scenario was kind.
void World::judge_scenario() {
  const Scenario& s = scenario_;
  for (std::uint32_t tag = 0; tag < ledger_.messages.size(); ++tag) {
    const Message& message = ledger_.messages[tag];
    const bool spared = s.calm() || (s.isolated && message.upstream == 0 && message.client % s.upstreams == 0 &&
                                     !s.overloaded && !s.slow_shards);
    if (!spared || message.answers.empty() || message.answers[0].status == 0) continue;
    if (stopping_ && message.answers[0].status == kWrongState) continue;
    if (s.short_lives && message.answers[0].status == kNoUpstream) continue;
    // Its fellows were on their way when it found no room.
    if (message.part && message.answers[0].status == kThrottled) continue;
    violated("message " + std::to_string(tag) + " had no trouble, but was answered " +
             std::to_string(message.answers[0].status));
  }
  std::uint64_t given_up = 0;
  for (auto& unit : units_) given_up += unit->flow().probe().dead;
  if (ledger_.never_seen > given_up) {
    violated(std::to_string(ledger_.never_seen) + " accepted messages were never sent, " + std::to_string(given_up) +
             " are dead letters");
  }
  std::uint64_t put_back = 0;
  for (auto& unit : units_) put_back += unit->flow().probe().found_full;
  // Where one waits for its destination's turn, others pass it: that is judged by destination.
  if (ledger_.overtaken > put_back && !s.in_order) {
    violated(std::to_string(ledger_.overtaken) +
             " messages came after later ones of their sessions on the same link, " + std::to_string(put_back) +
             " had found it full");
  }
  std::uint64_t counted = 0;
  for (auto& unit : units_) counted += unit->flow().probe().uncertain;
  if (ledger_.answered_uncertain > counted) {
    violated(std::to_string(ledger_.answered_uncertain) + " uncertain answers, " + std::to_string(counted) +
             " counted");
  }
}

Outcome World::run() {
  Outcome outcome;
  outcome.scenario = describe(scenario_);
  start_peers();
  start_smppd();
  run_until(kernel_.now() + seconds(2));  // links bind
  for (auto& esme : esmes_) esme->connect();
  make_trouble();
  if (scenario_.drains_early) {
    drain_early();
  } else {
    run_until(seconds(20), [this] {
      return std::all_of(esmes_.begin(), esmes_.end(), [](const auto& esme) { return esme->bound() && esme->idle(); });
    });
    calm_down();
    if (come_to_rest()) check_liveness();
    if (ledger_.violations.empty()) {
      check_emptiness();
    } else {
      run_until(seconds(20), [this] { return stored() == 0; });  // what was accepted last is not judged too early
    }
  }
  ledger_.judge();
  judge_scenario();
  stop();
  outcome.hash = kernel_.hash();
  outcome.events = kernel_.events_so_far();
  outcome.messages = ledger_.messages.size();
  for (const Message& message : ledger_.messages) {
    outcome.receipts += message.receipts_delivered;
    if (message.answers.empty()) continue;
    if (message.answers[0].status == 0) ++outcome.accepted;
    if (message.answers[0].status == kUncertain) ++outcome.uncertain;
  }
  outcome.violations = std::move(ledger_.violations);
  return outcome;
}

}  // namespace

// On a thread of its own, so that what smppd keeps by thread starts anew.
Outcome run_seed(std::uint64_t seed, bool verbose) {
  static Idle idle;
  telemetry::LogOptions log;
  log.level = verbose ? telemetry::Level::kDebug : telemetry::Level::kOff;
  log.json = false;
  static int logging = -1;
  if (logging != static_cast<int>(verbose)) {
    if (!telemetry::configure_logging(log)) std::abort();
    logging = static_cast<int>(verbose);
  }
  Outcome outcome;
  std::thread([&] { outcome = World(seed, idle, verbose).run(); }).join();
  return outcome;
}

}  // namespace smppd::sim
