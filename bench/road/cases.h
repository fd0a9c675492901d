// The named cases whose cost is counted; bench/baselines/road.json holds one line for each.
#pragma once

#include <span>

#include "road/rig.h"

namespace smppd::bench {

struct Case {
  const char* name;
  const char* question;
  RigOptions rig;
  Rig::Talk talk;     // a round; how many follows from the messages wanted
  unsigned warm = 1;  // so many times the messages wanted go before those that are counted
};

[[nodiscard]] std::span<const Case> cases();

}  // namespace smppd::bench
