// `middleware: - type: rate_limit`: a client's `rate_limit`, over all its sessions and all shards. Above it a message
// is answered ESME_RTHROTTLED. Clients without a rate and senders that are no clients pass.
#pragma once

#include "flow/filter.h"

namespace smppd::plugins {

extern const flow::FilterPlugin kRateLimitFilter;

}  // namespace smppd::plugins
