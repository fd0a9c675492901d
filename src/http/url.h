// The parts of a request's target (RFC 3986). Pure functions for text a peer wrote.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smppd::http {

// "%41" -> "A". Nothing when an escape is cut short, not hexadecimal, or stands for NUL. '+' stays unless it is a
// form's.
enum class Plus { kLiteral, kSpace };
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, Plus plus = Plus::kLiteral);

// For a segment of a path or a value of a query; percent_decode() gives it back.
[[nodiscard]] std::string percent_encode(std::string_view text);

// The first value of `key` in "a=1&b=2"; a key without "=" has an empty value. Pairs with broken escapes are skipped.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view key);

}  // namespace smppd::http
