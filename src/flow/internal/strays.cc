#include "flow/internal/strays.h"

namespace smppd::flow {

void StrayRing::keep(message::UpstreamId upstream, WallTime received, ByteSpan pdu) {
  ++stats_.total;
  if (max_strays_ == 0 || pdu.size() > max_bytes_) {
    ++stats_.dropped;
    return;
  }
  while (stats_.kept >= max_strays_ || stats_.bytes + pdu.size() > max_bytes_) {
    remove(strays_.begin());
    ++stats_.dropped;
  }
  strays_.emplace_hint(strays_.end(), stats_.total, Stray{upstream, received, {pdu.begin(), pdu.end()}});
  ++stats_.kept;
  stats_.bytes += pdu.size();
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
  strays_.erase(at);
}

}  // namespace smppd::flow
