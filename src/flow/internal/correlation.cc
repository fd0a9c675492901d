#include "flow/internal/correlation.h"

#include <algorithm>

namespace smppd::flow {
namespace {

constexpr char kBetween = '/';  // in no upstream's name
constexpr std::uint8_t kFinalSeen = 1;

// version bits registered_delivery part parts destination_hash(2) source_hash(4) own(8) whole(8) submitted(8) | client
// upstream_id, each with its length
constexpr std::uint8_t kCorrelationVersion = 1;

}  // namespace

CorrelationKey::CorrelationKey(std::string_view upstream, const smpp::CanonicalId& id) noexcept {
  if (upstream.empty() || upstream.size() > kMaxUpstream || upstream.contains(kBetween) || id.empty()) return;
  char* end = std::ranges::copy(upstream, text_.data()).out;
  *end++ = kBetween;
  end = std::ranges::copy(id.view(), end).out;
  size_ = static_cast<std::uint8_t>(end - text_.data());
}

CorrelationName parse_correlation_key(std::string_view key) noexcept {
  const std::size_t at = key.find(kBetween);
  if (at == std::string_view::npos) return {};
  return {key.substr(0, at), key.substr(at + 1)};
}

ByteSpan encode(const Correlation& correlation, CorrelationRoom& room) noexcept {
  internal::OctetWriter out(room);
  out.number(kCorrelationVersion);
  out.number(correlation.final_seen ? kFinalSeen : std::uint8_t{0});
  out.number(correlation.registered_delivery);
  out.number(correlation.part);
  out.number(correlation.parts);
  out.number(correlation.destination_hash);
  out.number(correlation.source_hash);
  out.number(correlation.own);
  out.number(correlation.whole);
  out.moment(correlation.submitted);
  out.text(correlation.client);
  out.text(correlation.upstream_id);
  return out.done();
}

std::optional<Correlation> decode_correlation(ByteSpan octets) noexcept {
  internal::OctetReader in(octets);
  if (in.number<std::uint8_t>() != kCorrelationVersion) return std::nullopt;
  Correlation correlation;
  const auto bits = in.number<std::uint8_t>();
  if ((bits & ~kFinalSeen) != 0) return std::nullopt;
  correlation.final_seen = bits != 0;
  correlation.registered_delivery = in.number<std::uint8_t>();
  correlation.part = in.number<std::uint8_t>();
  correlation.parts = in.number<std::uint8_t>();
  correlation.destination_hash = in.number<std::uint16_t>();
  correlation.source_hash = in.number<std::uint32_t>();
  correlation.own = in.number<std::uint64_t>();
  correlation.whole = in.number<std::uint64_t>();
  correlation.submitted = in.moment();
  correlation.client = in.text();
  correlation.upstream_id = in.text();
  if (!in.at_end() || correlation.own == 0 || correlation.part > correlation.parts) return std::nullopt;
  return correlation;
}

}  // namespace smppd::flow
