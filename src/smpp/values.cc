#include "smpp/values.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "smpp/internal/number.h"
#include "smpp/pdu_table.h"

namespace smppd::smpp {
namespace {

struct StatusName {
  std::string_view name;
  CommandStatus value;
  Version since;
};

constexpr auto kStatuses = std::to_array<StatusName>({
#define SMPPD_X(name, value, since) {#name, CommandStatus::name, Version::since},
    SMPPD_SMPP_STATUSES(SMPPD_X)
#undef SMPPD_X
});
static_assert(std::ranges::is_sorted(kStatuses, {}, &StatusName::value));

// 5.0 §4.7.6 renamed these.
constexpr auto kNewerNames = std::to_array<StatusName>({
    {"ESME_RINVTLVSTREAM", CommandStatus::ESME_RINVOPTPARSTREAM, Version::v50},
    {"ESME_RTLVNOTALLWD", CommandStatus::ESME_ROPTPARNOTALLWD, Version::v50},
    {"ESME_RINVTLVLEN", CommandStatus::ESME_RINVPARLEN, Version::v50},
    {"ESME_RMISSINGTLV", CommandStatus::ESME_RMISSINGOPTPARAM, Version::v50},
    {"ESME_RINVTLVVAL", CommandStatus::ESME_RINVOPTPARAMVAL, Version::v50},
});

const StatusName* find(CommandStatus status) noexcept {
  const auto it = std::ranges::lower_bound(kStatuses, status, {}, &StatusName::value);
  return it != kStatuses.end() && it->value == status ? &*it : nullptr;
}

template <typename Enum>
struct Named {
  std::string_view name;
  Enum value;
};

constexpr auto kTons = std::to_array<Named<Ton>>({
    {"unknown", Ton::unknown},
    {"international", Ton::international},
    {"national", Ton::national},
    {"network_specific", Ton::network_specific},
    {"subscriber_number", Ton::subscriber_number},
    {"alphanumeric", Ton::alphanumeric},
    {"abbreviated", Ton::abbreviated},
});

constexpr auto kNpis = std::to_array<Named<Npi>>({
    {"unknown", Npi::unknown},
    {"isdn", Npi::isdn},
    {"data", Npi::data},
    {"telex", Npi::telex},
    {"land_mobile", Npi::land_mobile},
    {"national", Npi::national},
    {"private", Npi::private_plan},
    {"ermes", Npi::ermes},
    {"internet", Npi::internet},
    {"wap_client_id", Npi::wap_client_id},
});

constexpr auto kStates = std::to_array<Named<MessageState>>({
    {"SCHEDULED", MessageState::scheduled},
    {"ENROUTE", MessageState::enroute},
    {"DELIVERED", MessageState::delivered},
    {"EXPIRED", MessageState::expired},
    {"DELETED", MessageState::deleted},
    {"UNDELIVERABLE", MessageState::undeliverable},
    {"ACCEPTED", MessageState::accepted},
    {"UNKNOWN", MessageState::unknown},
    {"REJECTED", MessageState::rejected},
    {"SKIPPED", MessageState::skipped},
});

template <typename Enum, std::size_t N>
std::string_view lookup(const std::array<Named<Enum>, N>& table, Enum value) noexcept {
  for (const auto& entry : table) {
    if (entry.value == value) return entry.name;
  }
  return {};
}

constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool same_text(std::string_view a, std::string_view b) noexcept { return std::ranges::equal(a, b, {}, upper, upper); }

template <typename Enum, std::size_t N>
std::optional<Enum> parse(const std::array<Named<Enum>, N>& table, std::string_view text) noexcept {
  for (const auto& entry : table) {
    if (same_text(entry.name, text)) return entry.value;
  }
  const auto number = parse_number(text);
  if (!number || *number > 0xFF) return std::nullopt;
  return static_cast<Enum>(*number);
}

template <typename Enum>
std::string name_or_hex(Enum value, int digits) {
  const std::string_view name = standard_name(value);
  if (!name.empty()) return std::string(name);
  char text[16];
  std::snprintf(text, sizeof text, "0x%0*X", digits, static_cast<unsigned>(value));
  return text;
}

}  // namespace

std::string_view standard_name(CommandId id) noexcept {
  const PduSpec* spec = spec_of(id);
  return spec != nullptr ? spec->name : std::string_view{};
}
std::string_view standard_name(CommandStatus status) noexcept {
  const StatusName* found = find(status);
  return found != nullptr ? found->name : std::string_view{};
}
std::string_view standard_name(Ton ton) noexcept { return lookup(kTons, ton); }
std::string_view standard_name(Npi npi) noexcept { return lookup(kNpis, npi); }
std::string_view standard_name(MessageState state) noexcept { return lookup(kStates, state); }

std::string_view name_of(Version version) noexcept {
  switch (version) {
    case Version::v33: return "3.3";
    case Version::v34: return "3.4";
    case Version::v50: return "5.0";
  }
  return "";
}

std::string name_of(CommandId id) { return name_or_hex(id, 8); }
std::string name_of(CommandStatus status) { return name_or_hex(status, 8); }
std::string name_of(Ton ton) { return name_or_hex(ton, 2); }
std::string name_of(Npi npi) { return name_or_hex(npi, 2); }
std::string name_of(MessageState state) { return name_or_hex(state, 2); }

std::optional<CommandStatus> parse_command_status(std::string_view text) noexcept {
  constexpr std::string_view kPrefix = "ESME_";
  const std::string_view bare = same_text(text.substr(0, kPrefix.size()), kPrefix) ? text.substr(kPrefix.size()) : text;
  const auto matches = [&](const StatusName& entry) { return same_text(entry.name.substr(kPrefix.size()), bare); };
  if (const auto it = std::ranges::find_if(kStatuses, matches); it != kStatuses.end()) return it->value;
  if (const auto it = std::ranges::find_if(kNewerNames, matches); it != kNewerNames.end()) return it->value;
  const auto number = parse_number(text);
  if (!number) return std::nullopt;
  return static_cast<CommandStatus>(*number);
}

std::optional<CommandId> parse_command_id(std::string_view text) noexcept {
  for (const PduSpec& spec : all_pdus()) {
    if (same_text(spec.name, text)) return spec.id;
  }
  const auto number = parse_number(text);
  if (!number) return std::nullopt;
  return static_cast<CommandId>(*number);
}

std::optional<Ton> parse_ton(std::string_view text) noexcept { return parse(kTons, text); }
std::optional<Npi> parse_npi(std::string_view text) noexcept { return parse(kNpis, text); }
std::optional<MessageState> parse_message_state(std::string_view text) noexcept { return parse(kStates, text); }

std::optional<Version> status_since(CommandStatus status) noexcept {
  const StatusName* found = find(status);
  if (found == nullptr) return std::nullopt;
  return found->since;
}

std::span<const CommandStatus> all_statuses() noexcept {
  static constexpr auto kValues = [] {
    std::array<CommandStatus, kStatuses.size()> values{};
    std::ranges::transform(kStatuses, values.begin(), &StatusName::value);
    return values;
  }();
  return kValues;
}

}  // namespace smppd::smpp
