// A PDU as JSON for people: names instead of numbers, octets as hexadecimal, unknown TLVs under their tag.
// Off the message path (it allocates): logs at debug level, tools, tests. Any thread.
#pragma once

#include <string>

#include "smpp/pdu_view.h"
#include "smpp/tlv.h"

namespace smppd::smpp {

enum class Secrets : bool { hidden, shown };

// One line without a line end. A PDU that did not decode is shown with its header only. C-strings are shown as Latin-1,
// so that every octet survives; `password` is shown as "***" unless `secrets` says otherwise.
[[nodiscard]] std::string to_json(const PduView& view, const TlvRegistry& registry, Secrets secrets = Secrets::hidden);

}  // namespace smppd::smpp
