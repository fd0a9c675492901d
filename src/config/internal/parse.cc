#include "config/internal/parse.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

namespace smppd::config {
namespace {

Position position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
          1 + static_cast<int>(offset - line_start)};
}

// Length of a well-formed UTF-8 sequence at the start of text, or 0 (no overlong forms, no surrogates).
std::size_t utf8_length(std::string_view text) noexcept {
  const auto octet = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t count) {
    if (text.size() <= count) return false;
    for (std::size_t i = 1; i <= count; ++i) {
      if ((octet(i) & 0xC0) != 0x80) return false;
    }
    return true;
  };
  const unsigned char first = octet(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(2)) return 0;
    const bool overlong = first == 0xE0 && octet(1) < 0xA0;
    const bool surrogate = first == 0xED && octet(1) > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(3)) return 0;
    const bool overlong = first == 0xF0 && octet(1) < 0x90;
    const bool beyond = first == 0xF4 && octet(1) > 0x8F;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

std::size_t find_control(std::string_view text) noexcept {
  const auto found = std::find_if(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet < 0x20 && c != '\n' && c != '\r' && c != '\t') || octet == 0x7F;
  });
  return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i, 4));
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

void append_utf8(std::string& text, char32_t code_point) {
  const auto put = [&text](char32_t octet) { text += static_cast<char>(static_cast<unsigned char>(octet)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

void add_error(std::vector<Diagnostic>& diagnostics, Position at, std::string path, std::string message) {
  diagnostics.push_back({Diagnostic::Severity::kError, {}, at.line, at.column, std::move(path), std::move(message)});
}

void check_duplicates(const Node& map, std::string_view path, std::vector<Diagnostic>& diagnostics) {
  std::unordered_map<std::string_view, int> seen;
  for (const Entry& entry : map.entries) {
    const auto [first, is_new] = seen.try_emplace(entry.key, entry.at.line);
    if (!is_new) {
      add_error(diagnostics, entry.at, join_path(path, entry.key),
                fmt::format("the key is there twice, first in line {}; keep one of them", first->second));
    }
  }
}

std::optional<Node> parse(std::string_view text, Format format, std::vector<Diagnostic>& diagnostics) {
  if (text.size() > kMaxText) {
    add_error(diagnostics, {}, {}, fmt::format("the file has {} octets; at most {} are read", text.size(), kMaxText));
    return std::nullopt;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const std::size_t bad = find_invalid_utf8(text); bad != std::string_view::npos) {
    add_error(diagnostics, position_of(text, bad), {},
              fmt::format("octet 0x{:02X} is not valid UTF-8; save the file as UTF-8",
                          static_cast<unsigned char>(text[bad])));
    return std::nullopt;
  }
  if (const std::size_t bad = find_control(text); bad != std::string_view::npos) {
    add_error(diagnostics, position_of(text, bad), {},
              fmt::format("control character 0x{:02X} in the file", static_cast<unsigned char>(text[bad])));
    return std::nullopt;
  }
  switch (format) {
    case Format::kYaml: return parse_yaml(text, diagnostics);
    case Format::kJson: return parse_json(text, diagnostics);
    case Format::kToml: return parse_toml(text, diagnostics);
  }
  return std::nullopt;
}

}  // namespace smppd::config
