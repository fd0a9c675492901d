// Requests about earlier messages: query_sm, cancel_sm, replace_sm, the broadcast pair and what only 3.3 has.
#pragma once

#include "smpp/pdu_view.h"

namespace smppd::sim {

class Session;

// Answers on `session`, at once or after asking the shard that has the message.
void answer_operation(Session& session, const smpp::PduView& request) noexcept;

}  // namespace smppd::sim
