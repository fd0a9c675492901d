// The named cases whose cost is counted; bench/baselines/road.json holds one line for each.
#pragma once

#include <span>
#include <string_view>

#include "road/rig.h"

namespace smppd::bench {

struct Case {
  std::string_view name;
  std::string_view question;
  RigOptions rig;
  Rig::Talk talk;  // a round; how many follows from the messages wanted
};

[[nodiscard]] std::span<const Case> cases();

}  // namespace smppd::bench
