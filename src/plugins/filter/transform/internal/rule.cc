#include "plugins/filter/transform/internal/rule.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <re2/re2.h>

namespace smppd::plugins {
namespace {

constexpr std::string_view kTlvPrefix = "tlv.";
constexpr std::uint8_t kEsmClassMayChange = 0x83;  // messaging mode and reply path

re2::StringPiece piece(std::string_view text) noexcept { return {text.data(), text.size()}; }

// Decimal or 0x hexadecimal.
std::optional<std::uint32_t> parse_number(std::string_view text) noexcept {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::vector<std::uint8_t>> parse_hex(std::string_view digits) {
  std::vector<std::uint8_t> octets;
  if (digits.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    std::uint8_t octet = 0;
    const auto [end, error] = std::from_chars(digits.data() + i, digits.data() + i + 2, octet, 16);
    if (error != std::errc() || end != digits.data() + i + 2) return std::nullopt;
    octets.push_back(octet);
  }
  return octets;
}

std::vector<std::uint8_t> big_endian(std::uint32_t value, std::size_t octets) {
  std::vector<std::uint8_t> out(octets);
  for (std::size_t i = octets; i-- > 0; value >>= 8U) out[i] = static_cast<std::uint8_t>(value);
  return out;
}

// The value of a TLV as its type wants it written; nullopt when it cannot be.
std::optional<std::vector<std::uint8_t>> tlv_octets(const smpp::TlvSpec& spec, std::string_view value) {
  std::vector<std::uint8_t> octets;
  std::size_t size = 0;
  switch (spec.type) {
    case smpp::TlvType::u8: size = 1; break;
    case smpp::TlvType::u16: size = 2; break;
    case smpp::TlvType::u32: size = 4; break;
    case smpp::TlvType::none: return value.empty() ? std::optional(octets) : std::nullopt;
    case smpp::TlvType::cstring:
      if (value.contains('\0')) return std::nullopt;
      octets.assign(value.begin(), value.end());
      octets.push_back(0);
      break;
    case smpp::TlvType::octets:
      if (value.starts_with("0x")) {
        auto hex = parse_hex(value.substr(2));
        if (!hex) return std::nullopt;
        octets = std::move(*hex);
      } else {
        octets.assign(value.begin(), value.end());
      }
      break;
  }
  if (size != 0) {
    const auto number = parse_number(value);
    if (!number || (size < 4 && *number >> (8 * size) != 0)) return std::nullopt;
    return big_endian(*number, size);
  }
  if (octets.size() < spec.min || octets.size() > spec.max) return std::nullopt;
  return octets;
}

}  // namespace

class TransformProgram::Compiler {
 public:
  Compiler(TransformProgram& program, const smpp::TlvRegistry& tlvs) : program_(program), tlvs_(tlvs) {}

  Fallible<void> run(const config::TransformRule& rule) {
    add_regexes(Subject::kDestination, rule.match.destination_addr);
    add_regexes(Subject::kSource, rule.match.source_addr);
    add_regexes(Subject::kText, rule.match.text);
    for (const auto& [name, value] : rule.set) add(name, Template::literal(value));
    for (const auto& [name, text] : rule.transform) {
      if (rule.set.contains(name)) {
        fail(name, "is in `set` and in `transform`; keep one of them");
        continue;
      }
      auto compiled = Template::compile(text);
      if (!compiled) {
        fail(name, compiled.error());
      } else {
        add(name, std::move(*compiled));
      }
    }
    for (const auto& name : rule.remove) remove(name);
    if (!problems_.empty()) return failure(problems_);
    return {};
  }

 private:
  void fail(std::string_view name, const std::string& problem) {
    if (!problems_.empty()) problems_ += '\n';
    problems_ += program_.label_ + ": " + std::string(name) + ": " + problem;
  }

  void add_regexes(Subject subject, const std::vector<config::Pattern>& patterns) {
    for (const auto& pattern : patterns) {
      if (pattern.kind != config::Pattern::Kind::kRegex) continue;
      re2::RE2::Options options;
      options.set_log_errors(false);
      auto expression = std::make_shared<const re2::RE2>(piece(pattern.text), options);
      if (!expression->ok()) continue;  // the match says so itself
      groups_ = std::max(groups_, static_cast<std::size_t>(expression->NumberOfCapturingGroups()));
      has_regex_ = true;
      program_.regexes_.push_back({subject, std::move(expression)});
    }
  }

  void add(std::string_view name, Template value) {
    if (value.uses_groups() && (!has_regex_ || value.highest_group() > groups_)) {
      return fail(name, "no regular expression of the match has a group " + std::to_string(value.highest_group()));
    }
    if (name.starts_with(kTlvPrefix)) return add_tlv(name, std::move(value));
    const FieldRow* field = find_field(name);
    if (field == nullptr) return fail(name, "is no field that can be written");
    Change change{field, std::move(value), 0, nullptr};
    const bool is_text = field->type == FieldType::kText || field->type == FieldType::kContent;
    if (is_text ? check_text(change) : read_number(change)) program_.changes_.push_back(std::move(change));
  }

