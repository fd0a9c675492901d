// `middleware: - type: protocol`: messages of clients of one version are made what another version allows, before
// routes see them: `version_mapping: {"5.0": "3.4"}`. Upwards nothing needs changing; downwards go
//   to 3.4: TLVs that 5.0 brought, and "receipt on success only" becomes "receipt";
//   to 3.3: all TLVs (message_payload becomes short_message, SAR parameters a user data header), and what
//   registered_delivery asks for beyond a receipt. What does not fit then is answered ESME_RINVMSGLEN.
// Links speak their SMSC's version in any case; this is for gateways that promise one version to all carriers.
#pragma once

#include "flow/filter.h"

namespace smppd::plugins {

extern const flow::FilterPlugin kProtocolFilter;

}  // namespace smppd::plugins
