#include "runtime/shard.h"

#include <atomic>
#include <latch>
#include <numeric>
#include <thread>

#include <gtest/gtest.h>

namespace smppd::runtime {
namespace {

TEST(Mailbox, KeepsOrderAndContentOverManyWraps) {
  Mailbox box(1024);
  std::uint32_t next_in = 0, next_out = 0;
  for (int round = 0; round < 2000; ++round) {
    for (int i = 0; i < 5; ++i) {
      const std::size_t size = 4 + next_in % 97;
      std::uint8_t* at = box.try_begin(size);
      if (at == nullptr) break;
      std::memset(at, static_cast<int>(next_in & 0xFF), size);
      store_be<std::uint32_t>(at, next_in++);
      box.commit();
    }
    box.publish();
    box.drain([&](ByteSpan record) {
      ASSERT_EQ(load_be<std::uint32_t>(record.data()), next_out);
      ASSERT_EQ(record.size(), 4 + next_out % 97);
      if (record.size() > 4) {
        ASSERT_EQ(record.back(), next_out & 0xFF);
      }
      ++next_out;
    });
  }
  EXPECT_EQ(next_in, next_out);
  EXPECT_GT(next_in, 5000U);
}

TEST(Mailbox, RefusesWhenFullAndSpillsWhatMustNotBeRefused) {
  Mailbox box(256);
  std::uint8_t byte = 0;
  while (std::uint8_t* at = box.try_begin(1)) {
    *at = byte++;
    box.commit();
  }
  box.send_always(ByteSpan(&byte, 1));
  EXPECT_EQ(box.try_begin(1), nullptr) << "a later record must not overtake a spilled one";
  std::uint8_t expected = 0;
  for (int i = 0; i < 3; ++i) {
    box.publish();
    box.drain([&](ByteSpan record) { EXPECT_EQ(record[0], expected++); });
  }
  EXPECT_EQ(expected, byte + 1);
}

TEST(Mailbox, CarriesAMillionRecordsBetweenThreads) {
  Mailbox box(64 * 1024);
  constexpr std::uint32_t kCount = 1'000'000;
  std::jthread producer([&] {
    for (std::uint32_t i = 0; i < kCount;) {
      for (int batch = 0; batch < 64 && i < kCount; ++batch) {
        std::uint8_t* at = box.try_begin(12);
        if (at == nullptr) break;
        store_be(at, i++);
        box.commit();
      }
      box.publish();
    }
  });
  std::uint32_t next = 0;
  while (next < kCount) {
    box.drain([&](ByteSpan record) { ASSERT_EQ(load_be<std::uint32_t>(record.data()), next++); });
  }
}

// Sends each number it gets on to the next shard until it reaches the limit.
struct Relay final : MailHandler {
  Relay(Shard& s, std::atomic<std::uint32_t>& t, std::uint32_t l) : shard(s), total(t), limit(l) {}
  void on_mail(unsigned, ByteSpan record) noexcept override {
    const auto value = load_be<std::uint32_t>(record.data());
    total.store(value);
    if (value >= limit) return;
    std::uint8_t next[4];
    store_be(next, value + 1);
    shard.send_mail((shard.index() + 1) % shard.count(), ByteSpan(next, 4));
  }
  void on_mail_room(unsigned) noexcept override {}
  Shard& shard;
  std::atomic<std::uint32_t>& total;
  std::uint32_t limit;
};

class ShardMail : public testing::TestWithParam<Duration> {};

TEST_P(ShardMail, TravelsAroundTheShardsAndWakesSleepers) {
  // Three shards that never sleep, on fewer cores, take turns at the scheduler's pace.
  const std::uint32_t hops = GetParam() == 0ns ? 3'000 : 300;
  ShardGroup group(3);
  std::atomic<std::uint32_t> total{0};
  std::vector<std::unique_ptr<Relay>> relays(3);
  std::latch ready(3);
  group.start(false, GetParam(), [&](Shard& shard) {
    relays[shard.index()] = std::make_unique<Relay>(shard, total, hops);
    shard.set_mail_handler(relays[shard.index()].get());
    ready.count_down();
  });
  ready.wait();
  group.shard(0).loop().post([&] {
    std::uint8_t first[4] = {};
    group.shard(0).send_mail(1, ByteSpan(first, 4));
  });
  for (int i = 0; i < 30'000 && total.load() < hops; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(total.load(), hops);
  group.stop_and_join();
}

INSTANTIATE_TEST_SUITE_P(BusyPoll, ShardMail, testing::Values(0ns, 1ms, 1h),
                         [](const auto& one) { return std::to_string(one.param.count()) + "ns"; });

TEST(ShardGroup, RunsWorkOnEveryShardAndNoticesOneThatHangs) {
  ShardGroup group(2);
  group.start(false, 0ns, [](Shard&) {});
  std::atomic<unsigned> seen{0};
  EXPECT_TRUE(group.run_on_all([&](Shard& shard) { seen += shard.index() + 1; }, 10s));
  EXPECT_EQ(seen.load(), 3U);
  std::latch release(1);
  group.shard(1).loop().post([&] { release.wait(); });
  EXPECT_FALSE(group.run_on_all([](Shard&) {}, 50ms));
  release.count_down();
  group.stop_and_join();
}

}  // namespace
}  // namespace smppd::runtime
