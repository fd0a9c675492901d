// What is kept on disk: stored messages, correlations, outcomes.
#include "flow/internal/stored_message.h"

#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flow/internal/correlation.h"
#include "flow/internal/outcome.h"

namespace smppd::flow {
namespace {

using Octets = std::vector<std::uint8_t>;

const Octets kPdu{0, 0, 0, 16, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 7};
store::Moment at(std::int64_t milliseconds) { return store::Moment(std::chrono::milliseconds(milliseconds)); }

StoredMessage message() {
  StoredMessage one;
  one.kind = StoredKind::kMo;
  one.registered_delivery = 0x11;
  one.flags = StoredMessage::kMended | 0x8000;
  one.destination_hash = 0x1234;
  one.source_hash = 0xA1B2C3D4;
  one.own = 0x1122334455667788;
  one.side = {smpp::Version::v50, smpp::Alphabet::latin1, 160};
  one.arrived = at(0x0102030405);
  one.client = "acme";
  one.upstream = "carrier-a";
  one.pdu = kPdu;
  return one;
}

Correlation correlation() {
  return {0x1122334455667788, 0x99, 2, 3, 1, true, 0x1234, 0xA1B2C3D4, at(1'700'000'000'123), "acme", "00AbC"};
}

Outcome outcome() {
  Outcome one;
  one.state = smpp::MessageState::undeliverable;
  one.reason = EndReason::kGaveUp;
  one.registered_delivery = 1;
  one.attempts = 10;
  one.command_status = 0x58;
  one.source_hash = 7;
  one.arrived = at(1'700'000'000'000);
  one.sent = at(1'700'000'001'000);
  one.ended = at(1'700'000'002'000);
  one.client = "acme";
  one.upstream = "carrier-a";
  one.upstream_id = "77";
  one.error = "00B";
  one.body = kPdu;
  return one;
}

Octets octets(const StoredMessage& one) {
  Octets room(kMaxStoredHeader + one.pdu.size());
  const ByteSpan written = encode(one, room);
  return {written.begin(), written.end()};
}
Octets octets(const Correlation& one) {
  CorrelationRoom room;
  const ByteSpan written = encode(one, room);
  return {written.begin(), written.end()};
}
Octets octets(const Outcome& one) {
  Octets room(kMaxOutcomeHeader + one.body.size());
  const ByteSpan written = encode(one, room);
  return {written.begin(), written.end()};
}

TEST(StoredMessage, ComesBackAsItWas) {
  const Octets written = octets(message());
  const auto read = decode_stored(written);
  ASSERT_TRUE(read);
  const StoredMessage want = message();
  EXPECT_EQ(read->kind, want.kind);
  EXPECT_EQ(read->own, want.own);
  EXPECT_EQ(read->registered_delivery, want.registered_delivery);
  EXPECT_EQ(read->flags, want.flags) << "bits that are not known are kept";
  EXPECT_EQ(read->destination_hash, want.destination_hash);
  EXPECT_EQ(read->source_hash, want.source_hash);
  EXPECT_EQ(read->side, want.side);
  EXPECT_EQ(read->arrived, want.arrived);
  EXPECT_EQ(read->expires, store::kNever);
  EXPECT_EQ(read->client, "acme");
  EXPECT_EQ(read->upstream, "carrier-a");
  EXPECT_EQ(as_text(read->pdu), as_text(want.pdu));
}

TEST(StoredMessage, HasTheseOctetsOnDisk) {
  Octets want{1,    3,    0x11, 0x50, 2,    0,    160,  0x80, 0x01, 0x12, 0x34, 0xA1, 0xB2, 0xC3, 0xD4,        //
              0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,                                                  //
              0,    0,    0,    1,    2,    3,    4,    5,    0,    0,    0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,  //
              4,    'a',  'c',  'm',  'e',  9,    'c',  'a',  'r',  'r',  'i',  'e',  'r',  '-',  'a'};
  want.insert(want.end(), kPdu.begin(), kPdu.end());
  EXPECT_EQ(octets(message()), want);
}

TEST(StoredMessage, OfAnonymousClientsAndWithoutAPduIsOneToo) {
  StoredMessage one;
  const auto read = decode_stored(octets(one));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->client.empty());
  EXPECT_TRUE(read->pdu.empty());
}

TEST(StoredMessage, TooLongForItsRoomIsNotWritten) {
  const Octets whole = octets(message());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Octets room(size);
    EXPECT_TRUE(encode(message(), room).empty()) << size;
  }
  Octets room(whole.size());
  EXPECT_EQ(encode(message(), room).size(), whole.size());
  const std::string name(256, 'x');
  StoredMessage one = message();
  one.client = name;
  EXPECT_TRUE(octets(one).empty());
  one.client = std::string_view(name).substr(1);
  one.upstream = one.client;
  EXPECT_LE(octets(one).size(), kMaxStoredHeader + kPdu.size());
  EXPECT_FALSE(octets(one).empty());
}

