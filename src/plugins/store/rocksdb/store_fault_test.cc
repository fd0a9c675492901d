// The store under disks that are full, slow, damaged, missing, foreign or taken.
#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "plugins/store/conformance/driver.h"
#include "plugins/store/conformance/simulated_disk.h"
#include "plugins/store/rocksdb/rocks_store.h"
#include "store/crc32c.h"

namespace smppd::plugins {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using store::Intake;
using store::ItemId;
using store::LaneId;
using store::Room;
using store::Table;
using store::Transaction;
using store::conformance::one_item;
using store::conformance::queued;
using store::conformance::Shard;
using store::conformance::SimulatedDisk;
using store::conformance::TemporaryDirectory;

namespace {

constexpr LaneId kLane{4};

class StoreFaults : public testing::Test {
 protected:
  StoreFaults() {
    options_.segment_bytes = 256 * 1024;
    options_.reserve_bytes = 16 << 20;
  }
  void open() {
    close();
    options_.path = directory_.path();
    auto opened = kRocksStore.open(options_);
    ASSERT_TRUE(opened) << opened.error();
    store_ = std::move(*opened);
    shard_ = std::make_unique<Shard>(store_->partition(0), now_);
    shard_->turn();
  }
  void close() {
    store_.reset();
    shard_.reset();
  }
  // A new message, offered again for a while when it is refused: 0 when that is of no use.
  store::Sequence offer(ItemId id, const std::string& body) {
    for (int i = 0; i < 60; ++i) {
      if (const auto sequence = shard_->append(one_item(id, queued(kLane, now_), body)); sequence != 0) return sequence;
      std::this_thread::sleep_for(2ms);
      shard_->turn();
    }
    return 0;
  }
  std::string refusal() {
    options_.path = directory_.path();
    const auto opened = kRocksStore.open(options_);
    EXPECT_FALSE(opened);
    return opened ? "" : opened.error();
  }
  void use_simulated_disk() { options_.disk = &disk_; }
  // Every file below the directory with its content.
  std::map<std::string, std::string> snapshot() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream content;
      content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      files[entry.path().string()] = content.str();
    }
    return files;
  }
  void put_file(const std::string& name, const std::string& content) {
    std::ofstream(directory_.path() + "/" + name) << content;
  }
  std::vector<std::string> segment_files() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
      if (entry.path().extension() == ".seg") found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  TemporaryDirectory directory_;
  SimulatedDisk disk_;
  store::StoreOptions options_;
  store::Moment now_{std::chrono::milliseconds(1'800'000'000'000)};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Shard> shard_;
};

}  // namespace

TEST_F(StoreFaults, AMissingDirectoryIsRefusedByName) {
  options_.path = directory_.path() + "/missing";
  const auto opened = kRocksStore.open(options_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().find(options_.path), std::string::npos);
  EXPECT_NE(opened.error().find("No such file"), std::string::npos);
  EXPECT_FALSE(fs::exists(options_.path));
}

TEST_F(StoreFaults, ADirectoryThatCannotBeWrittenIsRefused) {
  use_simulated_disk();
  disk_.read_only = true;
  EXPECT_NE(refusal().find("cannot be written: Read-only file system"), std::string::npos);
}

TEST_F(StoreFaults, ADirectoryOfSomethingElseIsRefusedAndUntouched) {
  put_file("holiday.jpg", "not a store");
  const auto before = snapshot();
  EXPECT_NE(refusal().find("holds no store"), std::string::npos);
  EXPECT_EQ(snapshot(), before);
}

TEST_F(StoreFaults, AStoreOfANewerVersionIsRefusedAndUntouched) {
  open();
  shard_->commit(one_item(1, queued(kLane, now_), "x"));
  close();
  put_file("FORMAT", "smppd-store 4\nsomething new\n");
  const auto before = snapshot();
  EXPECT_NE(refusal().find("newer smppd (format 4"), std::string::npos);
  EXPECT_EQ(snapshot(), before);
}

