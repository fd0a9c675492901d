// Memory for PDUs that wait in the input is asked for before their turn comes.
#include "flow/internal/foresight.h"

#include <algorithm>
#include <array>

#include "flow/flow.h"
#include "smpp/framer.h"

namespace smppd::flow {

namespace {

using smpp::CommandId;

// Shows the whole PDUs ahead to see(command_id, pdu) until kPdusAhead of them were worth it.
template <typename See>
std::size_t look_through(ByteSpan bytes, See&& see) noexcept {
  std::size_t looked = 0;
  for (std::size_t count = 0; count < kPdusAhead;) {
    const ByteSpan pdu = smpp::glance_at_pdu(bytes.subspan(looked));
    if (pdu.empty()) return kNothingAhead;
    looked += pdu.size();
    if (see(smpp::read_header(pdu.data()).command_id, pdu)) ++count;
  }
  return looked;
}

}  // namespace

std::size_t foresee_routes(const routing::RouteTable& routes, ByteSpan bytes,
                           routing::RouteTable::Foreseen& foreseen) noexcept {
  std::array<message::NormalAddress, kPdusAhead> destinations;
  std::size_t count = 0;
  const std::size_t looked = look_through(bytes, [&](CommandId id, ByteSpan pdu) {
    if (id != CommandId::submit_sm && id != CommandId::data_sm) return false;
    const auto seen = smpp::glance_at_destination(pdu);
    if (seen.address.empty()) return false;
    destinations[count++] = message::normalise(seen.ton, seen.address);
    return true;
  });
  routes.foresee(std::span(destinations).first(count), foreseen);
  return looked;
}

std::size_t foresee_receipts(const ReceiptDesk& receipts, message::UpstreamId upstream, ByteSpan bytes) noexcept {
  std::array<std::string_view, kPdusAhead> ids;
  std::size_t count = 0;
  const std::size_t looked = look_through(bytes, [&](CommandId id, ByteSpan pdu) {
    if (id != CommandId::deliver_sm && id != CommandId::data_sm) return false;
    ids[count] = smpp::glance_at_receipt_id(pdu);
    if (ids[count].empty()) return false;
    ++count;
    return true;
  });
  receipts.foresee(upstream, std::span(ids).first(count));
  return looked;
}

// First the lines of the index for all, which come together; then the records that they name.
std::size_t ReceiptDesk::foresee(message::UpstreamId upstream, std::span<const std::string_view> ids) const noexcept {
  const IdMatcher* matching = matcher(upstream);
  const bool as_is = matching == nullptr || matching->likeliest_is_as_is();
  std::size_t found = 0;
  while (!ids.empty()) {
    const auto some = ids.first(std::min(ids.size(), kPdusAhead));
    ids = ids.subspan(some.size());
    std::array<std::uint32_t, kPdusAhead> seen{};
    for (std::size_t i = 0; i < some.size(); ++i) {
      seen[i] = as_is ? map_.foresee(upstream, some[i])
                      : map_.foresee(upstream, matching->candidates(some[i]).begin()->view());
    }
    for (std::size_t i = 0; i < some.size(); ++i) found += map_.foresee_record(seen[i]);
  }
  return found;
}

std::size_t Flow::foresee(upstream::Group& group, ByteSpan bytes) noexcept {
  if (!receipts_.is_cold() || !is_home(group.id())) return kNothingAhead;
  return foresee_receipts(receipts_, group.id(), bytes);
}

}  // namespace smppd::flow
