// Items: accepted, taken in order, amended, finished.
#include "plugins/store/conformance/driver.h"

namespace smppd::store::conformance {

constexpr LaneId kLane{7};
constexpr LaneId kOther{8};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreConformance);

TEST_P(StoreConformance, SequencesBecomeDurableInOrder) {
  open();
  Sequence last = 0;
  for (ItemId id = 1; id <= 500; ++id) {
    const Sequence sequence = shard().append(one_item(id, queued(kLane, now_), "body"));
    EXPECT_EQ(sequence, last + 1);
    last = sequence;
    if (id % 50 == 0) shard().turn();
  }
  shard().wait_durable(last);
  EXPECT_EQ(shard().partition().stats().items, 500U);
}

TEST_P(StoreConformance, ItemsOfALaneComeOnceAndInTheirOrder) {
  open();
  for (ItemId id = 1; id <= 100; ++id) {
    shard().commit(one_item(id, queued(id % 2 == 0 ? kLane : kOther, now_), "body " + std::to_string(id)));
  }
  const auto first = shard().take(kLane, 30);
  const auto second = shard().take(kLane, 30);
  ASSERT_EQ(first.size(), 30U);
  ASSERT_EQ(second.size(), 20U);
  for (std::size_t i = 0; i < 50; ++i) {
    const KeptItem& item = i < 30 ? first[i] : second[i - 30];
    EXPECT_EQ(item.id, 2 * (i + 1));
    EXPECT_EQ(item.body, "body " + std::to_string(item.id));
    EXPECT_TRUE(item.progress.held);
  }
  EXPECT_TRUE(shard().take(kLane).empty());
}

TEST_P(StoreConformance, AnAnswerSaysWhetherThereIsMore) {
  open();
  for (ItemId id = 1; id <= 5; ++id) shard().commit(one_item(id, queued(kLane, now_), "x"));
  ReadRequest request;
  request.kind = ReadRequest::Kind::kTake;
  request.lane = kLane;
  request.limit = 3;
  EXPECT_TRUE(shard().read(request).more);
  EXPECT_FALSE(shard().read(request).more);
}

// Bodies of one answer were read from freed memory once another answer lay beside it.
TEST_P(StoreConformance, AnswersThatComeTogetherHaveTheirBodies) {
  open();
  constexpr ItemId kAnswers = 20;
  std::vector<ReadRequest> requests(kAnswers);
  for (ItemId id = 1; id <= kAnswers; ++id) {
    shard().commit(one_item(id, queued(kLane, now_), "body " + std::to_string(id) + std::string(300, 'b')));
    requests[id - 1].kind = ReadRequest::Kind::kItem;
    requests[id - 1].id = id;
  }
  const auto answers = shard().read_together(requests);
  for (ItemId id = 1; id <= kAnswers; ++id) {
    ASSERT_EQ(answers[id - 1].items.size(), 1U);
    EXPECT_EQ(answers[id - 1].items[0].body, "body " + std::to_string(id) + std::string(300, 'b'));
  }
}

TEST_P(StoreConformance, WhatIsPutBackComesAgain) {
  open();
  shard().commit(one_item(1, queued(kLane, now_), "once more"));
  ASSERT_EQ(shard().take(kLane).size(), 1U);
  EXPECT_TRUE(shard().partition().put_back(1, now_));
  EXPECT_FALSE(shard().partition().put_back(2, now_));
  const auto again = shard().take(kLane);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].body, "once more");
}

TEST_P(StoreConformance, NothingIsGivenBeforeItIsDue) {
  open();
  shard().commit(one_item(1, queued(kLane, now_ + 60s), "later"));
  shard().commit(one_item(2, queued(kLane, now_ + 10s), "sooner"));
  EXPECT_TRUE(shard().take(kLane).empty());
  EXPECT_TRUE(shard().ready.empty());
  now_ += 9999ms;
  EXPECT_TRUE(shard().take(kLane).empty());
  now_ += 1ms;
  shard().turn();
  EXPECT_EQ(shard().ready, std::vector<LaneId>{kLane});
  auto due = shard().take(kLane);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].id, 2U);
  now_ += 50s;
  shard().turn();
  due = shard().take(kLane);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].id, 1U);
}

TEST_P(StoreConformance, ALaneIsAnnouncedOnceUntilItWasEmptied) {
  open();
  shard().commit(one_item(1, queued(kLane, now_), "a"));
  shard().commit(one_item(2, queued(kLane, now_), "b"));
  shard().turn();
  EXPECT_EQ(shard().ready, std::vector<LaneId>{kLane});
  EXPECT_EQ(shard().take(kLane, 1).size(), 1U);
  shard().commit(one_item(3, queued(kLane, now_), "c"));
  EXPECT_EQ(shard().ready.size(), 1U);
  EXPECT_EQ(shard().take(kLane).size(), 2U);
  shard().commit(one_item(4, queued(kLane, now_), "d"));
  shard().turn();
  EXPECT_EQ(shard().ready.size(), 2U);
}

