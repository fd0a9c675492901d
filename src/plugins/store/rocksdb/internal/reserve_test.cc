#include "plugins/store/rocksdb/internal/reserve.h"

#include <gtest/gtest.h>

#include "plugins/store/conformance/simulated_disk.h"

namespace smppd::plugins::rocks_store {

namespace {
constexpr std::uint64_t kBytes = 1600;
using Loan = Reserve::Loan;
}  // namespace

TEST(Reserve, LendsWhatIsMissingAndTakesItBackWhenTheLoanEnds) {
  store::conformance::SimulatedDisk disk;
  disk.capacity = 2000;
  Reserve reserve(disk, "/s", kBytes);
  reserve.refill();
  EXPECT_TRUE(reserve.whole());
  {
    const Loan small(&reserve, 400);
    EXPECT_TRUE(reserve.whole()) << "there was as much without it";
    {
      const Loan large(&reserve, 1000);
      EXPECT_EQ(reserve.held(), 1000U);
      EXPECT_EQ(*disk.free_bytes("/s"), 1000U);
      EXPECT_TRUE(reserve.enough());
    }
    EXPECT_EQ(reserve.held(), 1000U) << "another loan has not ended";
    reserve.refill();
    EXPECT_EQ(reserve.held(), 1000U) << "not from one to whom it was just lent";
  }
  EXPECT_TRUE(reserve.whole());
  {
    const Loan all(&reserve, 3000);
    EXPECT_EQ(reserve.held(), 0U);
    EXPECT_FALSE(reserve.enough());
  }
  EXPECT_TRUE(reserve.whole());
}

TEST(Reserve, SparesWhatIsMoreThanEnough) {
  store::conformance::SimulatedDisk disk;
  disk.capacity = kBytes + 100;
  Reserve reserve(disk, "/s", kBytes);
  reserve.refill();
  EXPECT_TRUE(reserve.spare(100));
  EXPECT_TRUE(reserve.whole()) << "so much was free";
  EXPECT_FALSE(reserve.spare(kBytes / 2 + 101));
  EXPECT_TRUE(reserve.whole()) << "all of it or nothing";
  EXPECT_TRUE(reserve.spare(kBytes / 2 + 100));
  EXPECT_EQ(*disk.free_bytes("/s"), kBytes / 2 + 100);
  EXPECT_TRUE(reserve.enough());
}

TEST(Reserve, SaysHowMuchToFreeWhereItIsNotEnoughAndGivesNothing) {
  store::conformance::SimulatedDisk disk;
  disk.capacity = kBytes;
  Reserve reserve(disk, "/s", kBytes);
  reserve.refill();
  EXPECT_TRUE(reserve.could_lend(kBytes));
  const auto refused = reserve.could_lend(kBytes + 7);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("free 7 octets there"), std::string::npos) << refused.error();
  EXPECT_TRUE(reserve.whole());
}

TEST(Reserve, IsThereAfterAnotherStartAndTakesWhatAFullDiskHas) {
  store::conformance::SimulatedDisk disk;
  disk.capacity = kBytes / 2 + 50;
  {
    Reserve reserve(disk, "/s", kBytes);
    reserve.refill();
    EXPECT_EQ(reserve.held(), kBytes / 2 + 50) << "to the last octet";
  }
  disk.crash(1);
  Reserve again(disk, "/s", kBytes);
  EXPECT_EQ(again.held(), kBytes / 2 + 50);
  disk.capacity = 2 * kBytes;
  again.refill();
  EXPECT_TRUE(again.whole());
  disk.freeze();
  disk.crash(2);
  EXPECT_EQ(Reserve(disk, "/s", kBytes / 2).held(), kBytes / 2) << "what it holds is what it is asked to hold";
}

}  // namespace smppd::plugins::rocks_store
