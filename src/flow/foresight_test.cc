#include "flow/internal/foresight.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flow/ports.h"
#include "smpp/pdu_builder.h"

namespace smppd::flow {
namespace {

using message::UpstreamId;
using smpp::CommandId;
using smpp::Field;

constexpr UpstreamId kCarrier(0);
const Instant kStart = Instant() + 1h;

void append(std::vector<std::uint8_t>& to, CommandId id, std::string_view destination, std::string_view text,
            std::uint8_t esm_class = 0) {
  smpp::PduBuilder builder(id, smpp::Version::v34);
  builder.set(Field::source_addr, "SHOP")
      .set(Field::dest_addr_ton, 1)
      .set(Field::destination_addr, destination)
      .set(Field::esm_class, esm_class)
      .set(Field::short_message, text);
  std::vector<std::uint8_t> pdu;
  ASSERT_TRUE(builder.encode(pdu, {}, 1));
  to.insert(to.end(), pdu.begin(), pdu.end());
}

void append_response(std::vector<std::uint8_t>& to) {
  std::vector<std::uint8_t> pdu(smpp::kHeaderSize + 1);
  smpp::write_header(pdu.data(), {static_cast<std::uint32_t>(pdu.size()), CommandId::submit_sm_resp, {}, 1});
  to.insert(to.end(), pdu.begin(), pdu.end());
}

std::shared_ptr<const routing::RouteTable> routes(std::uint32_t count, message::Names& names) {
  config::Config config;
  config.upstreams.emplace_back().name = "carrier";
  for (std::uint32_t i = 0; i < count; ++i) {
    config::Route& route = config.routes.emplace_back();
    route.name = std::to_string(100'000 + i);
    route.match.destination_addr = {{config::Pattern::Kind::kGlob, "+" + route.name + "*"}};
    route.upstreams = {{"carrier", 1}};
  }
  routing::intern_names(config, names);
  return *routing::RouteTable::compile(config, names);
}

TEST(Foresight, LooksAtSixteenRequestsAndThenWantsToBeAskedAgain) {
  message::Names names;
  const auto table = routes(20'000, names);
  ASSERT_TRUE(table->is_large());
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < kPdusAhead; ++i) append(bytes, CommandId::submit_sm, "258841234567", "hello");
  const std::size_t all = bytes.size();
  for (std::size_t i = 0; i < 3; ++i) append(bytes, CommandId::submit_sm, "258841234567", "hello");
  routing::RouteTable::Foreseen foreseen;
  EXPECT_EQ(foresee_routes(*table, bytes, foreseen), all);
  EXPECT_EQ(foresee_routes(*table, ByteSpan(bytes).subspan(all), foreseen), kNothingAhead)
      << "all that is there was seen";
  bytes.resize(all - 1);
  EXPECT_EQ(foresee_routes(*table, bytes, foreseen), kNothingAhead) << "of a piece nothing is seen";
}

TEST(Foresight, ARouteOfALargeTableIsAskedForAndASmallTableAsksForNothing) {
  message::Names names;
  EXPECT_FALSE(routes(1'000, names)->is_large());
  const auto table = routes(20'000, names);
  const message::NormalAddress there{"100123999", true};
  const message::NormalAddress other{"777", true};
  routing::RouteTable::Foreseen foreseen;
  EXPECT_EQ(table->foresee(std::span(&there, 1), foreseen), 2U) << "ten begin alike: a place for each, and it";
  EXPECT_EQ(table->foresee(std::span(&other, 1), foreseen), 0U);
  const std::vector<message::NormalAddress> many(100, there);
  EXPECT_EQ(table->foresee(many, foreseen), 2 * foreseen.kMost) << "of more than it takes at once, the first";
}

struct Desk {
  Desk() : desk(config::Receipts{}, kStart, 7) {}
  void send(std::uint64_t first, std::uint64_t count, Instant at) {
    for (std::uint64_t i = first; i < first + count; ++i) {
      message::Flight flight;
      flight.id = (i + 1) << 12U;
      flight.upstream = kCarrier;
      flight.registered_delivery = 1;
      (void)desk.accepted(flight, std::to_string(10'000'000 + i), at);
    }
  }
  bool match(std::uint64_t number) {
    return desk.match(kCarrier, std::to_string(10'000'000 + number), "1", "2", ReceiptDesk::Patience::kMayWait)
        .has_value();
  }
  ReceiptDesk desk;
};

TEST(Foresight, FetchesTheMessagesThatReceiptsName) {
  Desk few;
  few.send(0, 20'000, kStart);
  std::vector<std::string> ids;
  ids.reserve(1'000);
  for (std::uint64_t i = 0; i < 1'000; ++i) ids.push_back(std::to_string(10'000'000 + i * 17));
  std::vector<std::string_view> views(ids.begin(), ids.end());
  const std::size_t found = few.desk.foresee(kCarrier, views);
  EXPECT_GE(found, 980U) << "but for those whose line of the index was full";
  EXPECT_LE(found, 1'020U) << "and hardly any other";
  for (std::string& id : ids) id.front() = '9';
  views.assign(ids.begin(), ids.end());
  EXPECT_LE(few.desk.foresee(kCarrier, views), 20U) << "of ids that nobody has";
}

TEST(Foresight, OnlyReceiptsOfOlderMessagesInALargeMapWaitForMemory) {
  Desk one;
  one.send(0, 20'000, kStart);
  EXPECT_FALSE(one.desk.is_cold()) << "no receipt came yet";
  ASSERT_TRUE(one.match(19'999));
  EXPECT_FALSE(one.desk.is_cold()) << "its message has just been sent";
  one.send(20'000, 100, kStart + 1s);
  ASSERT_TRUE(one.match(7));
  EXPECT_TRUE(one.desk.is_cold());
  for (std::uint64_t i = 0; i < 64; ++i) ASSERT_TRUE(one.match(20'000 + i));
  EXPECT_FALSE(one.desk.is_cold()) << "the last ones were of messages just sent";

  Desk small;
  small.send(0, 100, kStart);
  small.send(100, 1, kStart + 1s);
  ASSERT_TRUE(small.match(7));
  EXPECT_FALSE(small.desk.is_cold()) << "what is small stays in the caches";
}

TEST(Foresight, GoesByAnswersToTheReceiptsBehindThem) {
  Desk some;
  some.send(0, 100, kStart);
  std::vector<std::uint8_t> bytes;
  std::size_t after_sixteen = 0;
  for (int i = 0; i < 40; ++i) {
    append_response(bytes);
    append(bytes, CommandId::deliver_sm, "258841234567", "id:" + std::to_string(10'000'000 + i) + " stat:DELIVRD", 4);
    if (i == 15) after_sixteen = bytes.size();
  }
  EXPECT_EQ(foresee_receipts(some.desk, kCarrier, bytes), after_sixteen);
}

TEST(Foresight, AnyOctetsAreHarmless) {
  message::Names names;
  const auto table = routes(20'000, names);
  Desk some;
  some.send(0, 100, kStart);
  std::mt19937 random(9);
  for (int round = 0; round < 3'000; ++round) {
    std::vector<std::uint8_t> bytes;
    for (int i = 0; i < 3; ++i) {
      append(bytes, random() % 2 == 0 ? CommandId::submit_sm : CommandId::deliver_sm, "100123456789", "id:1 x", 4);
    }
    for (auto changes = random() % 20; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : random() % 8);
    }
    bytes.resize(bytes.size() - random() % 40);
    bytes.shrink_to_fit();
    routing::RouteTable::Foreseen foreseen;
    EXPECT_EQ(foresee_routes(*table, bytes, foreseen), kNothingAhead);
    EXPECT_EQ(foresee_receipts(some.desk, kCarrier, bytes), kNothingAhead);
  }
}

}  // namespace
}  // namespace smppd::flow
