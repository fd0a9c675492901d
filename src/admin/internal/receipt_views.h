// JSON of receipts for the management listener.
#pragma once

#include <string>
#include <vector>

#include "admin/receipt_backend.h"

namespace smppd::admin {

[[nodiscard]] std::string formats_json(std::vector<ReceiptFormat> formats);
[[nodiscard]] std::string unmatched_json(const UnmatchedReceipts& unmatched);
[[nodiscard]] std::string replay_json(const ReplayOutcome& outcome);

}  // namespace smppd::admin
