#include <sstream>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/internal/parse.h"

namespace smppd::config {
namespace {

Position from(const toml::source_position& position) {
  return {static_cast<int>(position.line), static_cast<int>(position.column)};
}

Node convert(const toml::node& from_toml);

Node convert_scalar(const toml::node& value, Position at) {
  if (const auto* text = value.as_string()) return text_node(text->get(), at);
  if (const auto* number = value.as_integer()) return plain_node(std::to_string(number->get()), at);
  if (const auto* number = value.as_floating_point()) return plain_node(fmt::format("{}", number->get()), at);
  if (const auto* truth = value.as_boolean()) return plain_node(truth->get() ? "true" : "false", at);
  std::ostringstream text;  // dates and times
  value.visit([&text](const auto& any) {
    if constexpr (toml::is_chronological<decltype(any)>) text << any;
  });
  return text_node(text.str(), at);
}

Node convert(const toml::node& from_toml) {
  const Position at = from(from_toml.source().begin);
  if (const toml::table* table = from_toml.as_table()) {
    Node node = map_node({}, at);
    for (const auto& [key, value] : *table) {
      node.entries.push_back({std::string(key.str()), from(key.source().begin), convert(value)});
    }
    return node;
  }
  if (const toml::array* array = from_toml.as_array()) {
    Node node = list_node({}, at);
    for (const toml::node& value : *array) node.items.push_back(convert(value));
    return node;
  }
  return convert_scalar(from_toml, at);
}

// toml++ bounds nested values but not dotted keys, whose tables nest just as deep. Returns the line with too many dots
// outside strings and comments, or 0.
int find_deep_key(std::string_view text) {
  std::string_view closing;  // of the string we are in
  int line = 1;
  std::size_t dots = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      dots = 0;
      if (closing.size() == 1) closing = {};
    } else if (!closing.empty()) {
      if (c == '\\' && closing[0] == '"') {
        ++i;
      } else if (text.substr(i).starts_with(closing)) {
        i += closing.size() - 1;
        closing = {};
      }
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '"' || c == '\'') {
      const bool multi_line = text.substr(i, 3) == std::string(3, c);
      closing = text.substr(i, multi_line ? 3 : 1);
      i += closing.size() - 1;
    } else if (c == '.' && ++dots > kMaxDepth) {
      return line;
    }
  }
  return 0;
}

}  // namespace

std::optional<Node> parse_toml(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  if (const int line = find_deep_key(text); line != 0) {
    add_error(diagnostics, {line, 1}, {}, fmt::format("nested more than {} levels deep", kMaxDepth));
    return std::nullopt;
  }
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    add_error(diagnostics, from(error.source().begin), {}, "not valid TOML: " + std::string(error.description()));
    return std::nullopt;
  }
}

}  // namespace smppd::config
