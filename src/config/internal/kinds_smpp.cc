#include <algorithm>
#include <charconv>

#include <absl/time/time.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <re2/re2.h>

#include "config/internal/kind.h"
#include "smpp/values.h"

namespace smppd::config {
namespace {

constexpr std::size_t kMaxRegex = 4096;

std::string regex_error(const std::string& text) {
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 regex(text, options);
  return regex.ok() ? "" : fmt::format("not a valid regular expression (RE2): {}", regex.error());
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || status != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// ":2775", "host:port", "[::1]:2775"; what is wrong otherwise.
std::string parse_endpoint(std::string_view text, Endpoint& out) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fmt::format("`{}` has no port; write host:port", text);
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) return fmt::format("`{}` is not a port (1 to 65535)", text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return fmt::format("`{}` lacks its `]`", text);
    host = host.substr(1, host.size() - 2);
    in6_addr ignored{};
    if (inet_pton(AF_INET6, std::string(host).c_str(), &ignored) != 1) {
      return fmt::format("`{}` is not an IPv6 address", host);
    }
  } else if (host.contains(':')) {
    return fmt::format("`{}`: write an IPv6 address in brackets, [::1]:2775", text);
  }
  const bool clean = std::ranges::all_of(host, [](unsigned char c) { return c > 0x20 && c != 0x7F && c != '/'; });
  if (!clean || host.size() > 253) return fmt::format("`{}` is not a host name or address", host.substr(0, 60));
  out = {std::string(host), *port};
  return {};
}

Kind<Endpoint> address(bool needs_host, std::string name) {
  return {std::move(name), map_node({{"type", text_node("string")}}),
          [needs_host](Reader& reader, const Node& node, Endpoint& out) {
            const auto text = scalar_text(reader, node, "an address such as host:2775");
            if (!text) return;
            Endpoint endpoint;
            if (const std::string wrong = parse_endpoint(*text, endpoint); !wrong.empty()) {
              return reader.error(node.at, wrong);
            }
            if (needs_host && endpoint.host.empty()) return reader.error(node.at, "the host is missing before the `:`");
            out = std::move(endpoint);
          },
          [](const Endpoint& in) {
            if (in.host.empty() && in.port == 0) return Node{};
            const bool bracketed = in.host.contains(':');
            return text_node(fmt::format("{}{}{}:{}", bracketed ? "[" : "", in.host, bracketed ? "]" : "", in.port));
          },
          false};
}

std::optional<std::uint8_t> parse_version(std::string_view text) {
  static const std::map<std::string_view, std::uint8_t> kNames{
      {"3.3", 0x33},     {"3.4", 0x34},    {"5.0", 0x50},    {"5", 0x50},      {"0x33", 0x33},    {"0x34", 0x34},
      {"0x50", 0x50},    {"smpp33", 0x33}, {"smpp34", 0x34}, {"smpp50", 0x50}, {"smpp3.3", 0x33}, {"smpp3.4", 0x34},
      {"smpp5.0", 0x50}, {"51", 0x33},     {"52", 0x34},     {"80", 0x50}};
  const auto found = kNames.find(text);
  return found == kNames.end() ? std::nullopt : std::optional(found->second);
}

std::string version_text(std::uint8_t version) { return fmt::format("{}.{}", version >> 4, version & 0x0F); }

std::string cidr_error(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string host = text.substr(0, slash);
  unsigned char octets[16];
  const int family = host.contains(':') ? AF_INET6 : AF_INET;
  const int bits = family == AF_INET6 ? 128 : 32;
  if (inet_pton(family, host.c_str(), octets) != 1) return fmt::format("`{}` is not an IP address or CIDR block", text);
  if (slash == std::string::npos) return {};
  int length = -1;
  const char* begin = text.data() + slash + 1;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(begin, end, length);
  if (status != std::errc{} || stop != end || length < 0 || length > bits) {
    return fmt::format("`{}`: the length after the `/` must be 0 to {}", text, bits);
  }
  for (int bit = length; bit < bits; ++bit) {
    if ((octets[bit / 8] >> (7 - bit % 8)) & 1) {
      return fmt::format("`{}` has address bits beyond its length {}", text, length);
    }
  }
  return {};
}

std::string template_error(const std::string& text, const std::vector<std::string>& fields, bool numbered) {
  std::size_t start = 0;
  while ((start = text.find("${", start)) != std::string::npos) {
    const std::size_t end = text.find('}', start);
    if (end == std::string::npos) return "`${` without its `}`";
    const std::string field = text.substr(start + 2, end - start - 2);
    const bool is_group = numbered && field.size() == 1 && field[0] >= '0' && field[0] <= '9';
    if (!is_group && std::ranges::find(fields, field) == fields.end()) {
      const auto meant = nearest(field, fields);
      return fmt::format("there is no `${{{}}}` here{}", field,
                         meant ? fmt::format("; did you mean `${{{}}}`?", *meant) : "");
    }
    start = end;
  }
  return {};
}

Node pattern_node(const char* form, const std::string& text) {
  return map_node({{form, text_node(escape_references(text))}});
}

// What a bare text means: ^... is a regular expression, * and ? make a glob, anything else is exact.
Pattern::Kind bare_kind(std::string_view text) {
  if (text.starts_with('^')) return Pattern::Kind::kRegex;
  return text.find_first_of("*?") == std::string_view::npos ? Pattern::Kind::kExact : Pattern::Kind::kGlob;
}

void read_pattern(Reader& reader, const Node& node, Pattern& out) {
  static const std::map<std::string_view, Pattern::Kind> kForms{{"exact", Pattern::Kind::kExact},
                                                                {"glob", Pattern::Kind::kGlob},
                                                                {"prefix", Pattern::Kind::kPrefix},
                                                                {"regex", Pattern::Kind::kRegex}};
  Pattern pattern;
  const Node* value = &node;
  if (node.is_map()) {
    const auto form = node.entries.size() == 1 ? kForms.find(node.entries[0].key) : kForms.end();
    if (form == kForms.end()) {
      return reader.error(node.at, "expected a text or one of {prefix: ...}, {regex: ...}, {exact: ...}, {glob: ...}");
    }
    value = &node.entries[0].value;
    pattern.kind = form->second;
  }
  auto text = scalar_text(reader, *value, "a text, a list of them, {prefix: ...} or {regex: ...}");
  if (!text) return;
  if (!node.is_map()) pattern.kind = bare_kind(*text);
  if (text->empty()) return reader.error(value->at, "an empty text matches nothing; write \"*\" for everything");
  if (text->size() > kMaxRegex) return reader.error(value->at, fmt::format("more than {} octets", kMaxRegex));
  if (pattern.kind == Pattern::Kind::kRegex) {
    if (const std::string wrong = regex_error(*text); !wrong.empty()) return reader.error(value->at, wrong);
  }
  pattern.text = std::move(*text);
  out = std::move(pattern);
}

}  // namespace

