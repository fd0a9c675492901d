// `middleware: - type: logger`: a line for each message, MT and MO, and one for each outcome, at `level`. Addresses are
// in the line; the text only with `text: true`.
#pragma once

#include "flow/filter.h"

namespace smppd::plugins {

extern const flow::FilterPlugin kLoggerFilter;

}  // namespace smppd::plugins
