// Long messages towards SMSCs (`multipart.segmentation`): a text that exceeds one short message becomes parts, and
// parts that a client made are marked the way the SMSC takes them. 3GPP TS 23.040 §9.2.3.24.1; SMPP 3.4 §5.3.2.22-24;
// interop rows 40-42, 44.
//
// Sans-I/O: PDUs in, PDUs out, no state; any thread. `reference` is the caller's choice. Escape pairs, surrogate pairs
// and letters with their marks stay whole; the parts joined are the text octet by octet.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "flow/snapshot.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"
#include "smpp/text/udh.h"

namespace smppd::flow {

[[nodiscard]] LongRules long_rules(const config::Upstream& upstream, const config::Multipart& multipart) noexcept;

// Which part of a long message this is, by its header or its TLVs; empty when it is none.
[[nodiscard]] std::optional<smpp::Concat> part_of(const smpp::PduView& pdu) noexcept;

// Whether this submit_sm or data_sm, no part itself, has more text than one short message, or than this SMSC takes in
// one. Its text is in the SMSC's alphabet and lies in short_message or message_payload.
[[nodiscard]] bool exceeds_one(const smpp::PduView& whole, const PeerSide& to, const LongRules& rules) noexcept;

// Appends the parts of such a message to `out`, one PDU behind the other, and returns their number; with
// `message_payload` the one PDU that has it all. ESME_RINVMSGLEN: more than max_parts, or a character exceeds a part.
[[nodiscard]] std::expected<std::uint8_t, smpp::CommandStatus> cut_message(const smpp::PduView& whole,
                                                                           const PeerSide& to, const LongRules& rules,
                                                                           std::uint16_t reference,
                                                                           smpp::PduBuilder& builder,
                                                                           std::vector<std::uint8_t>& out);

// A client's own part, marked by header or TLVs as `rules` say, under `reference` where there is one. False, and
// nothing is written, when it stays as it is: also where the header would leave no room for its text.
[[nodiscard]] bool rewrite_part(const smpp::PduView& part, const PeerSide& to, const LongRules& rules,
                                std::optional<std::uint16_t> reference, smpp::PduBuilder& builder,
                                std::vector<std::uint8_t>& out);

}  // namespace smppd::flow