Kind<std::string> template_text(std::vector<std::string> fields, bool numbered) {
  Kind<std::string> kind = text(4096);
  kind.name = "template";
  kind.is_template = true;
  kind.schema = map_node({{"type", list_node({text_node("string"), text_node("number")})}});
  kind.read = [fields = std::move(fields), numbered](Reader& reader, const Node& node, std::string& out) {
    if (!node.is_scalar()) {
      return reader.error(node.at, fmt::format("expected a text, found {}", name_of(node.kind)));
    }
    const std::string wrong = template_error(node.text, fields, numbered);
    if (!wrong.empty()) return reader.error(node.at, wrong);
    out = node.text;
  };
  kind.write = [](const std::string& in) { return text_node(in); };
  return kind;
}

Kind<std::string> regex() { return checked(text(kMaxRegex), "regular expression (RE2)", regex_error); }

Kind<std::string> time_zone() {
  return checked(text(64), "time zone", [](const std::string& text) -> std::string {
    absl::TimeZone zone;
    const bool known = !text.starts_with('/') && !text.contains("..") && absl::LoadTimeZone(text, &zone);
    return known ? "" : fmt::format("`{}` is not a known time zone; write UTC or a name such as Africa/Maputo", text);
  });
}

Kind<std::string> hours() {
  return checked(text(32), "hours, HH:MM-HH:MM", [](const std::string& text) -> std::string {
    static const RE2 kForm("([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)");
    return RE2::FullMatch(text, kForm) ? "" : fmt::format("`{}` is not a span of hours; write 22:00-06:00", text);
  });
}

