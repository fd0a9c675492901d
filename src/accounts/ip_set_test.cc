#include "accounts/ip_set.h"

#include <algorithm>
#include <cstring>
#include <random>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace smppd::accounts {
namespace {

IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress());
}

IpSet set(std::vector<std::string> cidrs) {
  auto compiled = IpSet::compile(cidrs);
  EXPECT_TRUE(compiled.has_value()) << compiled.error();
  return compiled ? *compiled : IpSet();
}

TEST(IpSet, HoldsExactlyTheAddressesOfItsBlocks) {
  const IpSet list = set({"192.168.1.0/24", "10.0.0.0/8", "203.0.113.7", "2001:db8::/32", "::1"});
  for (const char* inside : {"192.168.1.0", "192.168.1.255", "10.255.255.255", "203.0.113.7", "2001:db8:ffff::1", "::1",
                             "::ffff:10.1.2.3"}) {
    EXPECT_TRUE(list.contains(ip(inside))) << inside;
  }
  for (const char* outside : {"192.168.0.255", "192.168.2.0", "9.255.255.255", "11.0.0.0", "203.0.113.6", "203.0.113.8",
                              "2001:db9::", "::2", "::", "::10.1.2.3"}) {
    EXPECT_FALSE(list.contains(ip(outside))) << outside;
  }
}

TEST(IpSet, WholeFamiliesAndOddLengths) {
  EXPECT_TRUE(set({"0.0.0.0/0"}).contains(ip("255.1.2.3")));
  EXPECT_FALSE(set({"0.0.0.0/0"}).contains(ip("2001:db8::1")));
  EXPECT_TRUE(set({"::/0"}).contains(ip("1.2.3.4")));
  EXPECT_TRUE(set({"10.128.0.0/9"}).contains(ip("10.128.0.0")));
  EXPECT_FALSE(set({"10.128.0.0/9"}).contains(ip("10.127.255.255")));
  EXPECT_TRUE(set({"10.1.2.3/8"}).contains(ip("10.9.9.9"))) << "bits beyond the length are ignored";
  EXPECT_TRUE(set({"::ffff:10.0.0.0/104"}).contains(ip("10.9.9.9")));
  EXPECT_FALSE(IpSet().contains(ip("1.2.3.4")));
}

TEST(IpSet, RefusesWhatIsNoBlockAndNamesAllOfIt) {
  const std::vector<std::string> bad{"10.0.0.0/33", "10.0.0/8", "fe80::1%eth0", "::/129", "1.2.3.4/-1",
                                     "1.2.3.4/8x",  "1.2.3.4/", "host.example", ""};
  std::vector<std::string> cidrs = bad;
  cidrs.push_back("127.0.0.1");
  const auto compiled = IpSet::compile(cidrs);
  ASSERT_FALSE(compiled.has_value());
  for (const std::string& one : bad) EXPECT_NE(compiled.error().find("'" + one + "'"), std::string::npos) << one;
  EXPECT_EQ(compiled.error().find("127.0.0.1"), std::string::npos);
}

TEST(IpSet, AgreesWithAWalkThroughTheListForRandomBlocks) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    struct Block {
      std::uint32_t base, mask;
    };
    std::vector<Block> blocks;
    std::vector<std::string> cidrs;
    for (int i = 0; i < 20; ++i) {
      const auto length = static_cast<unsigned>(random() % 15 + 18);
      const std::uint32_t mask = ~std::uint32_t{0} << (32 - length);
      const std::uint32_t base = (0x0A000000U | static_cast<std::uint32_t>(random() & 0xFFFF)) & mask;
      blocks.push_back({base, mask});
      in_addr in{htonl(base)};
      cidrs.push_back(std::string(inet_ntoa(in)) + "/" + std::to_string(length));
    }
    const IpSet list = set(cidrs);
    for (int i = 0; i < 200; ++i) {
      const std::uint32_t address = 0x0A000000U | static_cast<std::uint32_t>(random() & 0x1FFFF);
      const bool expected =
          std::any_of(blocks.begin(), blocks.end(), [&](const Block& b) { return (address & b.mask) == b.base; });
      std::array<std::uint8_t, 4> octets;
      const std::uint32_t network = htonl(address);
      std::memcpy(octets.data(), &network, 4);
      ASSERT_EQ(list.contains(IpAddress::v4(octets)), expected);
    }
  }
}

TEST(IpAddress, SameWhicheverSocketItCameThrough) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  inet_pton(AF_INET, "10.1.2.3", &in.sin_addr);
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "::ffff:10.1.2.3", &in6.sin6_addr);
  const auto address_in = [](const auto& from) {
    sockaddr_storage storage{};
    std::memcpy(&storage, &from, sizeof from);
    return runtime::SocketAddress::from(storage).ip;
  };
  const IpAddress a = address_in(in);
  EXPECT_EQ(a, address_in(in6));
  EXPECT_EQ(a, ip("10.1.2.3"));
}

TEST(IpAddress, KnowsLoopbackAndPrivateNetworks) {
  for (const char* own : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(ip(own).is_loopback()) << own;
  for (const char* near :
       {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.9.9", "169.254.1.1", "fd00::1", "fe80::1"}) {
    EXPECT_TRUE(ip(near).is_private()) << near;
    EXPECT_FALSE(ip(near).is_loopback()) << near;
  }
  for (const char* far : {"8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "11.0.0.1", "2001:db8::1", "fec0::1"}) {
    EXPECT_FALSE(ip(far).is_private()) << far;
    EXPECT_FALSE(ip(far).is_loopback()) << far;
  }
}

TEST(IpRules, BlockedWinsOverAllowedAndNoListAdmitsAll) {
  const std::vector<std::string> allowed{"10.0.0.0/8"};
  const std::vector<std::string> blocked{"10.0.0.99"};
  const auto rules = IpRules::compile(allowed, blocked);
  ASSERT_TRUE(rules.has_value());
  EXPECT_TRUE(rules->admits(ip("10.0.0.98")));
  EXPECT_FALSE(rules->admits(ip("10.0.0.99")));
  EXPECT_FALSE(rules->admits(ip("11.0.0.1")));
  EXPECT_TRUE(IpRules().admits(ip("11.0.0.1")));
}

}  // namespace
}  // namespace smppd::accounts
