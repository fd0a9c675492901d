// The strict judge: what the specification forbids in a PDU that could nevertheless be decoded.
// Off the message path (it allocates): tests, fuzzing, `smppsim --strict`. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "smpp/pdu_table.h"
#include "smpp/pdu_view.h"
#include "smpp/tlv.h"
#include "smpp/values.h"

namespace smppd::smpp {

struct Finding {
  Field field = Field::none;
  TlvTag tag{};            // set when the finding is about a TLV
  CommandStatus status{};  // what a strict peer would answer
  std::string_view text;   // static storage
};

// `view` holds a successfully decoded PDU of a session of `version`. Empty when there is nothing to object to.
[[nodiscard]] std::vector<Finding> check_pdu(const PduView& view, Version version, const TlvRegistry& registry);

// "esm_class: reserved message type (ESME_RINVESMCLASS)".
[[nodiscard]] std::string describe(const Finding& finding, const TlvRegistry& registry);

}  // namespace smppd::smpp
