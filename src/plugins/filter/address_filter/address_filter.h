// `middleware: - type: address_filter`: a client's `addresses`, allowed and blocked sources and destinations. Refused:
// ESME_RINVSRCADR, ESME_RINVDSTADR.
#pragma once

#include "flow/filter.h"

namespace smppd::plugins {

extern const flow::FilterPlugin kAddressFilter;

}  // namespace smppd::plugins
