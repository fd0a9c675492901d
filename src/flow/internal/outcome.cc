#include "flow/internal/outcome.h"

namespace smppd::flow {
namespace {

// version state reason registered_delivery attempts(2) command_status(4) source_hash(4) arrived(8) sent(8) ended(8) |
// client upstream upstream_id error, each with its length | body
constexpr std::uint8_t kOutcomeVersion = 1;

constexpr std::array<std::string_view, 10> kReasons{"accepted",  "receipt",   "refused",  "gave_up",    "expired",
                                                    "uncertain", "cancelled", "replaced", "unroutable", "requeued"};
constexpr auto kLastState = static_cast<std::uint8_t>(smpp::MessageState::skipped);

}  // namespace

std::string_view name_of(EndReason reason) noexcept {
  const auto number = static_cast<std::size_t>(reason);
  return number < kReasons.size() ? kReasons[number] : std::string_view();
}

OutcomeKey outcome_key(message::OwnId own) noexcept {
  OutcomeKey key;
  store_be(reinterpret_cast<std::uint8_t*>(key.data()), own);
  return key;
}

message::OwnId own_of(std::string_view outcome_key) noexcept {
  if (outcome_key.size() != sizeof(message::OwnId)) return 0;
  return load_be<message::OwnId>(as_bytes(outcome_key).data());
}

ByteSpan encode(const Outcome& outcome, std::span<std::uint8_t> room) noexcept {
  internal::OctetWriter out(room);
  out.number(kOutcomeVersion);
  out.number(static_cast<std::uint8_t>(outcome.state));
  out.number(static_cast<std::uint8_t>(outcome.reason));
  out.number(outcome.registered_delivery);
  out.number(outcome.attempts);
  out.number(outcome.command_status);
  out.number(outcome.source_hash);
  out.moment(outcome.arrived);
  out.moment(outcome.sent);
  out.moment(outcome.ended);
  out.text(outcome.client);
  out.text(outcome.upstream);
  out.text(outcome.upstream_id);
  out.text(outcome.error);
  out.octets(outcome.body);
  return out.done();
}

std::optional<Outcome> decode_outcome(ByteSpan octets) noexcept {
  internal::OctetReader in(octets);
  if (in.number<std::uint8_t>() != kOutcomeVersion) return std::nullopt;
  Outcome outcome;
  const auto state = in.number<std::uint8_t>();
  const auto reason = in.number<std::uint8_t>();
  if (state > kLastState || reason >= kReasons.size()) return std::nullopt;
  outcome.state = static_cast<smpp::MessageState>(state);
  outcome.reason = static_cast<EndReason>(reason);
  outcome.registered_delivery = in.number<std::uint8_t>();
  outcome.attempts = in.number<std::uint16_t>();
  outcome.command_status = in.number<std::uint32_t>();
  outcome.source_hash = in.number<std::uint32_t>();
  outcome.arrived = in.moment();
  outcome.sent = in.moment();
  outcome.ended = in.moment();
  outcome.client = in.text();
  outcome.upstream = in.text();
  outcome.upstream_id = in.text();
  outcome.error = in.text();
  outcome.body = in.take_rest();
  if (!in.whole()) return std::nullopt;
  return outcome;
}

}  // namespace smppd::flow
