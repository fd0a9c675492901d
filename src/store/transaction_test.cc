#include "store/transaction.h"

#include <array>

#include <gtest/gtest.h>

namespace smppd::store {

namespace {

Progress some_progress() {
  Progress progress;
  progress.state = 3;
  progress.attempts = 513;
  progress.lane = LaneId(70'000);
  progress.due = Moment(std::chrono::milliseconds(1'800'000'000'123));
  progress.mark = 0x01234567;
  progress.expires = Moment(std::chrono::seconds(0x89ABCDEF));
  return progress;
}

Transaction one_of_each() {
  Transaction transaction;
  Progress held = some_progress();
  held.held = true;
  transaction.enqueue(42, held, as_bytes("body"));
  transaction.amend(43, some_progress());
  transaction.finish(44);
  transaction.put(Table::kOutcomes, "key", as_bytes("value"), kNever);
  transaction.erase(Table::kFacts, "gone");
  Progress ordered = some_progress();
  ordered.order = 0x89ABCDEF;
  transaction.enqueue(45, ordered, as_bytes("in order"));
  return transaction;
}

}  // namespace

TEST(Transaction, ReadsBackWhatWasWritten) {
  const Transaction transaction = one_of_each();
  ChangeReader reader(transaction.bytes());
  Change change;
  ASSERT_TRUE(reader.next(change));
  EXPECT_EQ(change.kind, Change::Kind::kEnqueue);
  EXPECT_EQ(change.id, 42U);
  EXPECT_TRUE(change.progress.held);
  EXPECT_EQ(as_text(change.body), "body");
  ASSERT_TRUE(reader.next(change));
  EXPECT_EQ(change.kind, Change::Kind::kAmend);
  EXPECT_EQ(change.id, 43U);
  EXPECT_EQ(change.progress, some_progress());
  ASSERT_TRUE(reader.next(change));
  EXPECT_EQ(change.kind, Change::Kind::kFinish);
  EXPECT_EQ(change.id, 44U);
  ASSERT_TRUE(reader.next(change));
  EXPECT_EQ(change.kind, Change::Kind::kPut);
  EXPECT_EQ(change.table, Table::kOutcomes);
  EXPECT_EQ(change.key, "key");
  EXPECT_EQ(as_text(change.body), "value");
  EXPECT_EQ(change.expires, kNever);
  ASSERT_TRUE(reader.next(change));
  EXPECT_EQ(change.kind, Change::Kind::kErase);
  EXPECT_EQ(change.key, "gone");
  ASSERT_TRUE(reader.next(change));
  EXPECT_EQ(change.kind, Change::Kind::kEnqueue);
  EXPECT_EQ(change.progress.order, 0x89ABCDEFU);
  EXPECT_EQ(change.progress.mark, some_progress().mark);
  EXPECT_EQ(as_text(change.body), "in order");
  EXPECT_FALSE(reader.next(change));
  EXPECT_FALSE(reader.damaged());
}

TEST(Transaction, HasTheseOctetsOnDisk) {
  Transaction transaction;
  Progress progress;
  progress.state = 2;
  progress.attempts = 1;
  progress.lane = LaneId(5);
  progress.due = Moment(std::chrono::milliseconds(6));
  progress.mark = 7;
  progress.expires = Moment(std::chrono::milliseconds(8001));
  transaction.enqueue(4, progress, as_bytes("ab"));
  transaction.finish(4);
  const std::vector<std::uint8_t> expected{1, 2, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0,   0,   0, 4, 0, 0, 0, 0, 0, 0, 0, 6,
                                           0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 2, 'a', 'b', 3, 0, 0, 0, 0, 0, 0, 0, 4};
  EXPECT_EQ(std::vector<std::uint8_t>(transaction.bytes().begin(), transaction.bytes().end()), expected);
}

TEST(Transaction, AnOrderIsFourOctetsOfAnEnqueueThatHasOne) {
  Transaction plain, ordered;
  Progress progress;
  plain.enqueue(4, progress, as_bytes("ab"));
  progress.order = 0x01020304;
  ordered.enqueue(4, progress, as_bytes("ab"));
  std::vector<std::uint8_t> expected(plain.bytes().begin(), plain.bytes().end());
  expected[0] |= 0x40U;
  expected.insert(expected.begin() + 32, {1, 2, 3, 4});
  EXPECT_EQ(std::vector<std::uint8_t>(ordered.bytes().begin(), ordered.bytes().end()), expected);
  for (const std::uint8_t kind : std::array<std::uint8_t, 4>{0x42, 0x43, 0x44, 0x45}) {  // nothing else has one
    expected[0] = kind;
    ChangeReader reader(expected);
    Change change;
    EXPECT_FALSE(reader.next(change));
    EXPECT_TRUE(reader.damaged());
  }
}

TEST(Transaction, CutShortAnywhereInAChangeIsDamagedAndNeverReadBeyond) {
  const Transaction transaction = one_of_each();
  for (std::size_t size = 0; size < transaction.bytes().size(); ++size) {
    const std::vector<std::uint8_t> cut(transaction.bytes().begin(),
                                        transaction.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    ChangeReader reader(cut);
    Change change;
    int whole = 0;
    std::size_t octets = 0;
    while (reader.next(change)) ++whole;
    for (const std::size_t each : {40U, 32U, 9U, 24U, 8U}) {
      if (whole-- > 0) octets += each;
    }
    EXPECT_EQ(reader.damaged(), octets != size) << size;
  }
}

TEST(Transaction, WhatCannotBeIsDamaged) {
  const auto damaged = [](std::vector<std::uint8_t> bytes) {
    ChangeReader reader(bytes);
    Change change;
    while (reader.next(change)) {
    }
    return reader.damaged();
  };
  EXPECT_TRUE(damaged({0}));
  EXPECT_TRUE(damaged({6, 0, 0, 0}));
  EXPECT_TRUE(damaged({0x83, 0, 0, 0, 0, 0, 0, 0, 1}));  // a finished item is not held
  EXPECT_TRUE(damaged({5, 9, 0, 1, 'k'}));               // no such table
  EXPECT_TRUE(damaged({5, 1, 0, 0}));                    // no key
  EXPECT_TRUE(damaged({5, 1, 0xFF, 0xFF, 'k'}));
  std::vector<std::uint8_t> far(32, 0xFF);  // due in a time that does not fit
  far[0] = 2;
  EXPECT_TRUE(damaged(far));
}

}  // namespace smppd::store
