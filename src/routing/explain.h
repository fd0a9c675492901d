// Why a message goes where it goes: every route in the order it is tried, and the first condition of each that does not
// hold. For `smppd route test` and the management API: control thread, slow and literal. It reads the configuration and
// not the index, so that it is also what tests compare decide() with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/config.h"
#include "message/facts.h"
#include "message/names.h"
#include "routing/route_table.h"

namespace smppd::routing {

struct Reason {
  std::string condition;  // "destination_addr"; empty: all conditions hold
  std::string why;        // "258841234567 matches none of +27*, +1*"
  [[nodiscard]] bool holds() const noexcept { return condition.empty(); }
};

// The first condition that does not hold. `clients` are those that tiers and tags are looked up in.
[[nodiscard]] Reason first_failure(const config::Match& match, const message::MessageFacts& facts, WallTime now,
                                   const std::vector<config::Client>& clients, const message::Names& names);

struct Explanation {
  struct Tried {
    std::string route;
    int priority = 100;
    Reason reason;
  };
  std::string destination;   // in the form that was compared
  std::vector<Tried> tried;  // ends with the route that matched, if one did
  Decision decision;         // its response lives as long as the table
  std::string route;         // empty: none
  std::vector<std::string> upstreams;

  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] std::string to_json() const;
};

// `config` must be the one that `table` was compiled from.
[[nodiscard]] Explanation explain(const config::Config& config, const RouteTable& table, const message::Names& names,
                                  const message::MessageFacts& facts, WallTime now, std::uint32_t random);

}  // namespace smppd::routing
