// A stream of messages from handsets, as --mo describes it. Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "toolkit/number_pattern.h"

namespace smppd::sim {

enum class MoOrder : std::uint8_t { straight, reverse, random };
enum class MoForm : std::uint8_t { udh8, udh16, sar, payload };

struct MoPlan {
  double rate = 1;          // messages a second
  std::uint64_t count = 0;  // 0: without end
  std::string system_id;    // the account they go to; empty: whoever receives
  toolkit::NumberPattern source;
  toolkit::NumberPattern destination;
  std::string text = "Hello from smppsim";
  std::uint8_t data_coding = 0;
  std::uint8_t esm_class = 0;
  unsigned parts = 1;
  MoForm form = MoForm::udh8;
  MoOrder order = MoOrder::straight;
  double duplicate = 0;  // share of parts sent twice
  double missing = 0;    // share of parts never sent
  bool as_data_sm = false;
};

// "rate=10/s,source=2588{8},destination=1234,text=Hello,parts=3,order=random,..."; README.md lists the keys.
[[nodiscard]] Fallible<MoPlan> parse_mo(std::string_view text);

}  // namespace smppd::sim
