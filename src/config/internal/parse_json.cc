// Strict RFC 8259 with a position for every value, which Boost.JSON does not keep.
#include <algorithm>

#include <fmt/format.h>

#include "config/internal/parse.h"

namespace smppd::config {
namespace {

class JsonParser {
 public:
  JsonParser(std::string_view text, std::vector<Diagnostic>& diagnostics) : text_(text), diagnostics_(diagnostics) {}

  std::optional<Node> run() {
    skip_space();
    if (at_end()) return map_node();
    Node root;
    if (!value(root, {}, 0)) return std::nullopt;
    skip_space();
    if (!at_end()) return refuse("text after the end of the JSON value"), std::nullopt;
    return root;
  }

 private:
  [[nodiscard]] bool at_end() const { return offset_ >= text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[offset_]; }
  [[nodiscard]] Position here() const { return {line_, static_cast<int>(offset_ - line_start_) + 1}; }

  bool refuse(std::string message) {
    add_error(diagnostics_, here(), {}, "not valid JSON: " + std::move(message));
    return false;
  }

  void skip_space() {
    for (; !at_end(); ++offset_) {
      const char c = text_[offset_];
      if (c == '\n') {
        ++line_;
        line_start_ = offset_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  bool accept(char c) {
    skip_space();
    if (peek() != c) return false;
    ++offset_;
    return true;
  }

  bool value(Node& out, const std::string& path, std::size_t depth) {
    skip_space();
    if (depth > kMaxDepth) return refuse(fmt::format("nested more than {} levels deep", kMaxDepth));
    if (++nodes_ > kMaxNodes) return refuse(fmt::format("more than {} values in the file", kMaxNodes));
    const Position at = here();
    switch (peek()) {
      case '{': out = map_node({}, at); return object(out, path, depth);
      case '[': out = list_node({}, at); return array(out, path, depth);
      case '"': out = text_node({}, at); return string(out.text);
      default: return word(out, at);
    }
  }

  bool object(Node& out, const std::string& path, std::size_t depth) {
    ++offset_;
    if (accept('}')) return true;
    do {
      skip_space();
      Entry entry;
      entry.at = here();
      if (peek() != '"') return refuse("expected a key in quotes");
      if (!string(entry.key)) return false;
      if (!accept(':')) return refuse("expected `:` after the key");
      if (!value(entry.value, join_path(path, entry.key), depth + 1)) return false;
      out.entries.push_back(std::move(entry));
    } while (accept(','));
    check_duplicates(out, path, diagnostics_);
    return accept('}') || refuse("expected `,` or `}`");
  }

  bool array(Node& out, const std::string& path, std::size_t depth) {
    ++offset_;
    if (accept(']')) return true;
    do {
      Node item;
      if (!value(item, join_path(path, out.items.size()), depth + 1)) return false;
      out.items.push_back(std::move(item));
    } while (accept(','));
    return accept(']') || refuse("expected `,` or `]`");
  }

  bool string(std::string& out) {
    ++offset_;
    for (; !at_end(); ++offset_) {
      const char c = text_[offset_];
      if (c == '"') return ++offset_, true;
      if (static_cast<unsigned char>(c) < 0x20) break;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return refuse("a string without its closing quote");
  }

  bool escape(std::string& out) {
    ++offset_;
    switch (peek()) {
      case '"': out += '"'; return true;
      case '\\': out += '\\'; return true;
      case '/': out += '/'; return true;
      case 'b': out += '\b'; return true;
      case 'f': out += '\f'; return true;
      case 'n': out += '\n'; return true;
      case 'r': out += '\r'; return true;
      case 't': out += '\t'; return true;
      case 'u': break;
      default: return refuse("an escape that JSON does not have");
    }
    std::optional<char32_t> unit = code_unit();
    if (unit && *unit >= 0xD800 && *unit <= 0xDBFF && text_.substr(offset_ + 1, 2) == "\\u") {
      offset_ += 2;
      const std::optional<char32_t> low = code_unit();
      if (!low || *low < 0xDC00 || *low > 0xDFFF) return refuse("half of a surrogate pair");
      unit = 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00);
    }
    if (!unit) return refuse("\\u without four hexadecimal digits");
    if (*unit >= 0xD800 && *unit <= 0xDFFF) return refuse("half of a surrogate pair");
    append_utf8(out, *unit);
    return true;
  }

  // At the `u`; leaves the offset on the last digit.
  std::optional<char32_t> code_unit() {
    char32_t unit = 0;
    for (int i = 0; i < 4; ++i) {
      ++offset_;
      const char c = peek();
      if (c >= '0' && c <= '9') {
        unit = unit * 16 + static_cast<char32_t>(c - '0');
      } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        unit = unit * 16 + static_cast<char32_t>((c | 0x20) - 'a' + 10);
      } else {
        return std::nullopt;
      }
    }
    return unit;
  }

  bool word(Node& out, Position at) {
    const std::size_t start = offset_;
    while (!at_end() && !is_delimiter(text_[offset_])) ++offset_;
    const std::string_view found = text_.substr(start, offset_ - start);
    if (found == "null") {
      out.at = at;
      return true;
    }
    if (found == "true" || found == "false" || is_number(found)) {
      out = plain_node(std::string(found), at);
      return true;
    }
    offset_ = start;
    return refuse(found.empty() ? "expected a value" : fmt::format("`{}` needs quotes", found));
  }

  static bool is_delimiter(char c) { return std::string_view(" \t\r\n,:]}[{\"").find(c) != std::string_view::npos; }

  static bool is_number(std::string_view text) {
    const auto digits = [&text] {
      const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
      text.remove_prefix(end);
      return end;
    };
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool zero = text.starts_with('0');
    const std::size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      if (digits() == 0) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
      text.remove_prefix(1);
      if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
      if (digits() == 0) return false;
    }
    return text.empty();
  }

  std::string_view text_;
  std::vector<Diagnostic>& diagnostics_;
  std::size_t offset_ = 0;
  std::size_t line_start_ = 0;
  std::size_t nodes_ = 0;
  int line_ = 1;
};

}  // namespace

std::optional<Node> parse_json(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  return JsonParser(text, diagnostics).run();
}

}  // namespace smppd::config
