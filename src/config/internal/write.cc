#include "config/internal/write.h"

#include <algorithm>

#include <fmt/format.h>

namespace smppd::config {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': result += "\\\""; break;
      case '\\': result += "\\\\"; break;
      case '\n': result += "\\n"; break;
      case '\r': result += "\\r"; break;
      case '\t': result += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          result += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
          result += c;
        }
    }
  }
  return result += '"';
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A word that no YAML reader takes for anything but text.
bool is_plain_word(std::string_view text) {
  static constexpr std::string_view kReserved[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
  if (text.empty() || !is_letter(text[0])) return false;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return is_letter(c) ? static_cast<char>(c | 0x20) : c; });
  if (std::ranges::find(kReserved, lower) != std::end(kReserved)) return false;
  return std::ranges::all_of(
      text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '/'; });
}

std::string yaml_scalar(const Node& node) {
  if (node.is_null()) return "null";
  if (node.plain || is_plain_word(node.text)) return node.text;
  return quoted(node.text);
}

bool is_flow(const Node& node) {
  return (node.is_list() && std::ranges::all_of(node.items, [](const Node& item) { return item.is_scalar(); })) ||
         (node.is_map() && node.entries.empty());
}

std::string yaml_flow(const Node& node) {
  if (node.is_map()) return "{}";
  std::string result = "[";
  for (const Node& item : node.items) result += (result.size() > 1 ? ", " : "") + yaml_scalar(item);
  return result + "]";
}

void yaml_block(std::string& out, const Node& node, std::size_t indent);

void yaml_after(std::string& out, const Node& value, std::size_t indent) {
  if (value.is_scalar() || value.is_null()) {
    out += " " + yaml_scalar(value) + "\n";
  } else if (is_flow(value)) {
    out += " " + yaml_flow(value) + "\n";
  } else {
    out += "\n";
    yaml_block(out, value, indent);
  }
}

void yaml_block(std::string& out, const Node& node, std::size_t indent) {
  for (const Entry& entry : node.entries) {
    out += std::string(indent, ' ') + (is_plain_word(entry.key) ? entry.key : quoted(entry.key)) + ":";
    yaml_after(out, entry.value, indent + 2);
  }
  for (const Node& item : node.items) {
    if (item.is_map() && !item.entries.empty()) {
      std::string block;
      yaml_block(block, item, indent + 2);
      block.replace(indent, 1, "-");  // the dash takes the place of the first key's indent
      out += block;
    } else {
      out += std::string(indent, ' ') + "-";
      yaml_after(out, item, indent + 2);
    }
  }
}

std::string json_scalar(const Node& node) {
  if (node.is_null()) return "null";
  return node.plain ? node.text : quoted(node.text);
}

void json_value(std::string& out, const Node& node, std::size_t indent) {
  if (node.is_scalar() || node.is_null()) {
    out += json_scalar(node);
    return;
  }
  const bool is_map = node.is_map();
  if (node.items.empty() && node.entries.empty()) {
    out += is_map ? "{}" : "[]";
    return;
  }
  const bool one_line = is_flow(node);
  const std::string pad = one_line ? "" : "\n" + std::string(indent + 2, ' ');
  bool first = true;
  const auto begin = [&] {
    out += (first ? "" : one_line ? ", " : ",") + pad;
    first = false;
  };
  out += is_map ? '{' : '[';
  for (const Entry& entry : node.entries) {
    begin();
    out += quoted(entry.key) + ": ";
    json_value(out, entry.value, indent + 2);
  }
  for (const Node& item : node.items) {
    begin();
    json_value(out, item, indent + 2);
  }
  if (!one_line) out += "\n" + std::string(indent, ' ');
  out += is_map ? '}' : ']';
}

std::string toml_key(const std::string& key) {
  const bool bare = !key.empty() && std::ranges::all_of(key, [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-';
  });
  return bare ? key : quoted(key);
}

std::string toml_inline(const Node& node) {
  if (node.is_scalar() || node.is_null()) return json_scalar(node);
  std::string result;
  for (const Entry& entry : node.entries) {
    result += (result.empty() ? "" : ", ") + toml_key(entry.key) + " = " + toml_inline(entry.value);
  }
  for (const Node& item : node.items) result += (result.empty() ? "" : ", ") + toml_inline(item);
  return node.is_map() ? "{ " + result + " }" : "[" + result + "]";
}

bool is_table_list(const Node& node) {
  return node.is_list() && !node.items.empty() &&
         std::ranges::all_of(node.items, [](const Node& item) { return item.is_map(); });
}

void toml_table(std::string& out, const Node& node, const std::string& path) {
  const auto is_table = [](const Node& value) { return value.is_map() || is_table_list(value); };
  for (const Entry& entry : node.entries) {
    if (!is_table(entry.value)) out += toml_key(entry.key) + " = " + toml_inline(entry.value) + "\n";
  }
  for (const Entry& entry : node.entries) {
    const std::string name = path.empty() ? toml_key(entry.key) : path + "." + toml_key(entry.key);
    if (entry.value.is_map()) {
      out += "\n[" + name + "]\n";
      toml_table(out, entry.value, name);
    } else if (is_table_list(entry.value)) {
      for (const Node& item : entry.value.items) {
        out += "\n[[" + name + "]]\n";
        toml_table(out, item, name);
      }
    }
  }
}

}  // namespace

std::string to_yaml(const Node& node) {
  if (node.is_scalar() || node.is_null()) return yaml_scalar(node) + "\n";
  if (is_flow(node)) return yaml_flow(node) + "\n";
  std::string out;
  yaml_block(out, node, 0);
  return out;
}

std::string to_json(const Node& node) {
  std::string out;
  json_value(out, node, 0);
  return out + "\n";
}

std::string to_toml(const Node& node) {
  std::string out;
  toml_table(out, node, "");
  return out;
}

}  // namespace smppd::config
