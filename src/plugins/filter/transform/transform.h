// `middleware: - type: transform`: rules that rewrite messages of clients. Every rule whose match holds is applied, in
// the order written; each sees the message as those before it left it. docs/middleware.md has the fields.
//
// Text is changed as text: decoded by data_coding and the client's default alphabet, written again in the same alphabet
// or, when that lacks a character, in UCS-2; the user data header stays. A text that no longer fits goes into
// message_payload, or is refused with ESME_RINVMSGLEN when it is a part of a long message or the peer speaks 3.3.
// Messages in no alphabet (binary) keep their content.
#pragma once

#include "flow/filter.h"

namespace smppd::plugins {

extern const flow::FilterPlugin kTransformFilter;

}  // namespace smppd::plugins
