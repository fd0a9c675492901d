#include "message/facts.h"

#include <gtest/gtest.h>

#include "message/names.h"

namespace smppd::message {
namespace {

struct Spelling {
  std::uint8_t ton;
  std::string_view sent;
  std::string_view compared;
  bool international;
};

TEST(Normalise, FollowsTheTableOfTheManual) {
  const Spelling table[] = {
      {1, "258841234567", "258841234567", true},
      {1, "+258841234567", "258841234567", true},
      {1, "00258841234567", "258841234567", true},
      {0, "258841234567", "258841234567", true},
      {0, "+258841234567", "258841234567", true},
      {0, "00258841234567", "258841234567", true},
      {0, "0841234567", "0841234567", true},
      {2, "841234567", "841234567", false},
      {2, "00841234567", "00841234567", false},
      {2, "+258841234567", "258841234567", true},
      {3, "12345", "12345", false},
      {5, "+Shop", "+Shop", false},
      {5, "+123", "+123", false},
      {0, "+", "+", true},
      {0, "00", "00", true},
      {0, "000123", "000123", true},
      {1, "", "", true},
  };
  for (const Spelling& row : table) {
    const NormalAddress address = normalise(row.ton, row.sent);
    EXPECT_EQ(address.text, row.compared) << int(row.ton) << ' ' << row.sent;
    EXPECT_EQ(address.international, row.international) << int(row.ton) << ' ' << row.sent;
  }
}

TEST(Names, GiveTheSameNumberForTheSameNameAndNeverReuseOne) {
  Names names;
  const UpstreamId first = names.upstreams.intern("vodacom");
  const UpstreamId second = names.upstreams.intern("movitel");
  EXPECT_NE(first, second);
  EXPECT_EQ(names.upstreams.intern("vodacom"), first);
  EXPECT_EQ(names.upstreams.find("movitel"), second);
  EXPECT_EQ(names.upstreams.name(first), "vodacom");
  EXPECT_FALSE(names.upstreams.find("nobody").valid());
  EXPECT_EQ(names.upstreams.name(UpstreamId(77)), "");
  EXPECT_EQ(names.upstreams.name(UpstreamId()), "");
}

TEST(Names, RefuseMoreNamesThanTheIdCanCount) {
  NameTable<StrongId<struct TinyTag, std::uint8_t>> table;
  for (int i = 0; i < 255; ++i) ASSERT_TRUE(table.intern(std::to_string(i)).valid()) << i;
  EXPECT_FALSE(table.intern("one too many").valid());
  EXPECT_TRUE(table.intern("254").valid());
  EXPECT_EQ(table.size(), 255U);
}

}  // namespace
}  // namespace smppd::message
