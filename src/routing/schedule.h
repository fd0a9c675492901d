// When a rule holds: hours and days of a time zone. Immutable, shared by all shards; the caller brings the time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"

namespace smppd::routing {

class Schedule {
 public:
  // hours: "22:00-06:00" or several with commas; the end is not included, 24:00 is allowed as an end, and a range that
  // ends before it starts goes over midnight. days: mon ... sun, or full English names; a range over midnight belongs
  // to the day on which it begins. Fails with a sentence.
  [[nodiscard]] static Fallible<Schedule> compile(const config::Schedule& schedule);

  [[nodiscard]] bool holds(WallTime now) const noexcept;

  // "2026-11-20 Fri 14:05 Africa/Maputo", for explanations.
  [[nodiscard]] std::string local_time(WallTime now) const;

 private:
  struct Zone;
  struct Range {  // minutes of the day
    int begin = 0;
    int end = 24 * 60;
  };
  struct Local {
    int weekday = 0;  // 0: Monday
    int minute = 0;
  };

  [[nodiscard]] Local local(WallTime now) const noexcept;
  [[nodiscard]] bool on_day(int weekday) const noexcept { return ((days_ >> weekday) & 1) != 0; }

  std::shared_ptr<const Zone> zone_;
  std::vector<Range> ranges_;
  unsigned days_ = 0x7F;
};

}  // namespace smppd::routing
