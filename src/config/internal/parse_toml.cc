#include <sstream>

// toml++ 3.3 asserts where some malformed texts lead it (`[` and a line end), or assumes the opposite with NDEBUG: here
// it throws in every build.
namespace smppd::config {
[[noreturn]] void toml_parser_is_lost();
}
#undef NDEBUG
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : ::smppd::config::toml_parser_is_lost())
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/internal/parse.h"

namespace smppd::config {
namespace {

struct ParserIsLost {};

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

// Walks over strings and comments to find what toml++ 3.3 cannot be given: keys of so many dotted parts that their
// tables nest deeper than it bounds, and octets beyond ASCII where it asks whether they are white space, because its
// character tables end in undefined behaviour: outside strings (TOML wants such keys in quotes anyway) and first in a
// line that a backslash joins to the one before.
class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  // What is wrong, at line(); empty if nothing is.
  std::string run() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        next_line();
      } else if (!closing_.empty()) {
        if (leads_beyond_ascii(c))
          return "not valid TOML: a letter beyond ASCII may not come first after a backslash, nor in the line that one "
                 "joins";
        inside_string(c);
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
      } else if (c == '"' || c == '\'') {
        if (in_a_word()) return "not valid TOML: a quote in the middle of a word";
        const bool multi_line = text_.substr(at_, 3) == std::string(3, c);
        closing_ = text_.substr(at_, multi_line ? 3 : 1);
        at_ += closing_.size() - 1;
      } else if (static_cast<unsigned char>(c) >= 0x80) {
        return "not valid TOML: letters beyond ASCII need quotes";
      } else if (c == '.' && ++dots_ > kMaxDepth) {
        return fmt::format("nested more than {} levels deep", kMaxDepth);
      }
    }
    return {};
  }
  [[nodiscard]] int line() const { return line_; }

 private:
  // What comes before may be a value to toml++, which then looks at what follows the quote as if it were outside
  // strings.
  [[nodiscard]] bool in_a_word() const {
    return at_ > 0 && std::string_view(" \t\r\n=[]{},.").find(text_[at_ - 1]) == std::string_view::npos;
  }
  void next_line() {
    ++line_;
    dots_ = 0;
    if (closing_.size() == 1) closing_ = {};
  }
  // Whether `c` is a backslash in a multi-line string before an octet beyond ASCII, white space between them or none.
  [[nodiscard]] bool leads_beyond_ascii(char c) const {
    if (c != '\\' || closing_ != "\"\"\"") return false;
    const std::size_t next = text_.find_first_not_of(" \t\r\n", at_ + 1);
    return next != std::string_view::npos && static_cast<unsigned char>(text_[next]) >= 0x80;
  }
  void inside_string(char c) {
    if (c == '\\' && closing_[0] == '"') {
      if (text_.substr(at_ + 1, 1) != "\n") ++at_;
    } else if (text_.substr(at_).starts_with(closing_)) {
      at_ += closing_.size() - 1;
      // Up to two quotes may stand before the three that close.
      for (int i = 0; closing_.size() == 3 && i < 2 && text_.substr(at_ + 1, 1) == closing_.substr(0, 1); ++i) ++at_;
      closing_ = {};
    }
  }

  std::string_view text_;
  std::string_view closing_;  // of the string we are in
  std::size_t at_ = 0;
  std::size_t dots_ = 0;
  int line_ = 1;
};

}  // namespace

void toml_parser_is_lost() { throw ParserIsLost{}; }

std::optional<Node> parse_toml(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  Scan scan(text);
  if (std::string wrong = scan.run(); !wrong.empty()) {
    add_error(diagnostics, {scan.line(), 1}, {}, std::move(wrong));
    return std::nullopt;
  }
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    add_error(diagnostics, from(error.source().begin), {}, "not valid TOML: " + std::string(error.description()));
    return std::nullopt;
  } catch (const ParserIsLost&) {
    add_error(diagnostics, {}, {}, "not valid TOML: a table header, key or value is malformed");
    return std::nullopt;
  }
}

}  // namespace smppd::config