TEST_F(StoreFaults, AStoreOfTheFormatBeforeIsReadAndWrittenOnInThisOne) {
  open();
  for (ItemId id = 1; id <= 3; ++id) shard_->commit(one_item(id, queued(kLane, now_), "old " + std::to_string(id)));
  close();
  const auto replace_number = [](std::string text) {
    text[text.find('3')] = '2';
    return text;
  };
  put_file("FORMAT", replace_number(snapshot().at(directory_.path() + "/FORMAT")));
  for (const std::string& path : segment_files()) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    std::array<std::uint8_t, 36> header{};
    file.read(reinterpret_cast<char*>(header.data()), header.size());
    if (header[0] == 0) continue;  // made in advance
    store_be(&header[8], std::uint32_t{2});
    store_be(&header[32], store::crc32c(ByteSpan(header).first(32)));
    file.seekp(0);
    file.write(reinterpret_cast<const char*>(header.data()), header.size());
  }
  open();
  EXPECT_TRUE(store_->recovery().reports.empty()) << store_->recovery().reports.front();
  EXPECT_EQ(shard_->take(kLane).size(), 3U);
  shard_->commit(one_item(4, queued(kLane, now_), "new"));
  EXPECT_TRUE(snapshot().at(directory_.path() + "/FORMAT").starts_with("smppd-store 3\n"));
  open();
  EXPECT_EQ(shard_->take(kLane).size(), 4U);
}

TEST_F(StoreFaults, AStoreOfAnOlderVersionIsRefusedAndUntouched) {
  open();
  close();
  put_file("FORMAT", "smppd-store 1\nactive 0\ndraining\nnext 1\n");
  const auto before = snapshot();
  EXPECT_NE(refusal().find("older smppd (format 1"), std::string::npos);
  EXPECT_EQ(snapshot(), before);
}

TEST_F(StoreFaults, AStartThatDiedBeforeItsFirstFormatHadItsNameIsGoneOnWith) {
  put_file("LOCK", "");
  put_file("FORMAT.new", "smppd-st");
  open();
  shard_->commit(one_item(1, queued(kLane, now_), "x"));
}

TEST_F(StoreFaults, ADamagedFormatFileIsRefusedAndUntouched) {
  open();
  close();
  for (const char* text : {"", "smppd", "smppd-store 3\nactive 0\ndraining", "smppd-store 3\nactive zero\nnext 1\n",
                           "smppd-store 3\n7\nnext 1\n"}) {
    put_file("FORMAT", text);
    const auto before = snapshot();
    EXPECT_NE(refusal().find("damaged"), std::string::npos) << text;
    EXPECT_EQ(snapshot(), before);
  }
}

TEST_F(StoreFaults, AStoreWhoseTablesAreGoneIsRefusedAndUntouched) {
  open();
  shard_->commit(one_item(1, queued(kLane, now_), "x"));
  close();
  fs::remove_all(directory_.path() + "/tables");
  const auto before = snapshot();
  EXPECT_NE(refusal().find("tables is gone"), std::string::npos);
  EXPECT_EQ(snapshot(), before);
  const auto inspected = inspect_store(directory_.path());
  ASSERT_FALSE(inspected);
  EXPECT_NE(inspected.error().find("tables is gone"), std::string::npos);
}

TEST_F(StoreFaults, AStartThatDiedBeforeItHadTablesIsGoneOnWith) {
  put_file("FORMAT", "smppd-store 3\nactive 0\ndraining\nnext 1\n");
  open();
  shard_->commit(one_item(1, queued(kLane, now_), "x"));
}

TEST_F(StoreFaults, ADirectoryThatAnotherHoldsIsRefused) {
  open();
  shard_->commit(one_item(1, queued(kLane, now_), "x"));
  EXPECT_NE(refusal().find("in use by another smppd"), std::string::npos);
  const auto inspected = inspect_store(directory_.path());
  ASSERT_FALSE(inspected);
  EXPECT_NE(inspected.error().find("in use"), std::string::npos);
  open();
  EXPECT_EQ(shard_->take(kLane).size(), 1U);
}