TEST_P(StoreConformance, AHeldItemIsNotGivenUntilItIsAmended) {
  open();
  Progress progress = queued(kLane, now_);
  progress.held = true;
  shard().commit(one_item(1, progress, "mine"));
  EXPECT_TRUE(shard().take(kLane).empty());
  Transaction retry;
  progress.held = false;
  progress.state = 2;
  progress.attempts = 3;
  progress.mark = 0xDEADBEEF;
  progress.lane = kOther;
  progress.due = now_ + 1s;
  retry.amend(1, progress);
  shard().commit(retry, Intake::kOwed);
  EXPECT_TRUE(shard().take(kOther).empty());
  now_ += 1s;
  EXPECT_TRUE(shard().take(kLane).empty());
  auto items = shard().take(kOther);
  ASSERT_EQ(items.size(), 1U);
  progress.held = true;
  EXPECT_EQ(items[0].progress, progress);
  EXPECT_EQ(items[0].body, "mine");
}

TEST_P(StoreConformance, AFinishedItemIsGone) {
  open();
  shard().commit(one_item(1, queued(kLane, now_), "a"));
  shard().commit(one_item(2, queued(kLane, now_), "b"));
  Transaction done;
  done.finish(1);
  done.finish(99);  // never was
  shard().commit(done, Intake::kOwed);
  shard().commit(done, Intake::kOwed);
  EXPECT_FALSE(shard().item(1));
  const auto rest = shard().take(kLane);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].id, 2U);
  EXPECT_EQ(shard().partition().stats().items, 1U);
}

TEST_P(StoreConformance, AStepOfAnItemThatIsGoneChangesNothing) {
  open();
  Transaction step;
  step.amend(5, queued(kLane, now_));
  shard().commit(step, Intake::kOwed);
  EXPECT_TRUE(shard().take(kLane).empty());
}

TEST_P(StoreConformance, EnqueueingANumberAgainReplacesTheBody) {
  open();
  shard().commit(one_item(1, queued(kLane, now_), "old"));
  shard().commit(one_item(1, queued(kOther, now_, 4), "new and longer"));
  EXPECT_TRUE(shard().take(kLane).empty());
  const auto items = shard().take(kOther);
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].body, "new and longer");
  EXPECT_EQ(items[0].progress.state, 4);
  EXPECT_EQ(shard().partition().stats().items, 1U);
}

TEST_P(StoreConformance, AnItemIsReadWithoutBeingTaken) {
  open();
  shard().commit(one_item(1, queued(kLane, now_, 9), "look"));
  for (int i = 0; i < 2; ++i) {
    const auto item = shard().item(1);
    ASSERT_TRUE(item);
    EXPECT_EQ(item->body, "look");
    EXPECT_EQ(item->progress.state, 9);
    EXPECT_FALSE(item->progress.held);
  }
  EXPECT_FALSE(shard().item(2));
  EXPECT_EQ(shard().take(kLane).size(), 1U);
}