TEST(StoredMessage, CutShortIsNotRead) {
  const Octets whole = octets(message());
  for (std::size_t size = 0; size < whole.size() - kPdu.size(); ++size) {
    EXPECT_FALSE(decode_stored(ByteSpan(whole).first(size))) << size;
  }
}

TEST(StoredMessage, ThatCannotBeIsNotRead) {
  const auto with = [](std::size_t index, std::uint8_t octet) {
    Octets changed = octets(message());
    changed[index] = octet;
    return decode_stored(changed).has_value();
  };
  EXPECT_TRUE(with(1, 1));
  EXPECT_FALSE(with(0, 2)) << "a newer smppd's";
  EXPECT_FALSE(with(0, 0));
  EXPECT_FALSE(with(1, 0)) << "kind";
  EXPECT_FALSE(with(1, 4));
  EXPECT_FALSE(with(3, 0x35)) << "version";
  EXPECT_FALSE(with(4, 7)) << "alphabet";
  EXPECT_FALSE(with(23, 0x80)) << "before 1970";
  EXPECT_FALSE(with(31, 1)) << "after kNever";
  EXPECT_FALSE(with(39, 255)) << "a name longer than all there is";
}

TEST(CorrelationKey, IsTheUpstreamAndTheCanonicalId) {
  const CorrelationKey key("carrier-a", smpp::canonical_id("00AbC"));
  EXPECT_EQ(key.view(), "carrier-a/abc");
  EXPECT_EQ(CorrelationKey("carrier-a", smpp::canonical_id("ABC")).view(), key.view());
  const CorrelationName name = parse_correlation_key(key.view());
  EXPECT_EQ(name.upstream, "carrier-a");
  EXPECT_EQ(name.id, "abc");
  EXPECT_EQ(parse_correlation_key("carrier-a").upstream, "");
}

TEST(CorrelationKey, KeepsSlashesInIds) {
  const CorrelationKey key("a", smpp::canonical_id("x/y"));
  EXPECT_EQ(parse_correlation_key(key.view()).id, "x/y");
}

TEST(CorrelationKey, OfTheLongestNamesHasRoom) {
  const std::string name(CorrelationKey::kMaxUpstream, 'n');
  const CorrelationKey key(name, smpp::canonical_id(std::string(200, 'i')));
  EXPECT_EQ(key.view().size(), CorrelationKey::kMaxUpstream + 1 + smpp::kMaxMessageId);
  EXPECT_LE(key.view().size(), store::Transaction::kMaxKey);
}

TEST(CorrelationKey, OfNothingIsEmpty) {
  EXPECT_TRUE(CorrelationKey("", smpp::canonical_id("1")).empty());
  EXPECT_TRUE(CorrelationKey("a", smpp::canonical_id("")).empty());
  EXPECT_TRUE(CorrelationKey("a/b", smpp::canonical_id("1")).empty()) << "or a/b/1 were an id of a";
  EXPECT_TRUE(CorrelationKey(std::string(65, 'a'), smpp::canonical_id("1")).empty());
}

TEST(Correlation, ComesBackAsItWas) {
  const Octets written = octets(correlation());
  const auto read = decode_correlation(written);
  ASSERT_TRUE(read);
  const Correlation want = correlation();
  EXPECT_EQ(read->own, want.own);
  EXPECT_EQ(read->whole, want.whole);
  EXPECT_EQ(read->part, 2);
  EXPECT_EQ(read->parts, 3);
  EXPECT_EQ(read->registered_delivery, 1);
  EXPECT_TRUE(read->final_seen);
  EXPECT_EQ(read->destination_hash, want.destination_hash);
  EXPECT_EQ(read->source_hash, want.source_hash);
  EXPECT_EQ(read->submitted, want.submitted);
  EXPECT_EQ(read->client, "acme");
  EXPECT_EQ(read->upstream_id, "00AbC") << "as the SMSC gave it";
}

TEST(Correlation, HasTheseOctetsOnDisk) {
  Correlation one = correlation();
  one.submitted = at(5);
  const Octets want{1,    1,    1,    2, 3,   0x12, 0x34, 0xA1, 0xB2, 0xC3, 0xD4, 0x11, 0x22, 0x33, 0x44, 0x55,
                    0x66, 0x77, 0x88, 0, 0,   0,    0,    0,    0,    0,    0x99, 0,    0,    0,    0,    0,
                    0,    0,    5,    4, 'a', 'c',  'm',  'e',  5,    '0',  '0',  'A',  'b',  'C'};
  EXPECT_EQ(octets(one), want);
}

