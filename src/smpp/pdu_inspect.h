// A decoded PDU for people: what the specification forbids in it, and the whole of it as JSON.
// Off the message path (both allocate): logs at debug level, tools, tests, fuzzing, `smppsim --strict`. Any thread.
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

// The strict judge. `view` holds a successfully decoded PDU of a session of `version`. Empty when there is nothing to
// object to.
[[nodiscard]] std::vector<Finding> check_pdu(const PduView& view, Version version, const TlvRegistry& registry);

// "esm_class: reserved message type (ESME_RINVESMCLASS)".
[[nodiscard]] std::string describe(const Finding& finding, const TlvRegistry& registry);

enum class Secrets : bool { hidden, shown };

// One line without a line end: names instead of numbers, octets as hexadecimal, unknown TLVs under their tag. A PDU
// that did not decode is shown with its header only. C-strings are shown as Latin-1, so that every octet survives;
// `password` is shown as "***" unless `secrets` says otherwise.
[[nodiscard]] std::string to_json(const PduView& view, const TlvRegistry& registry, Secrets secrets = Secrets::hidden);

}  // namespace smppd::smpp
