// A look ahead in the octets of one read of a link, as foresee_routes() is one in a session's (ports.h). Used on the
// shard's thread.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "flow/receipts.h"
#include "message/ids.h"

namespace smppd::flow {

// How many PDUs that are worth it a look goes ahead, at most.
inline constexpr std::size_t kPdusAhead = 16;

// Of an SMSC's receipts: fetches their messages. For a desk that is_cold(). Says what foresee_routes() says.
[[nodiscard]] std::size_t foresee_receipts(const ReceiptDesk& receipts, message::UpstreamId upstream,
                                           ByteSpan bytes) noexcept;

}  // namespace smppd::flow
