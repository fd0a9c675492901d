#include "smpp/pdu_table.h"

#include <algorithm>

#include "smpp/internal/pdu_specs.h"

namespace smppd::smpp {
namespace {

constexpr std::array<std::string_view, kFieldCount> kFieldNames = {
#define SMPPD_X(name) #name,
    SMPPD_SMPP_FIELDS(SMPPD_X)
#undef SMPPD_X
};

}  // namespace

std::string_view name_of(Field field) noexcept {
  return field == Field::none ? std::string_view{} : kFieldNames[static_cast<std::size_t>(field)];
}

Field parse_field(std::string_view name) noexcept {
  const auto it = std::ranges::find(kFieldNames, name);
  return static_cast<Field>(it - kFieldNames.begin());
}

bool PduSpec::allows(TlvTag tag) const noexcept { return std::ranges::binary_search(tlvs, tag); }

const PduSpec* spec_of(CommandId id) noexcept {
  const std::size_t position = table::position_of(id);
  return position == table::kNoPdu ? nullptr : &table::kPdus[position];
}

std::span<const PduSpec> all_pdus() noexcept { return table::kPdus; }

}  // namespace smppd::smpp
