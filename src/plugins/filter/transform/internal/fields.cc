#include "plugins/filter/transform/internal/fields.h"

#include <algorithm>
#include <array>

#include "smpp/text/smpp_time.h"

namespace smppd::plugins {
namespace {

using message::MessageFacts;
using smpp::CommandStatus;
using smpp::Field;

constexpr FieldRow text(std::string_view name, Field field, std::uint8_t max, CommandStatus wrong,
                        std::string_view MessageFacts::* fact = nullptr) {
  return {name, field, FieldType::kText, wrong, max, fact, nullptr};
}
constexpr FieldRow number(std::string_view name, Field field, std::uint8_t MessageFacts::* fact) {
  return {name, field, FieldType::kNumber, CommandStatus::ESME_RSYSERR, 0, nullptr, fact};
}

constexpr std::array kRows = {
    text("service_type", Field::service_type, 5, CommandStatus::ESME_RINVSERTYP, &MessageFacts::service_type),
    text("source_addr", Field::source_addr, 20, CommandStatus::ESME_RINVSRCADR, &MessageFacts::source_addr),
    number("source_addr_ton", Field::source_addr_ton, &MessageFacts::source_addr_ton),
    number("source_addr_npi", Field::source_addr_npi, &MessageFacts::source_addr_npi),
    text("destination_addr", Field::destination_addr, 20, CommandStatus::ESME_RINVDSTADR,
         &MessageFacts::destination_addr),
    number("destination_addr_ton", Field::dest_addr_ton, &MessageFacts::dest_addr_ton),
    number("destination_addr_npi", Field::dest_addr_npi, &MessageFacts::dest_addr_npi),
    number("esm_class", Field::esm_class, &MessageFacts::esm_class),
    number("protocol_id", Field::protocol_id, &MessageFacts::protocol_id),
    number("priority_flag", Field::priority_flag, &MessageFacts::priority_flag),
    number("registered_delivery", Field::registered_delivery, &MessageFacts::registered_delivery),
    text("schedule_delivery_time", Field::schedule_delivery_time, 16, CommandStatus::ESME_RINVSCHED),
    text("validity_period", Field::validity_period, 16, CommandStatus::ESME_RINVEXPIRY),
    FieldRow{"data_coding", Field::data_coding, FieldType::kCoding, CommandStatus::ESME_RSYSERR, 0, nullptr,
             &MessageFacts::data_coding},
    FieldRow{"short_message", Field::short_message, FieldType::kContent, CommandStatus::ESME_RINVMSGLEN},
};

}  // namespace

std::span<const FieldRow> field_rows() noexcept { return kRows; }

const FieldRow* find_field(std::string_view name) noexcept {
  const auto* at = std::ranges::find(kRows, name, &FieldRow::name);
  return at == kRows.end() ? nullptr : at;
}

bool may_hold(const FieldRow& row, std::string_view value) noexcept {
  if (value.size() > row.max || value.contains('\0')) return false;
  const bool is_time = row.field == Field::schedule_delivery_time || row.field == Field::validity_period;
  return !is_time || value.empty() || smpp::parse_time(value).has_value();
}

}  // namespace smppd::plugins
