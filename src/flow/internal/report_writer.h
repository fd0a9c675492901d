// Receipts for clients, written by a builder: those of SMSCs that cannot be spliced (report_splice.h), and our own for
// messages that never reached one.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "accounts/client_registry.h"
#include "base/time.h"
#include "flow/receipts.h"
#include "message/facts.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"

namespace smppd::flow {

struct ReportShape {
  std::string_view id;  // as the client knows it
  bool swap_addresses = false;
  const accounts::ReceiptStyle* style = nullptr;  // null: the text as the SMSC wrote it

  // Nothing but the id changes, as far as the client is concerned.
  [[nodiscard]] bool is_plain() const noexcept { return !swap_addresses && (style == nullptr || !style->text); }
};

// The same PDU under our id: in the text, in the TLV, and as text where there was none. `now` stands for dates that are
// missing. Whatever splice_report() would write is the same, but for the order of TLVs.
void write_report(const smpp::PduView& view, const Report& report, const ReportShape& shape, WallTime now,
                  smpp::PduBuilder& builder) noexcept;

// A message's end that no SMSC tells: it expired here, was refused for good, or was cancelled.
struct OwnReceipt {
  std::string_view id;  // as the client knows it
  smpp::MessageState state = smpp::MessageState::unknown;
  std::uint16_t error = 0;  // err:
  WallTime submitted{};
  WallTime done{};
  const accounts::ReceiptStyle* style = nullptr;  // the client's; null: the usual text
};

// A deliver_sm of version 3.4 with sequence_number 0 in `out`, which it replaces, for adapt_delivery() from a PeerSide
// with the alphabet of the client. `message` is as the client sent it. False, and `out` is as before, when its
// registered_delivery (3.4 §5.2.17) asks for no such receipt or the client wants none in between.
[[nodiscard]] bool write_own_receipt(const message::MessageFacts& message, const OwnReceipt& receipt,
                                     std::vector<std::uint8_t>& out);

// Whether registered_delivery and the client's style ask for a receipt with this state.
[[nodiscard]] bool is_receipt_wanted(std::uint8_t registered_delivery, smpp::MessageState state,
                                     const accounts::ReceiptStyle* style) noexcept;

}  // namespace smppd::flow
