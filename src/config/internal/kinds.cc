#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/internal/kind.h"

namespace smppd::config {
namespace {

Node type_schema(std::string type) { return map_node({{"type", text_node(std::move(type))}}); }

std::string quote(std::string_view text) {
  constexpr std::size_t kShown = 60;
  if (text.size() <= kShown) return fmt::format("`{}`", text);
  std::size_t cut = kShown;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return fmt::format("`{}...` ({} octets)", text.substr(0, cut), text.size());
}

template <class V>
std::optional<V> parse_whole(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal) text.remove_prefix(2);
  if (!hexadecimal && text.size() > 1 && text[0] == '0') return std::nullopt;  // would be octal to some readers
  V value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
  if (status != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// "1.5s" -> 1.5 and "s"; the text after them stays.
bool take_quantity(std::string_view& text, double& amount, std::string_view& unit) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::optional<double> value = parse_number(text.substr(0, digits));
  if (!value) return false;
  amount = *value;
  text.remove_prefix(digits);
  const std::size_t letters = std::min(text.find_first_of("0123456789."), text.size());
  unit = text.substr(0, letters);
  text.remove_prefix(letters);
  return true;
}

std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis(0);
  static const std::map<std::string_view, double> kUnits{{"ms", 1},      {"s", 1e3},      {"m", 60e3},
                                                         {"h", 3'600e3}, {"d", 86'400e3}, {"w", 604'800e3}};
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    double amount = 0;
    std::string_view unit;
    if (!take_quantity(text, amount, unit)) return std::nullopt;
    const auto found = kUnits.find(unit);
    if (found == kUnits.end()) return std::nullopt;
    total += amount * found->second;
  }
  if (total > 1e15) return std::nullopt;
  return Millis(std::llround(total));
}

std::string write_duration(Millis value) {
  static constexpr std::pair<long long, const char*> kUnits[] = {
      {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}};
  for (const auto& [factor, unit] : kUnits) {
    if (value.count() != 0 && value.count() % factor == 0) return fmt::format("{}{}", value.count() / factor, unit);
  }
  return value.count() == 0 ? "0" : fmt::format("{}ms", value.count());
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  static const std::map<std::string_view, double> kUnits{{"", 1},         {"B", 1},        {"KB", 1e3},
                                                         {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12},
                                                         {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}};
  double amount = 0;
  std::string_view unit;
  if (!take_quantity(text, amount, unit) || !text.empty()) return std::nullopt;
  const auto found = kUnits.find(unit);
  if (found == kUnits.end() || amount * found->second > 1e18) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(amount * found->second));
}

std::string write_size(std::uint64_t value) {
  static constexpr std::pair<std::uint64_t, const char*> kUnits[] = {
      {1'000'000'000, "GB"}, {1'000'000, "MB"}, {1'000, "KB"}, {1U << 30, "GiB"}, {1U << 20, "MiB"}, {1U << 10, "KiB"}};
  for (const auto& [factor, unit] : kUnits) {
    if (value != 0 && value % factor == 0) return fmt::format("{}{}", value / factor, unit);
  }
  return std::to_string(value);
}

}  // namespace

std::optional<std::string> scalar_text(Reader& reader, const Node& node, std::string_view wanted) {
  if (!node.is_scalar()) {
    reader.error(node.at, fmt::format("expected {}, found {}", wanted, name_of(node.kind)));
    return std::nullopt;
  }
  return reader.expand(node);
}

template <class V>
Kind<V> integer(V min, V max) {
  const std::string name = fmt::format("integer, {} to {}", min, max);
  Node schema = type_schema("integer");
  schema.set("minimum", plain_node(std::to_string(min)));
  schema.set("maximum", plain_node(std::to_string(max)));
  return {name, std::move(schema),
          [min, max](Reader& reader, const Node& node, V& out) {
            const auto text = scalar_text(reader, node, "a whole number");
            if (!text) return;
            const auto value = parse_whole<std::int64_t>(*text);
            if (!value) return reader.error(node.at, quote(*text) + " is not a whole number");
            if (std::cmp_less(*value, min) || std::cmp_greater(*value, max)) {
              return reader.error(node.at, fmt::format("{} is out of bounds; allowed: {} to {}", *value, min, max));
            }
            out = static_cast<V>(*value);
          },
          [](const V& in) { return plain_node(std::to_string(in)); }, false};
}

template Kind<int> integer(int, int);
template Kind<std::uint8_t> integer(std::uint8_t, std::uint8_t);
template Kind<std::uint16_t> integer(std::uint16_t, std::uint16_t);
template Kind<std::uint32_t> integer(std::uint32_t, std::uint32_t);
template Kind<std::uint64_t> integer(std::uint64_t, std::uint64_t);

Kind<double> number(double min, double max) {
  Node schema = type_schema("number");
  schema.set("minimum", plain_node(fmt::format("{}", min)));
  schema.set("maximum", plain_node(fmt::format("{}", max)));
  return {fmt::format("number, {} to {}", min, max), std::move(schema),
          [min, max](Reader& reader, const Node& node, double& out) {
            const auto text = scalar_text(reader, node, "a number");
            if (!text) return;
            const auto value = parse_number(*text);
            if (!value) return reader.error(node.at, quote(*text) + " is not a number");
            if (*value < min || *value > max) {
              return reader.error(node.at, fmt::format("{} is out of bounds; allowed: {} to {}", *value, min, max));
            }
            out = *value;
          },
          [](const double& in) { return plain_node(fmt::format("{}", in)); }, false};
}

