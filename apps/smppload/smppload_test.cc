#include <set>

#include <gtest/gtest.h>

#include "smpp/framer.h"
#include "smpp/pdu_view.h"
#include "smpp/text/udh.h"
#include "smppload/message_templates.h"
#include "smppload/pacer.h"
#include "smppload/receipt_tracker.h"
#include "smppload/report.h"
#include "smppload/text_payload.h"

namespace smppd::load {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(Schedule, GivesTheRateWhateverTheTick) {
  for (const double rate : {3.0, 999.0, 20'000.0, 1'000'000.0}) {
    Schedule schedule(rate, 100us, 0);
    schedule.advance(10 * kSecond);
    EXPECT_NEAR(static_cast<double>(schedule.backlog()), rate * 10, rate * 0.001 + 1) << rate;
  }
}

TEST(Schedule, AStallLeavesEveryMissedMessageItsOwnIntendedTime) {
  Schedule schedule(1000, 100us, 0);
  schedule.advance(50'000'000);
  std::int64_t last = -1;
  std::uint64_t total = 0;
  while (schedule.backlog() > 0) {
    const auto due = schedule.take(100);
    EXPECT_EQ(due.messages, 1U) << "one a millisecond";
    EXPECT_GT(due.intended, last);
    last = due.intended;
    total += due.messages;
  }
  EXPECT_EQ(total, 51U);
  EXPECT_EQ(schedule.take(1).messages, 0U);
}

TEST(ReceiptTracker, OneReceiptMatchesAndTheNextIsADuplicate) {
  ReceiptTracker tracker(ReceiptIds::exact);
  EXPECT_FALSE(tracker.accepted("abc", 5));
  EXPECT_EQ(tracker.pending(), 1U);
  const auto first = tracker.received("abc");
  EXPECT_EQ(first.fate, ReceiptFate::matched);
  EXPECT_EQ(first.sent, 5);
  EXPECT_EQ(tracker.pending(), 0U);
  EXPECT_EQ(tracker.received("abc").fate, ReceiptFate::duplicate);
}

TEST(ReceiptTracker, AReceiptBeforeItsResponseWaitsForIt) {
  ReceiptTracker tracker(ReceiptIds::exact);
  EXPECT_EQ(tracker.received("early").fate, ReceiptFate::parked);
  EXPECT_EQ(tracker.unknown(), 1U);
  EXPECT_TRUE(tracker.accepted("early", 1));
  EXPECT_EQ(tracker.unknown(), 0U);
  EXPECT_EQ(tracker.pending(), 0U);
  EXPECT_EQ(tracker.received("early").fate, ReceiptFate::duplicate);
}

TEST(ReceiptTracker, ExactMeansExactAndOtherModesForgive) {
  ReceiptTracker exact(ReceiptIds::exact);
  exact.accepted("00FF", 1);
  EXPECT_EQ(exact.received("ff").fate, ReceiptFate::parked);
  ReceiptTracker same(ReceiptIds::same);
  same.accepted("00FF", 1);
  EXPECT_EQ(same.received("ff").fate, ReceiptFate::matched);
  ReceiptTracker decimal(ReceiptIds::hex_to_dec);
  decimal.accepted("ff", 1);
  EXPECT_EQ(decimal.received("255").fate, ReceiptFate::matched);
  EXPECT_EQ(decimal.received("256").fate, ReceiptFate::parked);
  EXPECT_TRUE(decimal.accepted("100", 1)) << "early, in the other base";
}

TEST(ReceiptTracker, OneIdForTwoMessagesLeavesOneWithoutReceipt) {
  ReceiptTracker tracker(ReceiptIds::exact);
  tracker.accepted("twice", 1);
  tracker.accepted("twice", 2);
  tracker.received("twice");
  EXPECT_EQ(tracker.pending(), 1U);
}

Options options_with(const std::string& destination) {
  Options options;
  options.message.destination = *toolkit::NumberPattern::parse(destination, 20);
  return options;
}

std::vector<std::string> destinations_of(MessageTemplates& templates, unsigned count) {
  std::vector<std::string> found;
  std::vector<std::uint8_t> bytes(templates.max_size());
  for (unsigned i = 0; i < count; ++i) {
    const std::uint32_t sequences[] = {i + 100};
    const auto written = templates.write(bytes.data(), sequences);
    smpp::PduView view;
    EXPECT_TRUE(view.decode(ByteSpan(bytes.data(), written.octets), smpp::Strictness::strict));
    EXPECT_EQ(view.sequence_number(), i + 100);
    EXPECT_EQ(as_text(view.octets(smpp::Field::short_message)), "Hello from smppload");
    found.emplace_back(view.text(smpp::Field::destination_addr));
  }
  return found;
}

TEST(MessageTemplates, PatchedDestinationsDecodeStrictly) {
  const Options options = options_with("2588{8}");
  auto templates = MessageTemplates::make(options, 1);
  ASSERT_TRUE(templates);
  const auto found = destinations_of(*templates, 50);
  EXPECT_GT(std::set<std::string>(found.begin(), found.end()).size(), 45U);
  for (const auto& destination : found) EXPECT_EQ(destination.size(), 12U);
}

TEST(MessageTemplates, AddressesOfDifferentLengthTakeTurns) {
  Options options = options_with("1");
  options.message.destinations = {"258841", "25884123456789", "1"};
  auto templates = MessageTemplates::make(options, 1);
  ASSERT_TRUE(templates);
  EXPECT_EQ(destinations_of(*templates, 4), (std::vector<std::string>{"258841", "25884123456789", "1", "258841"}));
}

TEST(MessageTemplates, PartsOfOneMessageShareAReferenceAndADestination) {
  Options options = options_with("{8}");
  options.message.parts = 3;
  auto templates = MessageTemplates::make(options, 1);
  ASSERT_TRUE(templates);
  std::vector<std::uint8_t> bytes(templates->max_size());
  const std::uint32_t sequences[] = {7, 8, 9};
  std::set<std::uint16_t> references;
  for (int message = 0; message < 2; ++message) {
    const auto written = templates->write(bytes.data(), sequences);
    ByteSpan rest(bytes.data(), written.octets);
    std::set<std::string> destinations;
    for (unsigned part = 1; part <= 3; ++part) {
      const smpp::Frame frame = smpp::next_frame(rest);
      ASSERT_EQ(frame.state, smpp::FrameState::pdu);
      smpp::PduView view;
      ASSERT_TRUE(view.decode(frame.pdu, smpp::Strictness::strict));
      const auto header = smpp::UserDataHeader::parse(view.octets(smpp::Field::short_message));
      ASSERT_TRUE(header);
      ASSERT_TRUE(header->concat());
      EXPECT_EQ(header->concat()->part, part);
      EXPECT_EQ(header->concat()->total, 3);
      references.insert(header->concat()->ref);
      destinations.emplace(view.text(smpp::Field::destination_addr));
      rest = rest.subspan(frame.pdu.size());
    }
    EXPECT_EQ(destinations.size(), 1U);
  }
  EXPECT_EQ(references.size(), 2U) << "one for each message";
}

TEST(Payload, TheTextChoosesItsAlphabet) {
  MessageOptions message;
  message.text = "é";
  EXPECT_EQ(make_payload(message)->data_coding, 0);
  message.text = "日本";
  const auto payload = make_payload(message);
  EXPECT_EQ(payload->data_coding, 8);
  EXPECT_EQ(payload->parts.front(), "\x65\xE5\x67\x2C");
  message.text = "\xFF";
  EXPECT_FALSE(make_payload(message));
}

TEST(Payload, SizesAndPartsAreWhatWasAskedFor) {
  MessageOptions message;
  message.size = 100;
  EXPECT_EQ(make_payload(message)->parts.front().size(), 100U);
  message.size.reset();
  for (const unsigned parts : {2U, 7U, 255U}) {
    message.parts = parts;
    const auto payload = make_payload(message);
    ASSERT_TRUE(payload) << parts;
    EXPECT_EQ(payload->parts.size(), parts);
    EXPECT_EQ(payload->parts.front().size(), 6 + 153U);
  }
}

Outcome good_outcome() {
  Outcome outcome;
  outcome.sessions_wanted = outcome.sessions_bound = 1;
  outcome.stats.sent = outcome.stats.answered = outcome.stats.accepted = 10;
  return outcome;
}

TEST(Report, ExitCodesTellLossFromRefusal) {
  const Options options;
  Outcome outcome = good_outcome();
  EXPECT_EQ(exit_code_of(options, outcome), exit_code::kGood);
  outcome.stats.receipts_missing = 1;
  EXPECT_EQ(exit_code_of(options, outcome), exit_code::kUnexpected);
  outcome = good_outcome();
  outcome.sessions_bound = 0;
  EXPECT_EQ(exit_code_of(options, outcome), exit_code::kNotBound);
}

TEST(Report, AnExpectedStatusIsTheOnlyGoodOne) {
  Options options;
  options.expected = {smpp::CommandStatus::ESME_RTHROTTLED};
  Outcome outcome = good_outcome();
  EXPECT_EQ(exit_code_of(options, outcome), exit_code::kUnexpected) << "ESME_ROK was not expected";
  outcome.stats.accepted = 0;
  outcome.stats.statuses[0x58] = 10;
  EXPECT_EQ(exit_code_of(options, outcome), exit_code::kGood);
}

}  // namespace
}  // namespace smppd::load
