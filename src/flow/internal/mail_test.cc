#include "flow/internal/mail.h"

#include <gtest/gtest.h>

namespace smppd::flow {
namespace {

struct Reader final : runtime::MailHandler {
  void on_mail(unsigned from, ByteSpan record) noexcept override {
    senders.push_back(from);
    const Letter letter(record);
    kinds.push_back(letter.kind);
    losses.push_back(letter.facts<LossMail>());
    octets.emplace_back(as_text(letter.octets<LossMail>()));
  }
  void on_mail_room(unsigned) noexcept override {}
  std::vector<unsigned> senders;
  std::vector<MailKind> kinds;
  std::vector<LossMail> losses;
  std::vector<std::string> octets;
};

TEST(Mail, ArrivesWithItsKindFactsAndOctetsAlsoWhenTheMailboxIsFull) {
  runtime::ShardGroup shards(2, 4096);
  Reader reader;
  shards.shard(1).set_mail_handler(&reader);
  for (std::uint64_t i = 0; i < 200; ++i) {
    LossMail mail{};
    mail.flight.id = i;
    mail.loss = message::Loss::kTimeout;
    post(shards.shard(0), 1, MailKind::kLoss, mail, as_bytes("octets " + std::to_string(i)));
  }
  for (int turn = 0; turn < 1000 && reader.kinds.size() < 200; ++turn) {
    shards.shard(0).on_turn_end();
    (void)shards.shard(1).on_mail();
  }
  ASSERT_EQ(reader.kinds.size(), 200U) << "far more than the mailbox holds";
  for (std::uint64_t i = 0; i < 200; ++i) {
    EXPECT_EQ(reader.senders[i], 0U);
    EXPECT_EQ(reader.kinds[i], MailKind::kLoss);
    EXPECT_EQ(reader.losses[i].flight.id, i);
    EXPECT_EQ(reader.losses[i].loss, message::Loss::kTimeout);
    EXPECT_EQ(reader.octets[i], "octets " + std::to_string(i));
  }
}

}  // namespace
}  // namespace smppd::flow