TEST_F(StoreFaults, AFullDiskRefusesWhatIsNewTakesWhatIsOwedAndOpensAgain) {
  use_simulated_disk();
  disk_.capacity = options_.reserve_bytes + 1'400'000;
  open();
  const std::string body(2000, 'f');
  ItemId id = 0;
  store::Sequence last = 0;
  while (const auto sequence = offer(id + 1, body)) {
    last = sequence;
    ++id;
    shard_->turn();
    ASSERT_LT(id, 1000U);
  }
  ASSERT_EQ(shard_->room(), Room::kOwedOnly);
  EXPECT_GT(id, 200U);
  EXPECT_EQ(shard_->append(one_item(100'000, queued(kLane, now_), body), Intake::kNew), 0U);
  // Everything that was taken becomes durable, and steps of it are taken and become durable, too.
  shard_->wait_durable(last);
  Transaction steps;
  for (ItemId each = 1; each <= id; ++each) steps.finish(each);
  shard_->commit(steps, Intake::kOwed);
  // What is done makes room by itself.
  shard_->turn_until([&] { return shard_->room() == Room::kOpen; }, "room after everything was finished");
  shard_->commit(one_item(100'001, queued(kLane, now_), "again"), Intake::kNew);
  disk_.freeze();
  close();
  disk_.crash(1);
  disk_.capacity = UINT64_MAX;
  open();
  const auto items = shard_->take(kLane);
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].id, 100'001U);
}

TEST_F(StoreFaults, AFullDiskThatGetsSpaceAgainGoesOnAndLosesNothing) {
  use_simulated_disk();
  disk_.capacity = options_.reserve_bytes + 1'100'000;
  open();
  const std::string body(3000, 'g');
  std::vector<ItemId> accepted;
  bool full = false;
  for (ItemId id = 1; id <= 800; ++id) {
    if (id == 400) {
      EXPECT_TRUE(full);
      disk_.capacity = UINT64_MAX;
    }
    if (full && id < 400) continue;
    full = offer(id, body) == 0;
    if (!full) accepted.push_back(id);
    shard_->turn();
  }
  EXPECT_GT(accepted.size(), 400U);
  shard_->commit(one_item(5000, queued(LaneId(9), now_), "last"), Intake::kOwed);
  disk_.freeze();
  close();
  disk_.crash(2);
  open();
  std::vector<ItemId> found;
  for (const auto& item : shard_->take(kLane, 10'000)) {
    EXPECT_EQ(item.body, body);
    found.push_back(item.id);
  }
  EXPECT_EQ(found, accepted);
}

// A disk that is full to the last octet, since others have what was left.
class FullDisk : public StoreFaults {
 protected:
  // Returns how many items there are, numbered from 1.
  ItemId fill() {
    use_simulated_disk();
    options_.reserve_bytes = 64 << 20;
    disk_.capacity = options_.reserve_bytes + 1'400'000;
    open();
    ItemId last = 0;
    store::Sequence sequence = 0;
    while (const auto next = offer(last + 1, body_)) {
      sequence = next;
      ++last;
      shard_->turn();
      if (last == 1000) ADD_FAILURE() << "it is never full";
      if (HasFailure()) break;
    }
    shard_->wait_durable(sequence);
    disk_.capacity = disk_.used();
    return last;
  }
  void die(std::uint64_t seed) {
    disk_.freeze();
    close();
    disk_.crash(seed);
    disk_.capacity = disk_.used();  // others have taken what was free
  }
  void commit_owed(const Transaction& transaction) {
    shard_->turn_until([&] { return (owed_ = shard_->append(transaction, Intake::kOwed)) != 0; },
                       "room for what is owed");
    if (owed_ % 16 == 0) shard_->wait_durable(owed_);
  }
  void expect_room_again() {
    shard_->turn_until([&] { return shard_->room() == Room::kOpen; }, "room after everything was finished");
    shard_->commit(one_item(100'001, queued(kLane, now_), "again"), Intake::kNew);
  }

  const std::string body_ = std::string(2000, 'h');
  store::Sequence owed_ = 0;  // the last
};

TEST_F(FullDisk, WithoutAFreeOctetItStartsAndGoesOnLifeAfterLife) {
  const ItemId last = fill();
  ItemId done = 0;
  for (unsigned life = 0; life < 20 && !HasFailure(); ++life) {
    SCOPED_TRACE(life);
    die(life);
    open();
    EXPECT_EQ(shard_->take(kLane, 10'000).size(), last - done);
    Transaction steps;
    for (int i = 0; i < 10; ++i) steps.finish(++done);
    shard_->commit(steps, Intake::kOwed);
  }
  Transaction rest;
  while (done < last) rest.finish(++done);
  shard_->commit(rest, Intake::kOwed);
  expect_room_again();
}

TEST_F(FullDisk, WhatIsDeadBetweenTheLivingGivesItsRoomToWhatIsOwed) {
  const ItemId last = fill();
  // More than the whole disk has, while each item stays alive; now and then it dies.
  const ItemId steps = 40'000;
  for (ItemId step = 0; step < steps && !HasFailure(); ++step) {
    Transaction one;
    one.amend(step % last + 1, queued(kLane, now_ + std::chrono::milliseconds(step)));
    commit_owed(one);
    if (step % 8000 != 7999) continue;
    EXPECT_GT(shard_->partition().stats().moved, 0U);
    die(step);
    open();
  }
  std::vector<ItemId> found;
  now_ += std::chrono::milliseconds(steps);
  shard_->turn();
  for (const auto& item : shard_->take(kLane, 10'000)) {
    EXPECT_EQ(item.body, body_);
    EXPECT_FALSE(item.damaged);
    found.push_back(item.id);
  }
  EXPECT_EQ(found.size(), last);
  // What came first stays longest: of each pair one is finished, and then the other.
  for (const ItemId odd : {0U, 1U}) {
    for (ItemId id = 1; id <= last && !HasFailure(); ++id) {
      if (id % 2 != odd) continue;
      Transaction one;
      one.finish(id);
      commit_owed(one);
    }
    shard_->wait_durable(owed_);
    die(odd);
    open();
  }
  expect_room_again();
  EXPECT_EQ(shard_->partition().stats().items, 1U);
}

TEST_F(StoreFaults, AFailedSyncIsNotForgottenByTheNextThatSucceeds) {
  use_simulated_disk();
  open();
  shard_->commit(one_item(1, queued(kLane, now_), "before"));
  for (ItemId id = 2; id <= 20; ++id) {
    // The kernel forgets what it could not write and says so once.
    (id % 2 == 0 ? disk_.sync_error : disk_.write_error) = EIO;
    disk_.failures_left = 1;
    shard_->commit(one_item(id, queued(kLane, now_), "during"), Intake::kOwed);
    disk_.write_error = 0;
    disk_.sync_error = 0;
  }
  EXPECT_GE(shard_->partition().stats().write_failures, 10U);
  disk_.freeze();
  close();
  disk_.crash(3);
  open();
  EXPECT_EQ(shard_->take(kLane).size(), 20U);
  EXPECT_TRUE(store_->recovery().reports.empty()) << store_->recovery().reports.front();
}

TEST_F(StoreFaults, ASlowSyncDelaysAnswersAndNeverTheShard) {
  use_simulated_disk();
  options_.segment_bytes = 4 << 20;
  open();
  disk_.sync_microseconds = 100'000;
  Duration longest{};
  store::Sequence last = 0;
  for (ItemId id = 1; id <= 3000; ++id) {
    const auto began = std::chrono::steady_clock::now();
    last = shard_->append(one_item(id, queued(kLane, now_), "slow"));
    if (id % 10 == 0) shard_->turn();
    longest = std::max<Duration>(longest, std::chrono::steady_clock::now() - began);
    ASSERT_NE(last, 0U);
  }
  EXPECT_LT(shard_->durable(), last);
  // Well under one sync; the machine that runs this may be busy.
  EXPECT_LT(longest, 80ms);
  shard_->wait_durable(last);
  EXPECT_LT(shard_->partition().stats().syncs, 100U) << "one sync for everything that came during the one before";
}

TEST_F(StoreFaults, ASyncThatNeverEndsClosesTheDoorInsteadOfFillingMemory) {
  use_simulated_disk();
  options_.staged_bytes = 100'000;
  open();
  disk_.sync_microseconds = 300'000;
  const std::string body(1000, 'm');
  ItemId taken = 0;
  ItemId owed = 0;
  for (ItemId id = 1; id <= 2000; ++id) {
    taken += shard_->append(one_item(id, queued(kLane, now_), body), Intake::kNew) != 0 ? 1 : 0;
    owed += shard_->append(one_item(10'000 + id, queued(kLane, now_), body), Intake::kOwed) != 0 ? 1 : 0;
    shard_->turn();
  }
  EXPECT_LT(taken, 200U);
  EXPECT_GT(owed, taken);
  EXPECT_LT(owed, 800U);
  disk_.sync_microseconds = 0;
  shard_->turn_until([&] { return shard_->room() == Room::kOpen; }, "room");
}

TEST_F(StoreFaults, ADamagedBodyIsToldAndTheOthersAreGiven) {
  open();
  for (ItemId id = 1; id <= 20; ++id) {
    shard_->commit(one_item(id, queued(kLane, now_), "body of number " + std::to_string(100 + id)));
  }
  close();
  const auto files = segment_files();
  for (const auto& path : files) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    std::string content((std::istreambuf_iterator<char>(file)), {});
    const auto at = content.find("number 107");
    if (at == std::string::npos) continue;
    file.seekp(static_cast<std::streamoff>(at));
    file.write("NUMBER", 6);
  }
  open();
  const auto items = shard_->take(kLane);
  ASSERT_EQ(items.size(), 20U);
  for (const auto& item : items) {
    EXPECT_EQ(item.damaged, item.id == 7) << item.id;
    EXPECT_EQ(item.body, item.id == 7 ? "" : "body of number " + std::to_string(100 + item.id));
  }
  EXPECT_EQ(shard_->partition().stats().damaged, 1U);
  close();
  const auto report = inspect_store(directory_.path());
  ASSERT_TRUE(report) << report.error();
  EXPECT_GT(report->damaged_bytes, 0U);
  ASSERT_EQ(report->journals.size(), 1U);
  EXPECT_EQ(report->journals[0].items, 19U);
}

TEST_F(StoreFaults, DiskUseIsBoundedWhileOldItemsStayAndTheyAreStillThere) {
  use_simulated_disk();
  options_.segment_bytes = 128 * 1024;
  options_.staged_bytes = 1'000'000;
  open();
  const std::string body(1000, 'o');
  for (ItemId id = 1; id <= 100; ++id) {
    Transaction old = one_item(id, queued(LaneId(50), now_), "old " + std::to_string(id));
    old.put(Table::kCorrelations, "slow carrier/" + std::to_string(id), as_bytes("waits"), store::kNever);
    shard_->commit(old, Intake::kOwed);
  }
  // The scheduler decides how far cleaning up is behind at any instant; it has to get there again and again.
  const auto in_bounds = [&] { return shard_->partition().stats().disk_bytes < 8'000'000; };
  for (ItemId id = 1000; id < 31'000; ++id) {
    Transaction both = one_item(id, queued(kLane, now_), body);
    if (id >= 1100) both.finish(id - 100);
    while (shard_->append(both, Intake::kOwed) == 0) shard_->turn();
    if (id % 20 == 0) shard_->turn();
    if (id % 1000 == 0) shard_->turn_until(in_bounds, "less than eight megabytes of the thirty that go through");
    ASSERT_FALSE(HasFailure());
  }
  shard_->commit(one_item(40'000, queued(kLane, now_), "end"), Intake::kOwed);
  const auto stats = shard_->partition().stats();
  EXPECT_GT(stats.moved, 100U);
  for (int round = 0; round < 2; ++round) {
    for (ItemId id = 1; id <= 100; ++id) {
      const auto item = shard_->item(id);
      ASSERT_TRUE(item) << id;
      EXPECT_EQ(item->body, "old " + std::to_string(id));
      EXPECT_EQ(shard_->get(Table::kCorrelations, "slow carrier/" + std::to_string(id)), "waits");
    }
    disk_.freeze();
    close();
    disk_.crash(4);
    open();
  }
  // And what is erased after it moved stays erased.
  Transaction erase;
  for (ItemId id = 1; id <= 50; ++id) {
    erase.erase(Table::kCorrelations, "slow carrier/" + std::to_string(id));
    erase.finish(id);
  }
  shard_->commit(erase, Intake::kOwed);
  for (int round = 0; round < 2; ++round) {
    for (ItemId id = 1; id <= 100; ++id) {
      EXPECT_EQ(shard_->get(Table::kCorrelations, "slow carrier/" + std::to_string(id)).has_value(), id > 50) << id;
      EXPECT_EQ(shard_->item(id).has_value(), id > 50) << id;
    }
    disk_.freeze();
    close();
    disk_.crash(5);
    open();
  }
}

TEST_F(StoreFaults, CorrelationsThatStayLeaveTheJournalAndAnExpiredOneHidesWhatCameBefore) {
  use_simulated_disk();
  options_.segment_bytes = 128 * 1024;
  options_.staged_bytes = 1'000'000;
  open();
  const std::string value(100, 'v');
  const auto put = [&](int key, store::Moment expires) {
    Transaction one;
    one.put(Table::kCorrelations, "carrier/" + std::to_string(key), as_bytes(value), expires);
    while (shard_->append(one, Intake::kOwed) == 0) shard_->turn();
  };
  const auto in_bounds = [&] { return shard_->partition().stats().disk_bytes < 8'000'000; };
  const auto put_many = [&](int from, int to) {
    for (int key = from; key < to; ++key) {
      put(key, store::kNever);
      if (key % 20 == 0) shard_->turn();
      if (key % 10'000 == 0) shard_->turn_until(in_bounds, "a journal that does not grow with what stays");
      ASSERT_FALSE(HasFailure());
    }
  };
  put_many(1, 60'000);
  put(1, now_ + 1s);  // the first one is in the tables by now
  now_ += 2s;
  put_many(60'000, 140'001);
  shard_->turn_until(in_bounds, "a journal that does not grow with what stays");
  EXPECT_LT(shard_->partition().stats().memory_bytes, 3'000'000U);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(shard_->get(Table::kCorrelations, "carrier/1"), std::nullopt);
    for (const int key : {2, 30'000, 60'000, 99'999}) {
      EXPECT_EQ(shard_->get(Table::kCorrelations, "carrier/" + std::to_string(key)), value) << key;
    }
    disk_.freeze();
    close();
    disk_.crash(6);
    open();
  }
}

TEST_F(StoreFaults, InspectingTellsWhatIsThereAndChangesNothing) {
  open();
  for (ItemId id = 1; id <= 10; ++id) {
    Transaction both = one_item(id, queued(id <= 7 ? kLane : LaneId(8), now_), "x");
    both.put(Table::kOutcomes, std::to_string(id), as_bytes("accepted"), store::kNever);
    both.put(Table::kCorrelations, std::to_string(id), as_bytes("x"), store::kNever);
    shard_->commit(both);
  }
  close();
  const auto before = snapshot();
  const auto report = inspect_store(directory_.path());
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(snapshot(), before);
  ASSERT_EQ(report->journals.size(), 1U);
  EXPECT_EQ(report->journals[0].items, 10U);
  EXPECT_EQ(report->journals[0].transactions, 10U);
  EXPECT_EQ(report->journals[0].correlations, 10U);
  ASSERT_EQ(report->journals[0].lanes.size(), 2U);
  EXPECT_EQ(report->journals[0].lanes[0].items, 7U);
  EXPECT_EQ(report->records[static_cast<int>(Table::kOutcomes)], 10U);
  EXPECT_TRUE(report->reports.empty());
  EXPECT_FALSE(inspect_store(directory_.path() + "/tables"));
}

}  // namespace smppd::plugins
