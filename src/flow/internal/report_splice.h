// A receipt under our id without taking it apart: the SMSC's octets with the id in the text and the TLVs about it
// replaced. For the receipts that nearly all carriers send; the others go through a builder.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "flow/receipts.h"
#include "smpp/pdu_view.h"

namespace smppd::flow {

// Writes the deliver_sm with `shown` as its id to `out`, or answers false and leaves `out` as it likes: the text is not
// in short_message, has no id, is to be written anew, or would become too long. No allocation once `out` is large.
[[nodiscard]] bool splice_report(const smpp::PduView& view, const Report& report, std::string_view shown,
                                 std::vector<std::uint8_t>& out);

}  // namespace smppd::flow
