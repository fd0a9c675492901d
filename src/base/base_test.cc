#include <memory>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/slab.h"
#include "base/strong_id.h"
#include "base/token_bucket.h"

namespace smppd {
namespace {

TEST(Bytes, LoadsAndStoresBigEndian) {
  std::uint8_t at[8] = {};
  store_be<std::uint32_t>(at, 0x00000004U);
  EXPECT_EQ(at[0], 0);
  EXPECT_EQ(at[3], 4);
  EXPECT_EQ(load_be<std::uint32_t>(at), 4U);
  store_be<std::uint16_t>(at, 0x1403);
  EXPECT_EQ(at[0], 0x14);
  EXPECT_EQ(load_be<std::uint16_t>(at), 0x1403);
}

TEST(Slab, HandleOfAReleasedObjectNamesNothingEvenAfterTheSlotIsTakenAgain) {
  Slab<int> slab;
  auto [first, first_handle] = slab.make(1);
  slab.release(first_handle);
  auto [second, second_handle] = slab.make(2);
  EXPECT_EQ(second_handle.index, first_handle.index);
  EXPECT_EQ(slab.get(first_handle), nullptr);
  EXPECT_EQ(*slab.get(second_handle), 2);
  EXPECT_EQ(slab.size(), 1U);
}

TEST(Slab, KeepsAddressesWhenItGrows) {
  Slab<int, 2> slab;
  int* first = slab.make(7).first;
  for (int i = 0; i < 100; ++i) (void)slab.make(i);
  EXPECT_EQ(*first, 7);
  EXPECT_EQ(slab.size(), 101U);
}

TEST(Slab, DestroysWhatIsLeft) {
  auto watched = std::make_shared<int>(1);
  {
    Slab<std::shared_ptr<int>> slab;
    (void)slab.make(watched);
    EXPECT_EQ(watched.use_count(), 2);
  }
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(TokenBucket, GrantsTheBurstAndThenTheRate) {
  TokenBucket bucket(10, 2);
  Instant now{1s};
  EXPECT_TRUE(bucket.take(now));
  EXPECT_TRUE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now));
  EXPECT_FALSE(bucket.take(now + 50ms));
  EXPECT_TRUE(bucket.take(now + 101ms));
}

TEST(TokenBucket, SaysWhenTheNextPermitIsThere) {
  TokenBucket bucket(10, 1);
  Instant now{1s};
  ASSERT_TRUE(bucket.take(now));
  ASSERT_FALSE(bucket.take(now));
  const Instant at = bucket.next_permit(now);
  EXPECT_GT(at, now);
  EXPECT_TRUE(bucket.take(at));
}

TEST(TokenBucket, WithoutARateNeverRefuses) {
  TokenBucket bucket;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(bucket.take(Instant{}));
}

TEST(TokenBucket, AChangeOfRateGrantsNoSecondBurst) {
  TokenBucket bucket(10, 5);
  Instant now{1s};
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(bucket.take(now));
  bucket.change_rate(10, 100);
  EXPECT_FALSE(bucket.take(now));
}

}  // namespace
}  // namespace smppd
