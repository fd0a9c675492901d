// Sets of IP addresses from CIDR lists. Immutable once built, shared by all shards; a lookup is a binary search.
//
// IPv4 addresses are held as the IPv4-mapped IPv6 addresses ::ffff:a.b.c.d, so that a peer compares the same whichever
// kind of socket it came through. 0.0.0.0/0 is every IPv4 address, ::/0 is every address.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/ip_address.h"

namespace smppd::accounts {

using runtime::IpAddress;

class IpSet {
 public:
  IpSet() = default;
  // Addresses or address/length; bits beyond the length are ignored. Fails with a sentence that names every bad entry.
  [[nodiscard]] static Fallible<IpSet> compile(std::span<const std::string> cidrs);

  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
  [[nodiscard]] bool contains(const IpAddress& address) const noexcept;

 private:
  struct Range {
    IpAddress first;
    IpAddress last;
  };
  std::vector<Range> ranges_;  // sorted, disjoint
};

// An address may come in unless it is blocked, or there is a list of allowed ones and it is not on it.
struct IpRules {
  IpSet allowed;
  IpSet blocked;

  [[nodiscard]] static Fallible<IpRules> compile(std::span<const std::string> allowed,
                                                 std::span<const std::string> blocked);
  [[nodiscard]] bool admits(const IpAddress& address) const noexcept {
    return !blocked.contains(address) && (allowed.empty() || allowed.contains(address));
  }
};

}  // namespace smppd::accounts
