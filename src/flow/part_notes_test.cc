// What the parts of a message have reported, as it is kept, and parts that an SMSC has twice.
#include <gtest/gtest.h>

#include "flow/internal/part_note.h"

namespace smppd::flow {
namespace {

using internal::PartReceipts;
using smpp::MessageState;

constexpr message::OwnId kOwn = 7;

// `copies`: an earlier smppd may have sent it, too.
void expect_three(PartReceipts& parts, bool copies) {
  constexpr std::string_view kIds[] = {"a", "b", "c"};
  for (std::uint8_t part = 1; part <= 3; ++part) {
    parts.expect({kOwn, part, 3, false, copies, kIds[part - 1]}, Instant{});
  }
}

TEST(PartNote, IsReadBackIntoAMessageOfAsManyParts) {
  PartReceipts parts(10, std::chrono::hours(1));
  expect_three(parts, true);
  PartReceipts::Message& message = *parts.find(kOwn);
  PartReceipts::merge(message, MessageState::undeliverable, "012", 12);
  parts.settle(kOwn, "b");
  PartNoteRoom room;
  const ByteSpan octets = encode(message, room);
  PartReceipts::Message again;
  again.parts = 3;
  ASSERT_TRUE(recall_part_note(octets, again));
  EXPECT_EQ(again.done, message.done);
  EXPECT_EQ(again.open(), 2U);
  EXPECT_EQ(again.worst, MessageState::undeliverable);
  EXPECT_EQ(again.err, "012");
  EXPECT_EQ(again.err_code, 12U);
  EXPECT_EQ(again.shown_id, "a");
  EXPECT_TRUE(again.copies);
  PartReceipts::Message other;
  other.parts = 4;
  EXPECT_FALSE(recall_part_note(octets, other));
  for (std::size_t size = 0; size < octets.size(); ++size) {
    PartReceipts::Message cut;
    cut.parts = 3;
    EXPECT_FALSE(recall_part_note(octets.first(size), cut)) << size;
  }
}

TEST(PartNote, KeysTellMessagesAndUpstreamsApart) {
  EXPECT_EQ(part_note_key(1, "carrier"), part_note_key(1, "carrier"));
  EXPECT_NE(part_note_key(1, "carrier"), part_note_key(2, "carrier"));
  EXPECT_NE(part_note_key(1, "carrier"), part_note_key(1, "other"));
}

TEST(PartCopies, APartThatIsThereTwiceIsOneAndTheMessageIsRemembered) {
  PartReceipts parts(10, std::chrono::hours(1));
  expect_three(parts, false);
  parts.expect({kOwn, 2, 3, false, true, "b again"}, Instant{});
  for (const std::string_view id : {"a", "b", "b again"}) parts.settle(kOwn, id);
  EXPECT_EQ(parts.find(kOwn)->open(), 1U);
  EXPECT_EQ(parts.find(kOwn)->part_of("b again"), 2U);
  parts.settle(kOwn, "c");
  ASSERT_NE(parts.find(kOwn), nullptr) << "a copy's receipt may come yet";
  EXPECT_EQ(parts.find(kOwn)->open(), 0U);
}

TEST(PartCopies, WithoutCopiesItIsForgottenWithTheLast) {
  PartReceipts parts(10, std::chrono::hours(1));
  expect_three(parts, false);
  EXPECT_TRUE(parts.find(kOwn)->recalled) << "nobody can have heard of it before";
  for (const std::string_view id : {"a", "b", "c"}) parts.settle(kOwn, id);
  EXPECT_EQ(parts.find(kOwn), nullptr);
}

}  // namespace
}  // namespace smppd::flow
