// Plain-ASCII stand-ins for characters an alphabet lacks: typographic punctuation, ligatures, letters without their
// marks, Greek letters and Cyrillic by sound. Empty when there is no fair stand-in.
#pragma once

#include <string_view>

namespace smppd::smpp::text_internal {

[[nodiscard]] std::string_view transliteration(char32_t character) noexcept;

}  // namespace smppd::smpp::text_internal
