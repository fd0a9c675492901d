// What a seed is about: how smppd is configured, who its peers are, and what trouble there will be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/sim/random.h"

namespace smppd::sim {

inline constexpr std::uint16_t kPort = 2775, kFirstSmscPort = 7000;

// What a seed decides before anything runs.
struct Scenario {
  unsigned shards, upstreams, hosts, clients, sessions, messages;
  unsigned window, links, listener_window;
  const char* overload;
  std::size_t mailbox;
  const char* algorithm;
  unsigned more_links, upstream_version;
  bool pairs, short_lives, rate_limited, fallback, drains_early;
  // Trouble. Without any, every message must be accepted.
  bool smsc_habits, esme_habits, cuts, stalls, sites, reloads, clock, descriptors, slow_shards, overloaded;
  int corrupt_client = -1, corrupt_upstream = -1;
  bool stored;  // store_and_forward, in memory
  const char* uncertain;
  bool in_order;  // by destination
  // Only upstream 1 and its clients have trouble: the others must not notice.
  bool isolated;

  [[nodiscard]] bool calm() const {
    return !smsc_habits && !esme_habits && !cuts && !stalls && !sites && !reloads && !clock && !descriptors &&
           !slow_shards && !overloaded && !short_lives && !drains_early && corrupt_client < 0 && corrupt_upstream < 0;
  }
  // A client sends to one upstream only, where isolation is to be seen.
  [[nodiscard]] bool sends_to(unsigned client, unsigned upstream) const {
    return !isolated || client % upstreams == upstream;
  }
  [[nodiscard]] bool may_trouble(unsigned upstream) const { return !isolated || upstream == 1; }
};

[[nodiscard]] Scenario draw(Random& random);
[[nodiscard]] std::string describe(const Scenario& scenario);
// smppd's configuration; a reload brings another variant of it.
[[nodiscard]] std::string config_text(const Scenario& scenario, unsigned variant);

}  // namespace smppd::sim