  bool check_text(const Change& change) {
    const auto literal = change.value.as_literal();
    if (change.field->type != FieldType::kText || !literal || may_hold(*change.field, *literal)) return true;
    fail(change.field->name, "'" + std::string(*literal) + "' cannot stand there: too long, or not in its form");
    return false;
  }

  bool read_number(Change& change) {
    const FieldRow* copied = change.value.as_field();
    if (copied != nullptr && copied->number != nullptr && change.field->field != smpp::Field::esm_class) {
      change.copied = copied;
      return true;
    }
    const auto literal = change.value.as_literal();
    const auto number = literal ? parse_number(*literal) : std::nullopt;
    if (!number || *number > 255) {
      fail(change.field->name, "takes a number from 0 to 255, or one other field that is a number");
      return false;
    }
    if (change.field->field == smpp::Field::esm_class && (*number & ~std::uint32_t{kEsmClassMayChange}) != 0) {
      fail(change.field->name, "only the messaging mode (0 to 3) and the reply path (0x80) may be set");
      return false;
    }
    change.number = static_cast<std::uint8_t>(*number);
    return true;
  }

  const smpp::TlvSpec* find_tlv(std::string_view name) {
    const smpp::TlvSpec* spec = tlvs_.find(name.substr(std::min(name.size(), kTlvPrefix.size())));
    if (spec == nullptr || !name.starts_with(kTlvPrefix)) {
      fail(name, "is no TLV of SMPP and not in `tlvs`");
      return nullptr;
    }
    if (spec->tag != smpp::TlvTag::message_payload) return spec;
    fail(name, "is the message's text; write short_message");
    return nullptr;
  }

  void add_tlv(std::string_view name, Template value) {
    const smpp::TlvSpec* spec = find_tlv(name);
    if (spec == nullptr) return;
    TlvChange change{spec, false, {}, {}, false};
    if (const auto literal = value.as_literal()) {
      auto octets = tlv_octets(*spec, *literal);
      if (!octets)
        return fail(name, "'" + std::string(*literal) + "' is no value for a " +
                              std::string(smpp::name_of(spec->type)) + " of this TLV's size");
      change.octets = std::move(*octets);
    } else if (spec->type == smpp::TlvType::cstring || spec->type == smpp::TlvType::octets) {
      change.value = std::move(value);
      change.is_template = true;
    } else {
      return fail(name, "is a number; only texts take a template");
    }
    program_.tlvs_.push_back(std::move(change));
  }

  void remove(std::string_view name) {
    if (const smpp::TlvSpec* spec = find_tlv(name)) program_.tlvs_.push_back({spec, true, {}, {}, false});
  }

  TransformProgram& program_;
  const smpp::TlvRegistry& tlvs_;
  std::size_t groups_ = 0;
  bool has_regex_ = false;
  std::string problems_;
};

Fallible<TransformProgram> TransformProgram::compile(const config::TransformRule& rule, const std::string& label,
                                                     const flow::FilterEnvironment& environment,
                                                     const smpp::TlvRegistry& tlvs) {
  const routing::RuleSet::Rule wanted{&rule.match, label};
  auto match = routing::RuleSet::compile({&wanted, 1}, routing::RuleSet::Direction::kMt, environment.config.clients,
                                         environment.names);
  if (!match) return std::unexpected(std::move(match.error()));
  TransformProgram program(std::move(*match));
  program.label_ = label;
  if (auto done = Compiler(program, tlvs).run(rule); !done) return std::unexpected(std::move(done.error()));
  return program;
}

void TransformProgram::capture(const message::MessageFacts& facts, Groups& groups) const {
  if (regexes_.empty()) return;  // no template of the rule names a group
  for (auto& group : groups) group.clear();
  std::array<re2::StringPiece, Template::kGroups> found;
  const auto try_on = [&](const re2::RE2& expression, std::string_view text) {
    const int count = std::min(expression.NumberOfCapturingGroups() + 1, static_cast<int>(found.size()));
    if (!expression.Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, found.data(), count)) return false;
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      groups[at].assign(found[at].data() == nullptr ? "" : found[at].data(), found[at].size());
    }
    return true;
  };
  for (const auto& [subject, expression] : regexes_) {
    if (subject == Subject::kText) {
      if (try_on(*expression, facts.text == nullptr ? std::string_view() : facts.text->utf8())) return;
      continue;
    }
    // The spellings that message::AddressPattern tries.
    const bool is_source = subject == Subject::kSource;
    const std::string_view sent = is_source ? facts.source_addr : facts.destination_addr;
    const auto normal = is_source ? message::normalised_source(facts) : message::normalised_destination(facts);
    if (try_on(*expression, normal.text) || try_on(*expression, sent)) return;
    if (normal.international && try_on(*expression, "+" + std::string(normal.text))) return;
  }
}

}  // namespace smppd::plugins
