// At the bound: nothing new, everything that is owed, and open again when there is room.
#include "plugins/store/conformance/driver.h"

namespace smppd::store::conformance {

constexpr LaneId kLane{1};

TEST_P(StoreConformance, AtTheBoundOfItemsNothingNewIsTakenAndWhatIsOwedIs) {
  options_.max_items = 10;
  open();
  for (ItemId id = 1; id <= 10; ++id) shard().commit(one_item(id, queued(kLane, now_), "x"));
  shard().turn();
  EXPECT_EQ(shard().room(), Room::kOwedOnly);
  EXPECT_EQ(shard().append(one_item(11, queued(kLane, now_), "x"), Intake::kNew), 0U);
  EXPECT_EQ(shard().partition().stats().refused, 1U);
  shard().commit(one_item(12, queued(kLane, now_), "a receipt for one of them"), Intake::kOwed);
  Transaction done;
  for (ItemId id = 1; id <= 5; ++id) done.finish(id);
  shard().commit(done, Intake::kOwed);
  shard().turn();
  EXPECT_EQ(shard().room(), Room::kOpen);
  shard().commit(one_item(11, queued(kLane, now_), "x"), Intake::kNew);
  EXPECT_EQ(shard().take(kLane).size(), 7U);
}

TEST_P(StoreConformance, AtTheBoundOfOctetsNothingNewIsTaken) {
  options_.max_bytes = 1'000'000;
  open();
  const std::string body(10'000, 'b');
  ItemId id = 0;
  Sequence last = 0;
  while (id < 1000) {
    const Sequence sequence = shard().append(one_item(id + 1, queued(kLane, now_), body), Intake::kNew);
    if (sequence == 0) break;
    last = sequence;
    ++id;
    shard().turn();
  }
  EXPECT_GT(id, 20U);
  EXPECT_LE(id, 101U);
  shard().wait_durable(last);
  Transaction done;
  for (ItemId each = 1; each <= id; ++each) done.finish(each);
  shard().commit(done, Intake::kOwed);
  shard().commit(one_item(5000, queued(kLane, now_), body), Intake::kNew);
}

}  // namespace smppd::store::conformance
