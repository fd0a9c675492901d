// The fields a rule may write, by the names of the configuration.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "message/facts.h"
#include "smpp/pdu_table.h"
#include "smpp/values.h"

namespace smppd::plugins {

enum class FieldType : std::uint8_t { kText, kNumber, kContent, kCoding };

struct FieldRow {
  std::string_view name;
  smpp::Field field;
  FieldType type;
  smpp::CommandStatus wrong;  // what the client is told when the new value cannot be sent
  std::uint8_t max = 0;       // kText: octets
  std::string_view message::MessageFacts::* text = nullptr;
  std::uint8_t message::MessageFacts::* number = nullptr;
};

[[nodiscard]] std::span<const FieldRow> field_rows() noexcept;
// Null for a name that is no field.
[[nodiscard]] const FieldRow* find_field(std::string_view name) noexcept;
[[nodiscard]] inline std::size_t index_of(const FieldRow& row) noexcept {
  return static_cast<std::size_t>(&row - field_rows().data());
}
// Whether a text may stand in this field: no NUL, not too long, a time where one belongs.
[[nodiscard]] bool may_hold(const FieldRow& row, std::string_view value) noexcept;

}  // namespace smppd::plugins
