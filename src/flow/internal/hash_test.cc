#include "flow/internal/hash.h"

#include <string>

#include <gtest/gtest.h>

namespace smppd::flow::internal {
namespace {

// Hashes of addresses are kept in the store: they may never change.
TEST(Hash, OfTextIsTheSameAsEver) {
  EXPECT_EQ(hash_text("", 7), 0x1A989F2829C85F0BU);
  EXPECT_EQ(hash_text("1", 7), 0x477F9F9628317679U);
  EXPECT_EQ(hash_text("SHOP", 7), 0x8A5976E29BE87F10U);
  EXPECT_EQ(hash_text("258841234567", 7), 0x49C475E80EBF1DB5U);
  EXPECT_EQ(hash_text("a text of 31 octets, and no NUL", 7), 0x6CC670B88B748D2DU);
}

TEST(Hash, SomeOctetsAreLoadedAsByCopyingThem) {
  const std::string text = "\xF1\x02\xE3\x04\xD5\x06\xC7";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string some = text.substr(0, size);  // of exactly its size, so that a read beyond it is found
    std::uint64_t word = 0;
    std::memcpy(&word, some.data(), size);
    EXPECT_EQ(load_some(some.data(), size), word) << size;
  }
}

}  // namespace
}  // namespace smppd::flow::internal
