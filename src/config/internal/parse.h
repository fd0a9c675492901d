// Text to tree. Control thread only. Every diagnostic carries its line; nothing throws.
//
// Refused: invalid UTF-8, NUL and other control bytes, duplicate keys, nesting beyond kMaxDepth, aliases that grow
// beyond kMaxAliased nodes or contain themselves, a second document.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/internal/node.h"
#include "config/loader.h"

namespace smppd::config {

inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxText = 64'000'000;  // octets
inline constexpr std::size_t kMaxNodes = 4'000'000;
inline constexpr std::size_t kMaxAliased = 100'000;

// An empty document is an empty map. Without a result at least one error has been added; with one there may be some
// too.
[[nodiscard]] std::optional<Node> parse(std::string_view text, Format format, std::vector<Diagnostic>& diagnostics);

// The parts of parse(), on text that is known to be valid UTF-8 of a bearable size.
[[nodiscard]] std::optional<Node> parse_yaml(std::string_view text, std::vector<Diagnostic>& diagnostics);
[[nodiscard]] std::optional<Node> parse_json(std::string_view text, std::vector<Diagnostic>& diagnostics);
[[nodiscard]] std::optional<Node> parse_toml(std::string_view text, std::vector<Diagnostic>& diagnostics);

void add_error(std::vector<Diagnostic>& diagnostics, Position at, std::string path, std::string message);

// Reports every key that is there twice.
void check_duplicates(const Node& map, std::string_view path, std::vector<Diagnostic>& diagnostics);

// Offset of the first octet that is not UTF-8, or npos.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text) noexcept;

// Appends the code point as UTF-8.
void append_utf8(std::string& text, char32_t code_point);

}  // namespace smppd::config
