#include "flow/internal/strays.h"

namespace smppd::flow {

namespace {

// version received(8) | upstream, with its length | pdu
constexpr std::uint8_t kStrayVersion = 1;

}  // namespace

ByteSpan encode(const StrayRecord& stray, std::span<std::uint8_t> room) noexcept {
  internal::OctetWriter out(room);
  out.number(kStrayVersion);
  out.moment(stray.received);
  out.text(stray.upstream);
  out.octets(stray.pdu);
  return out.done();
}

std::optional<StrayRecord> decode_stray(ByteSpan octets) noexcept {
  internal::OctetReader in(octets);
  if (in.number<std::uint8_t>() != kStrayVersion) return std::nullopt;
  StrayRecord stray;
  stray.received = in.moment();
  stray.upstream = in.text();
  stray.pdu = in.take_rest();
  if (!in.whole() || stray.pdu.empty()) return std::nullopt;
  return stray;
}

void StrayRing::keep(const Stray& stray) {
  if (stray.record != 0 && !records_.insert(stray.record).second) return;
  ++stats_.total;
  if (max_strays_ == 0 || stray.pdu.size() > max_bytes_) {
    drop(stray.record);
    return;
  }
  while (stats_.kept >= max_strays_ || stats_.bytes + stray.pdu.size() > max_bytes_) {
    const std::uint64_t oldest = strays_.begin()->second.record;
    remove(strays_.begin());
    drop(oldest);
  }
  strays_.emplace_hint(strays_.end(), stats_.total, stray);
  ++stats_.kept;
  stats_.bytes += stray.pdu.size();
}

void StrayRing::drop(std::uint64_t record) {
  ++stats_.dropped;
  if (record == 0) return;
  records_.erase(record);
  if (forget_) forget_(record);
}

void StrayRing::visit(message::UpstreamId upstream, std::uint64_t after, const Visitor& visitor) const {
  for (auto at = strays_.upper_bound(after); at != strays_.end(); ++at) {
    if (upstream.valid() && !(at->second.upstream == upstream)) continue;
    if (!visitor(at->first, at->second)) return;
  }
}

void StrayRing::matched(std::uint64_t number) {
  const auto at = strays_.find(number);
  if (at == strays_.end()) return;
  ++stats_.matched;
  remove(at);
}

void StrayRing::remove(std::map<std::uint64_t, Stray>::iterator at) {
  stats_.bytes -= at->second.pdu.size();
  --stats_.kept;
  records_.erase(at->second.record);
  strays_.erase(at);
}

}  // namespace smppd::flow
