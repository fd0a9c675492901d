// What must change in a message because the peers at its two ends differ: version, default alphabet, limits, defaults.
// SMPP 3.4 §4.4, §5.3.2.32 (message_payload); interop rows 37, 39, 44, 45. UDH octets are never transcoded.
#pragma once

#include <expected>
#include <vector>

#include "flow/filter.h"
#include "flow/snapshot.h"
#include "message/facts.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"

namespace smppd::flow {

// The quick question of the message path; false for nearly every message.
[[nodiscard]] bool needs_adapting(const smpp::PduView& view, const message::MessageFacts& facts, const PeerSide& from,
                                  const UpstreamFacts& to) noexcept;

// A message of 3.4 or 5.0 whose sender means the same alphabet has nothing to be changed for this upstream when its
// text has fewer octets: UpstreamFacts::plain_below, once everything else there is known.
[[nodiscard]] std::uint32_t plain_below(const UpstreamFacts& to) noexcept;

// Writes the message for the upstream to `out`. The error is what the client is told: ESME_RINVMSGLEN when the text
// does not fit what the peer's version can carry, ESME_RSYSERR when a filter left fields that cannot be encoded.
[[nodiscard]] std::expected<void, smpp::CommandStatus> adapt(Draft& draft, const message::MessageFacts& facts,
                                                             const PeerSide& from, const UpstreamFacts& to,
                                                             smpp::PduBuilder& builder, std::vector<std::uint8_t>& out);

// The same but for the length: the whole text, in short_message or message_payload of 3.4 at least, to be cut.
[[nodiscard]] std::expected<void, smpp::CommandStatus> adapt_whole(Draft& draft, const message::MessageFacts& facts,
                                                                   const PeerSide& from, const UpstreamFacts& to,
                                                                   smpp::PduBuilder& builder,
                                                                   std::vector<std::uint8_t>& out);

// Octets this peer takes in short_message.
[[nodiscard]] std::size_t short_message_limit(const PeerSide& to) noexcept;

// Whether a deliver_sm or data_sm may go to a client as it is; so nearly all do.
[[nodiscard]] bool fits_as_it_is(const smpp::PduView& view, const PeerSide& from, const PeerSide& to) noexcept;

// The same for a deliver_sm or data_sm towards a client. `edited`: what a filter or the receipt writer made of it.
[[nodiscard]] std::expected<void, smpp::CommandStatus> adapt_delivery(const smpp::PduView& view,
                                                                      const smpp::PduBuilder* edited,
                                                                      const PeerSide& from, const PeerSide& to,
                                                                      smpp::PduBuilder& builder,
                                                                      std::vector<std::uint8_t>& out);

}  // namespace smppd::flow
