// "+258${destination_addr}" and "${1}-${2}", compiled once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugins/filter/transform/internal/fields.h"

namespace smppd::plugins {

// Where a template finds what it names.
class TemplateValues {
 public:
  [[nodiscard]] virtual std::string_view text_of(const FieldRow& row) const noexcept = 0;  // kText and kContent
  [[nodiscard]] virtual std::uint8_t number_of(const FieldRow& row) const noexcept = 0;
  [[nodiscard]] virtual std::string_view group(std::size_t number) const noexcept = 0;

 protected:
  ~TemplateValues() = default;
};

class Template {
 public:
  static constexpr std::size_t kGroups = 10;  // ${0} is the whole match

  [[nodiscard]] static Fallible<Template> compile(std::string_view text);
  [[nodiscard]] static Template literal(std::string_view text);

  // Replaces `out`.
  void write(const TemplateValues& values, std::string& out) const;

  [[nodiscard]] std::size_t highest_group() const noexcept { return highest_group_; }
  [[nodiscard]] bool uses_groups() const noexcept { return uses_groups_; }
  // Set when the template is one literal, possibly empty.
  [[nodiscard]] std::optional<std::string_view> as_literal() const noexcept;
  // Set when the template is one field and nothing else.
  [[nodiscard]] const FieldRow* as_field() const noexcept;

 private:
  struct Piece {
    std::string literal;
    const FieldRow* field = nullptr;
    std::size_t group = 0;  // when there is neither literal nor field
  };
  std::vector<Piece> pieces_;
  std::size_t highest_group_ = 0;
  bool uses_groups_ = false;
};

}  // namespace smppd::plugins
