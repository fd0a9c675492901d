// Numbers as operators write them: decimal or 0x hexadecimal, nothing around them.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace smppd::smpp {

[[nodiscard]] inline std::optional<std::uint32_t> parse_number(std::string_view text) noexcept {
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace smppd::smpp
