#include "tests/sim/scenario.h"

#include <string_view>
#include <utility>

namespace smppd::sim {

namespace {

std::string upstream_text(const Scenario& s, unsigned upstream, unsigned window) {
  const char* version = s.upstream_version == 0x33 ? "3.3" : s.upstream_version == 0x34 ? "3.4" : "5.0";
  return std::string("    bind: {system_id: us, password: secret, interface_version: \"") + version + "\"" +
         (s.pairs ? ", type: pair" : "") + "}\n    pool: {min_connections: " + std::to_string(s.links) +
         ", max_connections: " + std::to_string(s.links + s.more_links) +
         (s.short_lives ? ", idle_timeout: 1s, max_lifetime: 3s" : "") + "}\n    load_balancing: " + s.algorithm +
         (s.rate_limited ? "\n    rate_limit: {messages_per_second: 60, burst: 5}" : "") +
         "\n    window: {size: " + std::to_string(window) +
         ", timeout: 1s}\n"
         "    timeouts: {connect: 1s, bind: 1s, submit: 3s, response: 2s, read: 4s, write: 3s}\n"
         "    enquire_link: {interval: 3s, timeout: 1s}\n    reconnect: {initial: 100ms, max: 500ms}\n"
         "    health: {recovery_threshold: 1}\n    throttling: {pause: 100ms}\n"
         "    failover: {threshold: 5, recovery_time: 500ms" +
         (s.fallback && upstream == 0 ? ", fallback: up1" : "") + "}\n" +
         (s.stored
              ? "    retry: {max_attempts: 0, delay: 100ms, max_delay: 1s, throttled_pause: 100ms, uncertain_wait: 1s,"
                " uncertain: " +
                    std::string(s.uncertain) + (s.in_order ? ", order: destination" : "") + "}\n"
              : "");
}

}  // namespace

Scenario draw(Random& random) {
  Scenario s{};
  s.shards = 1 + static_cast<unsigned>(random.below(3));
  s.upstreams = 1 + static_cast<unsigned>(random.below(2));
  s.hosts = 1 + static_cast<unsigned>(random.below(2));
  s.clients = 1 + static_cast<unsigned>(random.below(3));
  s.sessions = 1 + static_cast<unsigned>(random.below(2));
  s.messages = 10 + static_cast<unsigned>(random.below(50));
  s.window = random.chance(0.3) ? 2 : 10;
  s.links = 1 + static_cast<unsigned>(random.below(2));
  s.listener_window = random.chance(0.3) ? 3 : 20;
  constexpr const char* kOverloads[] = {"wait", "wait", "throttle", "queue_full"};
  s.overload = kOverloads[random.below(4)];
  s.mailbox = random.chance(0.3) ? 2'048 : 65'536;
  constexpr const char* kAlgorithms[] = {"round_robin", "least_connections", "random", "p2c", "ip_hash", "latency"};
  s.algorithm = kAlgorithms[random.below(6)];
  s.more_links = random.chance(0.3) ? 2 : 0;
  constexpr unsigned kVersions[] = {0x33, 0x34, 0x34, 0x50};
  s.upstream_version = kVersions[random.below(4)];
  s.pairs = random.chance(0.15);
  s.short_lives = random.chance(0.1);
  s.rate_limited = random.chance(0.1);
  s.drains_early = random.chance(0.15);
  const double share = random.chance(0.1) ? 0 : random.chance(0.5) ? 0.15 : 0.5;
  for (bool* trouble : {&s.smsc_habits, &s.esme_habits, &s.cuts, &s.stalls, &s.sites, &s.reloads, &s.clock,
                        &s.descriptors, &s.slow_shards}) {
    *trouble = random.chance(share);
  }
  if (random.chance(share / 3)) s.corrupt_client = static_cast<int>(random.below(s.clients));
  if (random.chance(share / 3)) s.corrupt_upstream = static_cast<int>(random.below(s.upstreams));
  s.isolated = s.upstreams == 2 && random.chance(0.3);
  if (s.isolated && s.corrupt_client >= 0) s.corrupt_client = s.clients > 1 ? 1 : -1;
  if (s.isolated && s.corrupt_upstream >= 0) s.corrupt_upstream = 1;
  const bool waits = s.overload == std::string_view("wait");
  s.fallback = s.upstreams == 2 && !s.isolated && s.corrupt_upstream < 0 && random.chance(0.2);
  s.overloaded = s.rate_limited || (!waits && s.listener_window == 3) ||
                 s.window * s.links * s.hosts < s.sessions * s.clients * s.listener_window;
  s.stored = random.chance(0.5);
  constexpr const char* kPolicies[] = {"hold", "fail", "resend"};
  s.uncertain = kPolicies[random.below(3)];
  s.in_order = s.stored && random.chance(0.25);
  return s;
}

std::string describe(const Scenario& s) {
  std::string text = std::to_string(s.shards) + " shards, " + std::to_string(s.upstreams) + " upstreams of " +
                     std::to_string(s.hosts) + " hosts, " + std::to_string(s.links) + " links of window " +
                     std::to_string(s.window) + ", " + std::to_string(s.clients) + " clients with " +
                     std::to_string(s.sessions) + " sessions, overload " + s.overload;
  const std::pair<bool, const char*> troubles[] = {{s.pairs, "pairs"},
                                                   {s.more_links > 0, "a growing pool"},
                                                   {s.short_lives, "short-lived links"},
                                                   {s.rate_limited, "a rate limit"},
                                                   {s.fallback, "a fallback"},
                                                   {s.drains_early, "an early drain"},
                                                   {s.smsc_habits, "SMSC habits"},
                                                   {s.esme_habits, "client habits"},
                                                   {s.cuts, "cuts"},
                                                   {s.stalls, "stalls"},
                                                   {s.sites, "SMSCs down"},
                                                   {s.reloads, "reloads"},
                                                   {s.clock, "clock jumps"},
                                                   {s.descriptors, "no descriptors"},
                                                   {s.slow_shards, "slow shards"},
                                                   {s.corrupt_client >= 0, "a corrupt client"},
                                                   {s.corrupt_upstream >= 0, "a corrupt upstream"},
                                                   {s.isolated, "isolated"},
                                                   {s.stored, "stored"},
                                                   {s.in_order, "in order by destination"}};
  for (const auto& [there, name] : troubles) {
    if (there) text += std::string(", ") + name;
  }
  return text;
}

std::string config_text(const Scenario& s, unsigned variant) {
  std::string text =
      "listeners:\n"
      "  - name: public\n"
      "    address: \"127.0.0.1:2775\"\n"
      "    timeouts: {response: 2s, write: 3s, bind: 5s, read: 5s}\n"
      "    smpp: {window_size: " +
      std::to_string(s.listener_window) + ", overload: " + s.overload +
      ", overload_wait: 1s, enquire_link_interval: 3s, enquire_link_timeout: 1s,"
      " uncertain_status: 0x402, no_upstream_status: 0x401}\n"
      "" +
      std::string(s.stored ? "storage: {backend: memory, inbox: {delay: 100ms, max_delay: 1s}}\n" : "") +
      "receipts: {untracked_entries: 64, early_hold: 1s, park: 20s, max_entries: 100000}\n"
      "runtime: {drain_timeout: 8s}\n"
      "upstreams:\n";
  for (unsigned u = 0; u < s.upstreams; ++u) {
    // A reload changes the last upstream; the others keep their links.
    const unsigned window = s.window + (u + 1 == s.upstreams ? variant % 2 : 0);
    text += "  - name: up" + std::to_string(u) + "\n    hosts: [";
    for (unsigned h = 0; h < s.hosts; ++h) {
      text += std::string(h > 0 ? ", " : "") + "{address: \"127.0.0.1:" + std::to_string(kFirstSmscPort + u * 10 + h) +
              "\"}";
    }
    text += "]\n" + upstream_text(s, u, window);
  }
  text += "routes:\n";
  for (unsigned u = 0; u < s.upstreams; ++u) {
    text +=
        "  - {match: {destination_addr: \"" + std::to_string(u + 1) + "*\"}, upstream: up" + std::to_string(u) + "}\n";
  }
  text += "mo_routes:\n";
  for (unsigned c = 0; c < s.clients; ++c) {
    text += "  - {match: {destination_addr: \"5000" + std::to_string(c) + "\"}, client: c" + std::to_string(c) + "}\n";
  }
  text += "clients:\n";
  for (unsigned c = 0; c < s.clients; ++c) text += "  - {system_id: c" + std::to_string(c) + ", password: secret}\n";
  return text;
}

}  // namespace smppd::sim