Kind<bool> boolean() {
  return {"boolean", type_schema("boolean"),
          [](Reader& reader, const Node& node, bool& out) {
            const auto text = scalar_text(reader, node, "true or false");
            if (!text) return;
            const bool yes = *text == "true" || *text == "yes" || *text == "on";
            const bool no = *text == "false" || *text == "no" || *text == "off";
            if (!yes && !no) return reader.error(node.at, quote(*text) + " is neither true nor false");
            out = yes;
          },
          [](const bool& in) { return plain_node(in ? "true" : "false"); }, false};
}

Kind<Millis> duration(Millis min, Millis max) {
  const std::string bounds = fmt::format("{} to {}", write_duration(min), write_duration(max));
  Node schema = map_node({{"type", list_node({text_node("string"), text_node("integer")})},
                          {"pattern", text_node("^(0|([0-9.]+(ms|s|m|h|d|w))+|.*\\$\\{.*)$")}});
  return {"duration, " + bounds, std::move(schema),
          [min, max, bounds](Reader& reader, const Node& node, Millis& out) {
            const auto text = scalar_text(reader, node, "a duration such as 30s");
            if (!text) return;
            const auto value = parse_duration(*text);
            if (!value) {
              const bool bare = parse_number(*text).has_value();
              return reader.error(node.at,
                                  quote(*text) + (bare ? " needs a unit: ms, s, m, h or d"
                                                       : " is not a duration; write 250ms, 30s, 5m, 1h or 30d"));
            }
            if (*value < min || *value > max) {
              return reader.error(node.at, fmt::format("{} is out of bounds; allowed: {}", *text, bounds));
            }
            out = *value;
          },
          [](const Millis& in) { return text_node(write_duration(in)); }, false};
}

Kind<std::uint64_t> size(std::uint64_t min, std::uint64_t max) {
  const std::string bounds = fmt::format("{} to {}", write_size(min), write_size(max));
  Node schema = map_node({{"type", list_node({text_node("string"), text_node("integer")})}});
  return {"size, " + bounds, std::move(schema),
          [min, max, bounds](Reader& reader, const Node& node, std::uint64_t& out) {
            const auto text = scalar_text(reader, node, "a size such as 100MB");
            if (!text) return;
            const auto value = parse_size(*text);
            if (!value) return reader.error(node.at, quote(*text) + " is not a size; write 512KB, 100MB or 2GB");
            if (*value < min || *value > max) {
              return reader.error(node.at, fmt::format("{} is out of bounds; allowed: {}", *text, bounds));
            }
            out = *value;
          },
          [](const std::uint64_t& in) { return text_node(write_size(in)); }, false};
}

Kind<std::string> text(std::size_t max) {
  Node schema = map_node({{"type", list_node({text_node("string"), text_node("number"), text_node("boolean")})}});
  return {fmt::format("text, at most {} octets", max), std::move(schema),
          [max](Reader& reader, const Node& node, std::string& out) {
            auto text = scalar_text(reader, node, "a text");
            if (!text) return;
            if (text->size() > max) {
              return reader.error(node.at, fmt::format("{} octets; at most {} are allowed", text->size(), max));
            }
            out = std::move(*text);
          },
          [](const std::string& in) { return text_node(escape_references(in)); }, false};
}

Kind<std::string> checked(Kind<std::string> kind, std::string name,
                          std::function<std::string(const std::string&)> check) {
  kind.name = std::move(name);
  kind.read = [read = std::move(kind.read), check = std::move(check)](Reader& reader, const Node& node,
                                                                      std::string& out) {
    std::string text;
    // `read` leaves the text alone when it has reported something.
    if (node.is_scalar() && node.text.empty()) return out.clear();
    read(reader, node, text);
    if (text.empty()) return;
    if (const std::string wrong = check(text); !wrong.empty()) return reader.error(node.at, wrong);
    out = std::move(text);
  };
  return kind;
}

Kind<std::string> name() {
  return checked(text(64), "name", [](const std::string& text) {
    const bool fine = std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c != 0x7F && c != '/'; });
    return fine ? "" : quote(text) + " is not a name: no spaces, control characters or `/`";
  });
}

Kind<std::string> choice(std::vector<std::string> choices, std::map<std::string, std::string> unbuilt) {
  const std::string all = fmt::format("{}", fmt::join(choices, ", "));
  Kind<std::string> kind = checked(
      text(256), "one of " + all, [choices, all, unbuilt = std::move(unbuilt)](const std::string& text) -> std::string {
        if (std::ranges::find(choices, text) != choices.end()) return {};
        if (const auto later = unbuilt.find(text); later != unbuilt.end())
          return later->second + " is not built yet; allowed: " + all;
        const auto meant = nearest(text, choices);
        return quote(text) + " is not one of " + all + (meant ? fmt::format("; did you mean `{}`?", *meant) : "");
      });
  Node values = list_node();
  for (const std::string& word : choices) values.items.push_back(text_node(word));
  kind.schema = map_node({{"enum", std::move(values)}});
  return kind;
}

Kind<std::string> file_path() {
  Kind<std::string> kind = text(4096);
  kind.name = "path";
  kind.read = [read = kind.read](Reader& reader, const Node& node, std::string& out) {
    std::string text;
    read(reader, node, text);
    if (text.empty()) return;
    std::error_code failed;
    const auto whole = std::filesystem::absolute(std::filesystem::path(reader.directory()) / text, failed);
    if (failed) return reader.error(node.at, failed.message());
    out = whole.lexically_normal().string();
  };
  return kind;
}

}  // namespace smppd::config