Kind<std::string> cidr() { return checked(text(64), "IP address or CIDR block", cidr_error); }

Kind<std::string> password_hash() {
  return checked(text(512), "password hash", [](const std::string& text) -> std::string {
    static const RE2 kForms(
        R"(\$argon2id\$(v=19\$)?m=[0-9]{1,9},t=[0-9]{1,4},p=[0-9]{1,3}\$[A-Za-z0-9+/]{8,128}\$[A-Za-z0-9+/]{16,256})"
        R"(|\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53})"
        R"(|\$6\$(rounds=[0-9]{4,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86})");
    return RE2::FullMatch(text, kForms) ? ""
                                        : "not a password hash that is understood: argon2id ($argon2id$...), bcrypt "
                                          "($2a$, $2b$, $2y$) or sha512-crypt ($6$...)";
  });
}

Kind<Endpoint> listen_address() { return address(false, "address, [host]:port"); }
Kind<Endpoint> peer_address() { return address(true, "address, host:port"); }

Kind<std::uint8_t> version() {
  Node schema = map_node(
      {{"enum", list_node({plain_node("3.3"), plain_node("3.4"), plain_node("5.0"), text_node("3.3"), text_node("3.4"),
                           text_node("5.0"), plain_node("51"), plain_node("52"), plain_node("80"), text_node("smpp33"),
                           text_node("smpp34"), text_node("smpp50")})}});
  return {"SMPP version, 3.3, 3.4 or 5.0", std::move(schema),
          [](Reader& reader, const Node& node, std::uint8_t& out) {
            const auto text = scalar_text(reader, node, "an SMPP version");
            if (!text) return;
            const auto value = parse_version(*text);
            if (!value)
              return reader.error(node.at, fmt::format("`{}` is not an SMPP version; write 3.3, 3.4 or 5.0", *text));
            out = *value;
          },
          [](const std::uint8_t& in) { return text_node(version_text(in)); }, false};
}

Kind<std::string> version_name() {
  const Kind<std::uint8_t> kind = version();
  return {kind.name, kind.schema,
          [kind](Reader& reader, const Node& node, std::string& out) {
            std::uint8_t value = 0;
            kind.read(reader, node, value);
            if (value != 0) out = version_text(value);
          },
          [](const std::string& in) { return text_node(in); }, false};
}

Kind<std::uint32_t> command_status() {
  return {
      "command_status, name or number", map_node({{"type", list_node({text_node("string"), text_node("integer")})}}),
      [](Reader& reader, const Node& node, std::uint32_t& out) {
        const auto text = scalar_text(reader, node, "a command_status");
        if (!text) return;
        const auto status = smpp::parse_command_status(*text);
        if (!status) {
          return reader.error(node.at, fmt::format("`{}` is not a command_status; write its name (ESME_RTHROTTLED) "
                                                   "or its number (0x58)",
                                                   *text));
        }
        out = static_cast<std::uint32_t>(*status);
      },
      [](const std::uint32_t& in) { return text_node(smpp::name_of(static_cast<smpp::CommandStatus>(in))); }, false};
}

Kind<Pattern> pattern() {
  Node form =
      map_node({{"type", text_node("object")}, {"maxProperties", plain_node("1")}, {"minProperties", plain_node("1")}});
  Node properties = map_node();
  for (const char* key : {"prefix", "regex", "exact", "glob"}) {
    properties.set(key, map_node({{"type", list_node({text_node("string"), text_node("number")})}}));
  }
  form.set("properties", std::move(properties));
  form.set("additionalProperties", plain_node("false"));
  Node schema = map_node(
      {{"oneOf",
        list_node({map_node({{"type", list_node({text_node("string"), text_node("number")})}}), std::move(form)})}});
  return {"pattern", std::move(schema), read_pattern,
          [](const Pattern& in) {
            if (in.kind == Pattern::Kind::kPrefix) return pattern_node("prefix", in.text);
            if (in.kind == bare_kind(in.text)) return text_node(escape_references(in.text));
            if (in.kind == Pattern::Kind::kRegex) return pattern_node("regex", in.text);
            return pattern_node(in.kind == Pattern::Kind::kGlob ? "glob" : "exact", in.text);
          },
          false};
}

}  // namespace smppd::config
