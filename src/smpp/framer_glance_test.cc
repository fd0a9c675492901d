#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "smpp/framer.h"
#include "smpp/internal/samples.h"
#include "smpp/pdu_builder.h"

namespace smppd::smpp {
namespace {

std::vector<std::uint8_t> receipt(CommandId id, std::string_view text, std::string_view tlv, std::uint8_t esm_class) {
  PduBuilder builder(id, Version::v34);
  builder.set(Field::service_type, "CMT")
      .set(Field::source_addr_ton, 1)
      .set(Field::source_addr, "258841234567")
      .set(Field::dest_addr_ton, 5)
      .set(Field::destination_addr, "SHOP")
      .set(Field::esm_class, esm_class);
  if (!text.empty()) builder.set(Field::short_message, text);
  if (!tlv.empty()) builder.add_tlv(TlvTag::receipted_message_id, as_bytes(tlv));
  std::vector<std::uint8_t> pdu;
  EXPECT_TRUE(builder.encode(pdu, {}, 7));
  return pdu;
}

TEST(Glance, SeesTheDestinationThatTheViewReads) {
  for (const CommandId id : {CommandId::submit_sm, CommandId::deliver_sm, CommandId::data_sm}) {
    const auto pdu = samples::sample_bytes(*spec_of(id), Version::v34);
    const auto seen = glance_at_destination(pdu);
    PduView view;
    ASSERT_TRUE(view.decode(pdu));
    EXPECT_EQ(seen.address, view.text(Field::destination_addr)) << name_of(id);
    EXPECT_EQ(seen.ton, view.u8(Field::dest_addr_ton)) << name_of(id);
    EXPECT_EQ(seen.behind.data(), view.field_bytes(Field::esm_class).data()) << name_of(id);
  }
}

TEST(Glance, SeesAPduOnlyWhenAllOfItIsThere) {
  const auto pdu = samples::sample_bytes(*spec_of(CommandId::submit_sm), Version::v34);
  for (std::size_t size = 0; size < pdu.size(); ++size) EXPECT_TRUE(glance_at_pdu(ByteSpan(pdu).first(size)).empty());
  auto two = pdu;
  two.insert(two.end(), pdu.begin(), pdu.end());
  EXPECT_EQ(glance_at_pdu(two).size(), pdu.size());
  store_be<std::uint32_t>(two.data(), 15);
  EXPECT_TRUE(glance_at_pdu(two).empty()) << "shorter than a header";
}

TEST(Glance, SeesTheIdOfAReceiptWhereItsReaderFindsIt) {
  constexpr std::string_view kText =
      "id:ABC-1 sub:001 dlvrd:001 submit date:2611201315 done date:2611201315 stat:DELIVRD";
  using enum CommandId;
  EXPECT_EQ(glance_at_receipt_id(receipt(deliver_sm, kText, "", 0x04)), "ABC-1");
  EXPECT_EQ(glance_at_receipt_id(receipt(deliver_sm, kText, "XYZ-2", 0x04)), "XYZ-2") << "the TLV counts";
  EXPECT_EQ(glance_at_receipt_id(receipt(data_sm, "", "XYZ-3", 0x04)), "XYZ-3");
  EXPECT_EQ(glance_at_receipt_id(receipt(deliver_sm, "id:42", "", 0x20)), "42");
  EXPECT_EQ(glance_at_receipt_id(receipt(deliver_sm, kText, "XYZ-2", 0x00)), "") << "not marked as a receipt";
  EXPECT_EQ(glance_at_receipt_id(receipt(deliver_sm, "stat:DELIVRD id:1", "", 0x04)), "") << "not at the front";
  EXPECT_EQ(glance_at_receipt_id(receipt(data_sm, "", "", 0x04)), "");
}

// Run with asan: whatever the octets are, none outside is read. Each lies in memory of its own size.
TEST(Glance, LooksAtNothingOutsideWhateverTheOctets) {
  std::mt19937 random(3);
  const auto whole = receipt(CommandId::deliver_sm, "id:ABC-1 sub:001", "XYZ-2", 0x04);
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t size = kHeaderSize + random() % whole.size();
    std::vector<std::uint8_t> pdu(whole.begin(),
                                  whole.begin() + static_cast<std::ptrdiff_t>(std::min(size, whole.size())));
    pdu.resize(size, 0x41);
    for (auto changes = random() % 4; changes > 0 && size > kHeaderSize; --changes) {
      pdu[kHeaderSize + random() % (size - kHeaderSize)] = static_cast<std::uint8_t>(random());
    }
    store_be(pdu.data(), static_cast<std::uint32_t>(size));
    const ByteSpan seen = glance_at_pdu(pdu);
    ASSERT_EQ(seen.size(), size);
    const auto destination = glance_at_destination(seen);
    if (!destination.address.empty()) {
      ASSERT_GE(destination.address.data(), as_text(pdu).data() + kHeaderSize + 3);
      ASSERT_EQ(destination.behind.data() + destination.behind.size(), pdu.data() + size);
      ASSERT_EQ(destination.address.data()[destination.address.size()], '\0');
    }
    const std::string_view id = glance_at_receipt_id(seen);
    ASSERT_TRUE(id.empty() || id.data() + id.size() <= as_text(pdu).data() + size);
  }
}

}  // namespace
}  // namespace smppd::smpp
