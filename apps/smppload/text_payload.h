// The user data of one message, cut into parts. Start-up only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "smppload/options.h"

namespace smppd::load {

struct Payload {
  std::vector<std::string> parts;  // each with its UDH when there are several
  std::uint8_t data_coding = 0;
  bool has_udh = false;
};

[[nodiscard]] Fallible<Payload> make_payload(const MessageOptions& message);

}  // namespace smppd::load
