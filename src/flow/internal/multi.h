// A submit_multi whose parts are on their way. Private to flow.
#pragma once

#include <string>
#include <vector>

#include "flow/flow.h"

namespace smppd::flow {

struct Flow::Multi {
  SlabHandle session;
  std::uint32_t sequence_number = 0;
  message::OwnId id = 0;
  smpp::Version version{};
  std::uint32_t open = 0;  // parts without an answer, and one while parts are still being sent
  std::uint32_t accepted = 0;
  struct Part {
    std::uint8_t ton, npi;
    std::string address;
    smpp::CommandStatus status;
  };
  std::vector<Part> parts;
};

}  // namespace smppd::flow