TEST(Correlation, CutShortOrWithMoreBehindItIsNotRead) {
  Octets whole = octets(correlation());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_correlation(ByteSpan(whole).first(size))) << size;
  }
  whole.push_back(0);
  EXPECT_FALSE(decode_correlation(whole));
}

TEST(Correlation, ThatCannotBeIsNotReadOrWritten) {
  const auto with = [](std::size_t index, std::uint8_t octet) {
    Octets changed = octets(correlation());
    changed[index] = octet;
    return decode_correlation(changed).has_value();
  };
  EXPECT_FALSE(with(0, 2)) << "a newer smppd's";
  EXPECT_FALSE(with(1, 2)) << "bits";
  EXPECT_FALSE(with(3, 4)) << "part 4 of 3";
  EXPECT_FALSE(with(35, 200)) << "a name longer than all there is";
  Correlation nobody = correlation();
  nobody.own = 0;
  EXPECT_FALSE(decode_correlation(octets(nobody)));
  const std::string id(256, '7');
  Correlation longest = correlation();
  longest.upstream_id = id;
  EXPECT_TRUE(octets(longest).empty());
  longest.upstream_id = std::string_view(id).substr(1);
  longest.client = longest.upstream_id;
  EXPECT_EQ(decode_correlation(octets(longest))->upstream_id.size(), 255U);
}

TEST(OutcomeKey, SortsByOurId) {
  const OutcomeKey early = outcome_key(0x00FF);
  const OutcomeKey late = outcome_key(0x0100);
  EXPECT_LT(view(early), view(late));
  EXPECT_EQ(own_of(view(late)), 0x0100U);
  EXPECT_EQ(own_of("short"), 0U);
}

TEST(Outcome, ComesBackAsItWas) {
  const Octets written = octets(outcome());
  const auto read = decode_outcome(written);
  ASSERT_TRUE(read);
  const Outcome want = outcome();
  EXPECT_EQ(read->state, want.state);
  EXPECT_EQ(read->reason, want.reason);
  EXPECT_EQ(read->registered_delivery, want.registered_delivery);
  EXPECT_EQ(read->attempts, want.attempts);
  EXPECT_EQ(read->command_status, want.command_status);
  EXPECT_EQ(read->source_hash, want.source_hash);
  EXPECT_EQ(read->arrived, want.arrived);
  EXPECT_EQ(read->sent, want.sent);
  EXPECT_EQ(read->ended, want.ended);
  EXPECT_EQ(read->client, want.client);
  EXPECT_EQ(read->upstream, want.upstream);
  EXPECT_EQ(read->upstream_id, want.upstream_id);
  EXPECT_EQ(read->error, want.error);
  EXPECT_EQ(as_text(read->body), as_text(want.body));
}

TEST(Outcome, CutShortIsNotRead) {
  const Octets whole = octets(outcome());
  for (std::size_t size = 0; size < whole.size() - kPdu.size(); ++size) {
    EXPECT_FALSE(decode_outcome(ByteSpan(whole).first(size))) << size;
    Octets room(size);
    EXPECT_TRUE(encode(outcome(), room).empty()) << size;
  }
}

TEST(Outcome, ThatCannotBeIsNotRead) {
  const auto with = [](std::size_t index, std::uint8_t octet) {
    Octets changed = octets(outcome());
    changed[index] = octet;
    return decode_outcome(changed).has_value();
  };
  EXPECT_FALSE(with(0, 2)) << "a newer smppd's";
  EXPECT_TRUE(with(1, 9));
  EXPECT_FALSE(with(1, 10)) << "state";
  EXPECT_TRUE(with(2, 9));
  EXPECT_FALSE(with(2, 10)) << "reason";
  EXPECT_FALSE(with(14, 0x80)) << "before 1970";
}

TEST(Outcome, HasAWordForEachReason) {
  EXPECT_EQ(name_of(EndReason::kAccepted), "accepted");
  EXPECT_EQ(name_of(EndReason::kGaveUp), "gave_up");
  EXPECT_EQ(name_of(EndReason::kUnroutable), "unroutable");
  EXPECT_EQ(name_of(EndReason::kRequeued), "requeued");
  EXPECT_EQ(name_of(static_cast<EndReason>(10)), "");
}

}  // namespace
}  // namespace smppd::flow
