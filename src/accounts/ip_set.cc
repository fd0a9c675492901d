#include "accounts/ip_set.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace smppd::accounts {
namespace {

struct Block {
  IpAddress first;
  IpAddress last;
};

std::optional<Block> parse_block(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  const int bits = v4 ? 32 : 128;
  int length = bits;
  if (slash < text.size()) {
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data() + slash + 1, end, length);
    if (problem != std::errc{} || stop != end || length < 0 || length > bits) return std::nullopt;
  }
  const int kept = 128 - bits + length;
  Block block{*address, *address};
  for (int octet = 0; octet < 16; ++octet) {
    const int in_octet = std::clamp(kept - octet * 8, 0, 8);
    const auto host = static_cast<std::uint8_t>(0xFF >> in_octet);
    block.first.octets[static_cast<std::size_t>(octet)] &= static_cast<std::uint8_t>(~host);
    block.last.octets[static_cast<std::size_t>(octet)] |= host;
  }
  return block;
}

}  // namespace

Fallible<IpSet> IpSet::compile(std::span<const std::string> cidrs) {
  std::vector<Range> ranges;
  std::string bad;
  for (const std::string& cidr : cidrs) {
    if (const auto block = parse_block(cidr)) {
      ranges.push_back({block->first, block->last});
    } else {
      bad += (bad.empty() ? "'" : ", '") + cidr + "'";
    }
  }
  if (!bad.empty()) return failure(bad + ": not an address or block like 192.168.1.0/24 or 2001:db8::/32");
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  IpSet set;
  for (const Range& range : ranges) {
    if (!set.ranges_.empty() && range.first <= set.ranges_.back().last) {
      set.ranges_.back().last = std::max(set.ranges_.back().last, range.last);
    } else {
      set.ranges_.push_back(range);
    }
  }
  return set;
}

bool IpSet::contains(const IpAddress& address) const noexcept {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                      [](const IpAddress& ip, const Range& range) { return ip < range.first; });
  return after != ranges_.begin() && address <= std::prev(after)->last;
}

Fallible<IpRules> IpRules::compile(std::span<const std::string> allowed, std::span<const std::string> blocked) {
  auto in = IpSet::compile(allowed);
  auto out = IpSet::compile(blocked);
  if (!in) return failure("allowed_ips: " + in.error());
  if (!out) return failure("blocked_ips: " + out.error());
  return IpRules{std::move(*in), std::move(*out)};
}

}  // namespace smppd::accounts
