// Text that others wrote, made safe for our own output. Any thread; pure functions.
#pragma once

#include <string>
#include <string_view>

namespace smppd::telemetry {

// Appends `text` as a JSON string with its quotes (RFC 8259 §7). Each byte that is not part of well-formed UTF-8
// becomes U+FFFD; control characters are escaped, so the result never contains a line break.
void append_json_string(std::string& out, std::string_view text);

// `text` with every malformed byte replaced by U+FFFD; for producers that escape but do not check, such as Boost.JSON.
[[nodiscard]] std::string valid_utf8(std::string_view text);

}  // namespace smppd::telemetry
