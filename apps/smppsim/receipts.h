// The reports a message sets off: planned when it is accepted, sent as its time comes. On the message's shard.
#pragma once

#include <string_view>

#include "smppsim/message_store.h"
#include "smppsim/shard.h"

namespace smppd::sim {

// Draws the message's end and whether somebody is told.
void plan_receipt(Message& message, const ReceiptPlan& plan, Duration latency) noexcept;
// Before the response, for the share that overtakes it.
void send_early_receipt(Message& message) noexcept;
// After the response was written or, with latency, given away: reports now or when it has left.
void start_receipts(Message& message, Duration latency) noexcept;
// Timer::Fire of messages.
void on_message_due(void* message) noexcept;
// The message ends now in `state` (cancel_sm); its receipt follows at once if one is wanted.
void end_message(Message& message, smpp::MessageState state) noexcept;

// The ids of a message; views into `buffer` (IdFormat::kMaxSize octets) or the message.
[[nodiscard]] std::string_view response_id_of(const Message& message, char* buffer) noexcept;
[[nodiscard]] std::string_view receipt_id_of(const Message& message, char* buffer) noexcept;

// The receipt text of a plan: Appendix B of 3.4 or the plan's template.
[[nodiscard]] std::string receipt_text(const ReceiptPlan& plan, const Message& message, std::string_view id,
                                       smpp::MessageState state, WallTime done);

}  // namespace smppd::sim
