#include "plugins/filter/transform/internal/template.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace smppd::plugins {

Template Template::literal(std::string_view text) {
  Template made;
  if (!text.empty()) made.pieces_.push_back({std::string(text), nullptr, 0});
  return made;
}

Fallible<Template> Template::compile(std::string_view text) {
  Template made;
  for (std::size_t at = 0; at < text.size();) {
    const auto open = text.find("${", at);
    const auto before = text.substr(at, open - at);
    if (!before.empty()) made.pieces_.push_back({std::string(before), nullptr, 0});
    if (open == std::string_view::npos) break;
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) return failure("'" + std::string(text) + "': ${ without }");
    const auto name = text.substr(open + 2, close - open - 2);
    at = close + 1;
    if (name.size() == 1 && name[0] >= '0' && name[0] <= '9') {
      const auto group = static_cast<std::size_t>(name[0] - '0');
      made.pieces_.push_back({{}, nullptr, group});
      made.highest_group_ = std::max(made.highest_group_, group);
      made.uses_groups_ = true;
      continue;
    }
    const FieldRow* field = find_field(name);
    if (field == nullptr) {
      return failure("'" + std::string(text) + "': ${" + std::string(name) + "} is neither a field nor a group 0 to 9");
    }
    made.pieces_.push_back({{}, field, 0});
  }
  return made;
}

void Template::write(const TemplateValues& values, std::string& out) const {
  out.clear();
  for (const Piece& piece : pieces_) {
    if (!piece.literal.empty()) {
      out += piece.literal;
    } else if (piece.field == nullptr) {
      out += values.group(piece.group);
    } else if (piece.field->type == FieldType::kText || piece.field->type == FieldType::kContent) {
      out += values.text_of(*piece.field);
    } else {
      std::array<char, 3> digits{};
      const auto end = std::to_chars(digits.begin(), digits.end(), values.number_of(*piece.field)).ptr;
      out.append(digits.begin(), end);
    }
  }
}

std::optional<std::string_view> Template::as_literal() const noexcept {
  if (pieces_.empty()) return std::string_view();
  if (pieces_.size() == 1 && !pieces_[0].literal.empty()) return pieces_[0].literal;
  return std::nullopt;
}

const FieldRow* Template::as_field() const noexcept { return pieces_.size() == 1 ? pieces_[0].field : nullptr; }

}  // namespace smppd::plugins