TEST_P(StoreConformance, BodiesOfEverySizeComeBackAsTheyWere) {
  open();
  std::string big;
  for (int i = 0; i < 400'000; ++i) big.push_back(static_cast<char>(i * 31));
  const std::vector<std::size_t> sizes{0, 1, 7, 8, 9, 255, 4096, 65'535, 400'000};
  ItemId id = 0;
  for (const std::size_t size : sizes) shard().commit(one_item(++id, queued(kLane, now_), big.substr(0, size)));
  const auto items = shard().take(kLane);
  ASSERT_EQ(items.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_EQ(items[i].body, big.substr(0, sizes[i]));
}

TEST_P(StoreConformance, ATransactionThatIsTooLongIsRefusedWhole) {
  open();
  const std::string big(Transaction::kMaxBytes / 2, 'x');
  Transaction transaction;
  transaction.enqueue(1, queued(kLane, now_), as_bytes(big));
  transaction.enqueue(2, queued(kLane, now_), as_bytes(big));
  EXPECT_EQ(shard().append(transaction, Intake::kOwed), 0U);
  EXPECT_EQ(shard().partition().stats().items, 0U);
  EXPECT_EQ(shard().partition().stats().refused, 1U);
}

TEST_P(StoreConformance, LanesAreCounted) {
  open();
  shard().commit(one_item(1, queued(kLane, now_), "a"));
  shard().commit(one_item(2, queued(kLane, now_ + 1h), "b"));
  shard().commit(one_item(3, queued(kOther, now_), "c"));
  const PartitionStats stats = shard().partition().stats();
  ASSERT_EQ(stats.lanes.size(), 2U);
  EXPECT_EQ(stats.lanes[0].lane, kLane);
  EXPECT_EQ(stats.lanes[0].items, 2U);
  EXPECT_EQ(stats.lanes[0].ready, 1U);
  EXPECT_EQ(stats.lanes[1].items, 1U);
}

TEST_P(StoreConformance, AClaimedItemIsNobodyElses) {
  open();
  shard().commit(one_item(1, queued(kLane, now_), "mine"));
  ReadRequest claim;
  claim.kind = ReadRequest::Kind::kClaim;
  claim.id = 1;
  const KeptAnswer first = shard().read(claim);
  ASSERT_EQ(first.items.size(), 1U);
  EXPECT_EQ(first.items[0].body, "mine");
  EXPECT_TRUE(first.items[0].progress.held);
  EXPECT_TRUE(shard().read(claim).items.empty());
  EXPECT_TRUE(shard().take(kLane).empty());
  EXPECT_TRUE(shard().partition().put_back(1, now_));
  ASSERT_EQ(shard().take(kLane).size(), 1U);
  EXPECT_TRUE(shard().read(claim).items.empty()) << "what was taken cannot be claimed";
  claim.id = 2;
  EXPECT_TRUE(shard().read(claim).items.empty()) << "nor what is not there";
}

TEST_P(StoreConformance, ItemsAreFoundByTheirMark) {
  open();
  const auto marked = [&](ItemId id, std::uint32_t mark) {
    Progress progress = queued(id % 2 == 0 ? kLane : kOther, now_ + std::chrono::hours(id));
    progress.mark = mark;
    return one_item(id, progress, "body " + std::to_string(id));
  };
  const auto with_mark = [&](std::uint32_t mark, std::uint32_t limit = 100) {
    ReadRequest request;
    request.kind = ReadRequest::Kind::kMarked;
    request.mark = mark;
    request.limit = limit;
    KeptAnswer answer = shard().read(request);
    std::vector<ItemId> ids;
    for (const KeptItem& item : answer.items) {
      EXPECT_EQ(item.body, "body " + std::to_string(item.id));
      EXPECT_EQ(item.progress.mark, mark);
      EXPECT_FALSE(item.progress.held);
      ids.push_back(item.id);
    }
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(answer.more, ids.size() == limit);
    return ids;
  };
  for (ItemId id = 1; id <= 9; ++id) shard().commit(marked(id, static_cast<std::uint32_t>(id % 3)));
  using Ids = std::vector<ItemId>;
  EXPECT_EQ(with_mark(1), (Ids{1, 4, 7}));
  EXPECT_EQ(with_mark(1, 2).size(), 2U);
  EXPECT_TRUE(with_mark(77).empty());
  // And what changes after the first question.
  Transaction changes;
  changes.finish(4);
  Progress other = queued(kLane, now_);
  other.mark = 2;
  changes.amend(7, other);
  shard().commit(changes);
  shard().commit(marked(10, 1));
  EXPECT_EQ(with_mark(1), (Ids{1, 10}));
  EXPECT_EQ(with_mark(2), (Ids{2, 5, 7, 8}));
}

TEST_P(StoreConformance, OfAnOrderTheOldestIsGivenUntilItIsFinished) {
  open();
  const auto ordered = [&](ItemId id, LaneId lane, std::uint32_t order) {
    Progress progress = queued(lane, now_);
    progress.order = order;
    shard().commit(one_item(id, progress, "body " + std::to_string(id)));
  };
  EXPECT_FALSE(shard().partition().in_order(5));
  ordered(1, kLane, 5);
  ordered(2, kLane, 5);
  ordered(3, kOther, 5);
  ordered(4, kLane, 6);
  ordered(5, kLane, 0);
  EXPECT_TRUE(shard().partition().in_order(5));
  const auto ids = [&](LaneId lane) {
    std::vector<ItemId> all;
    for (const KeptItem& item : shard().take(lane)) all.push_back(item.id);
    return all;
  };
  using Ids = std::vector<ItemId>;
  EXPECT_EQ(ids(kLane), (Ids{1, 4, 5}));
  EXPECT_EQ(ids(kOther), Ids{});
  // It is tried again later: nothing passes it.
  Transaction later;
  later.amend(1, queued(kLane, now_ + 10s));
  shard().commit(later, Intake::kOwed);
  EXPECT_EQ(ids(kLane), Ids{});
  now_ += 10s;
  shard().turn();
  EXPECT_EQ(ids(kLane), Ids{1});
  Transaction done;
  done.finish(1);
  shard().commit(done, Intake::kOwed);
  shard().turn_until([&] { return std::count(shard().ready.begin(), shard().ready.end(), kLane) > 0; }, "a ready lane");
  EXPECT_EQ(ids(kLane), Ids{2});
  EXPECT_EQ(shard().item(3)->progress.order, 5U);
  Transaction last;
  last.finish(2);
  last.finish(3);
  shard().commit(last, Intake::kOwed);
  EXPECT_FALSE(shard().partition().in_order(5));
}

}  // namespace smppd::store::conformance
