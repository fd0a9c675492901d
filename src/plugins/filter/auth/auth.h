// `middleware: - type: auth`: refuses messages of sessions that bound without being a client (`anonymous` listeners).
// Binds are checked by the listener whether this filter is there or not.
#pragma once

#include "flow/filter.h"

namespace smppd::plugins {

extern const flow::FilterPlugin kAuthFilter;

}  // namespace smppd::plugins
