// An upstream as nearly every message needs it; the flow has one by UpstreamId, of its snapshot and its groups.
#pragma once

#include <cstdint>

#include "smpp/text/charset.h"
#include "upstream/group.h"

namespace smppd::flow {

struct Way {
  upstream::Group* group = nullptr;  // null: it is not configured
  std::uint32_t plain_below = 0;     // see plain_below(); 0 without a group
  smpp::Alphabet alphabet{};
  bool passes_ids_through = false;  // message_id: upstream
  bool tells_plainly = false;       // its receipts are matched here and change in nothing but the id
};

}  // namespace smppd::flow
