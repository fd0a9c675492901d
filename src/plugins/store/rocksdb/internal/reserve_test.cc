#include "plugins/store/rocksdb/internal/reserve.h"

#include <gtest/gtest.h>

#include "plugins/store/conformance/simulated_disk.h"

namespace smppd::plugins::rocks_store {

namespace {
constexpr std::uint64_t kBytes = 1600;
}

TEST(Reserve, GivesWhatIsMissingAndTakesItBackWhenThereIsRoom) {
  store::conformance::SimulatedDisk disk;
  disk.capacity = 2000;
  Reserve reserve(disk, "/s", kBytes);
  reserve.refill_now();
  EXPECT_TRUE(reserve.whole());
  EXPECT_TRUE(reserve.make_room(400, Reserve::For::kTables));
  EXPECT_TRUE(reserve.whole()) << "there was as much without it";
  EXPECT_TRUE(reserve.make_room(1000, Reserve::For::kTables));
  EXPECT_EQ(reserve.held(), 1000U);
  EXPECT_EQ(reserve.free_bytes(), 1000U);
  reserve.refill();
  EXPECT_EQ(reserve.held(), 1000U) << "not from one who has just been given it";
  EXPECT_FALSE(reserve.make_room(3000, Reserve::For::kTables));
  EXPECT_EQ(reserve.held(), 0U);
  reserve.refill_now();
  EXPECT_TRUE(reserve.whole());
}

TEST(Reserve, TheJournalsLeaveHalfOfItToTheTables) {
  store::conformance::SimulatedDisk disk;
  disk.capacity = kBytes;
  Reserve reserve(disk, "/s", kBytes);
  reserve.refill_now();
  EXPECT_FALSE(reserve.make_room(kBytes, Reserve::For::kJournal));
  EXPECT_EQ(reserve.held(), kBytes / 2);
  EXPECT_TRUE(reserve.make_room(kBytes, Reserve::For::kTables));
}

TEST(Reserve, SaysHowMuchToFreeAndGivesNothingWhereItIsNotEnough) {
  store::conformance::SimulatedDisk disk;
  disk.capacity = kBytes;
  Reserve reserve(disk, "/s", kBytes);
  reserve.refill_now();
  EXPECT_TRUE(reserve.room_or_why(kBytes));
  reserve.refill_now();
  const auto refused = reserve.room_or_why(kBytes + 7);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("free 7 octets there"), std::string::npos) << refused.error();
  EXPECT_TRUE(reserve.whole());
}

TEST(Reserve, IsThereAfterAnotherStartAndTakesWhatAFullDiskHas) {
  store::conformance::SimulatedDisk disk;
  disk.capacity = kBytes / 2 + 50;
  {
    Reserve reserve(disk, "/s", kBytes);
    reserve.refill_now();
    EXPECT_EQ(reserve.held(), kBytes / 2 + 50) << "to the last octet";
  }
  disk.crash(1);
  Reserve again(disk, "/s", kBytes);
  EXPECT_EQ(again.held(), kBytes / 2 + 50);
  disk.capacity = 2 * kBytes;
  again.refill();
  EXPECT_TRUE(again.whole());
}

}  // namespace smppd::plugins::rocks_store
