#include "smpp/values.h"

#include <gtest/gtest.h>

namespace smppd::smpp {
namespace {

TEST(CommandStatus, HasTheSpecificationsNumbers) {
  EXPECT_EQ(static_cast<std::uint32_t>(CommandStatus::ESME_RINVBNDSTS), 0x04U);
  EXPECT_EQ(static_cast<std::uint32_t>(CommandStatus::ESME_RMSGQFUL), 0x14U);
  EXPECT_EQ(static_cast<std::uint32_t>(CommandStatus::ESME_RINVDSTTON), 0x50U);
  EXPECT_EQ(static_cast<std::uint32_t>(CommandStatus::ESME_RTHROTTLED), 0x58U);
  EXPECT_EQ(static_cast<std::uint32_t>(CommandStatus::ESME_RX_R_APPN), 0x66U);
  EXPECT_EQ(static_cast<std::uint32_t>(CommandStatus::ESME_RINVOPTPARSTREAM), 0xC0U);
  EXPECT_EQ(static_cast<std::uint32_t>(CommandStatus::ESME_RUNKNOWNERR), 0xFFU);
  EXPECT_EQ(static_cast<std::uint32_t>(CommandStatus::ESME_RINVDCS), 0x104U);
  EXPECT_EQ(static_cast<std::uint32_t>(CommandStatus::ESME_RINVBCASTCHANIND), 0x112U);
  EXPECT_EQ(all_statuses().size(), 67U);
}

TEST(CommandStatus, EveryNameIsFoundAgainInEveryForm) {
  for (const CommandStatus status : all_statuses()) {
    const std::string name = name_of(status);
    EXPECT_TRUE(name.starts_with("ESME_R")) << name;
    EXPECT_EQ(parse_command_status(name), status);
    EXPECT_EQ(parse_command_status(name.substr(5)), status);
    EXPECT_TRUE(status_since(status).has_value());
  }
  EXPECT_EQ(parse_command_status("esme_rthrottled"), CommandStatus::ESME_RTHROTTLED);
  EXPECT_EQ(parse_command_status("88"), CommandStatus::ESME_RTHROTTLED);
  EXPECT_EQ(parse_command_status("0x58"), CommandStatus::ESME_RTHROTTLED);
  EXPECT_EQ(parse_command_status("ESME_RINVTLVSTREAM"), CommandStatus::ESME_RINVOPTPARSTREAM);
}

TEST(CommandStatus, RefusesWhatIsNeitherNameNorNumber) {
  for (const char* text : {"", "ESME_", "ESME_RNOSUCH", "0x", "12x", "-1", " 8", "4294967296"}) {
    EXPECT_FALSE(parse_command_status(text).has_value()) << text;
  }
}

TEST(Interop, Row53_VendorStatusPassesThroughAndPrintsAsHex) {
  const auto vendor = parse_command_status("0x4FF");
  ASSERT_TRUE(vendor.has_value());
  EXPECT_EQ(static_cast<std::uint32_t>(*vendor), kVendorStatusLast);
  EXPECT_EQ(name_of(*vendor), "0x000004FF");
  EXPECT_TRUE(standard_name(*vendor).empty());
  EXPECT_FALSE(status_since(*vendor).has_value());
}

TEST(CommandId, RequestsAndResponsesFindEachOther) {
  EXPECT_EQ(response_to(CommandId::submit_sm), CommandId::submit_sm_resp);
  EXPECT_EQ(response_to(CommandId::cancel_broadcast_sm), CommandId::cancel_broadcast_sm_resp);
  EXPECT_EQ(response_to(CommandId::outbind), CommandId::generic_nack);
  EXPECT_EQ(response_to(CommandId::alert_notification), CommandId::generic_nack);
  EXPECT_TRUE(is_response(CommandId::generic_nack));
  EXPECT_FALSE(is_response(CommandId::data_sm));
  EXPECT_TRUE(is_bind(CommandId::bind_transceiver));
  EXPECT_FALSE(is_bind(CommandId::outbind));
}

TEST(CommandId, NamesGoBothWays) {
  EXPECT_EQ(name_of(CommandId::query_last_msgs_resp), "query_last_msgs_resp");
  EXPECT_EQ(name_of(static_cast<CommandId>(0x10203)), "0x00010203");
  EXPECT_EQ(parse_command_id("broadcast_sm"), CommandId::broadcast_sm);
  EXPECT_EQ(parse_command_id("0x80000000"), CommandId::generic_nack);
  EXPECT_FALSE(parse_command_id("submit").has_value());
}

TEST(Interop, Row37_EveryInterfaceVersionMapsToOneWeSpeak) {
  EXPECT_EQ(from_interface_version(0x00), Version::v33);
  EXPECT_EQ(from_interface_version(0x33), Version::v33);
  EXPECT_EQ(from_interface_version(0x34), Version::v34);
  EXPECT_EQ(from_interface_version(0x35), Version::v34);
  EXPECT_EQ(from_interface_version(0x50), Version::v50);
  EXPECT_EQ(from_interface_version(0xFF), Version::v50);
  EXPECT_EQ(to_interface_version(Version::v50), 0x50);
  EXPECT_EQ(name_of(Version::v34), "3.4");
}

TEST(Values, TonNpiAndStateHaveNamesBothWays) {
  EXPECT_EQ(parse_ton("alphanumeric"), Ton::alphanumeric);
  EXPECT_EQ(parse_ton("5"), Ton::alphanumeric);
  EXPECT_EQ(name_of(static_cast<Ton>(9)), "0x09");
  EXPECT_EQ(parse_npi("ISDN"), Npi::isdn);
  EXPECT_EQ(static_cast<int>(Npi::wap_client_id), 18);
  EXPECT_FALSE(parse_npi("256").has_value());
  EXPECT_EQ(parse_message_state("undeliverable"), MessageState::undeliverable);
  EXPECT_EQ(name_of(MessageState::rejected), "REJECTED");
  EXPECT_TRUE(is_final(MessageState::expired));
  EXPECT_FALSE(is_final(MessageState::enroute));
  EXPECT_FALSE(is_final(MessageState::accepted));
}

}  // namespace
}  // namespace smppd::smpp
