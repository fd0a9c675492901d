#include "smpp/pdu_table.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace smppd::smpp {
namespace {

TEST(PduTable, HasEveryPduOfTheThreeVersions) {
  EXPECT_EQ(all_pdus().size(), 39U);
  const auto count = [](Version version) {
    return std::ranges::count_if(all_pdus(), [version](const PduSpec& spec) { return spec.has_version(version); });
  };
  EXPECT_EQ(count(Version::v33), 27);
  EXPECT_EQ(count(Version::v34), 27);
  EXPECT_EQ(count(Version::v50), 33);
}

TEST(PduTable, EveryRequestButTheOneWayOnesHasItsResponse) {
  for (const PduSpec& spec : all_pdus()) {
    EXPECT_EQ(spec_of(spec.id), &spec);
    const PduSpec* response = spec_of(response_to(spec.id));
    ASSERT_NE(response, nullptr) << spec.name;
    if (response->id == CommandId::generic_nack) continue;
    EXPECT_EQ(response->in_version, spec.in_version) << spec.name;
    EXPECT_TRUE(is_response(spec.id) || response->name == std::string(spec.name) + "_resp");
  }
}

TEST(PduTable, IndexFindsEachFieldAndNoOther) {
  for (const PduSpec& spec : all_pdus()) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      if (!spec.has(field)) continue;
      ++found;
      EXPECT_EQ(spec.fields[spec.index_of(field)].field, field);
    }
    EXPECT_EQ(found, spec.field_count) << spec.name << ": a field is named twice";
    EXPECT_FALSE(spec.has(Field::none));
  }
}

TEST(PduTable, CountedFieldsFollowTheirCount) {
  for (const PduSpec& spec : all_pdus()) {
    for (std::size_t i = 0; i < spec.field_count; ++i) {
      if (!is_counted(spec.fields[i].kind)) continue;
      ASSERT_GT(i, 0U) << spec.name;
      EXPECT_EQ(spec.fields[i - 1].kind, FieldKind::u8) << spec.name;
    }
  }
}

TEST(PduTable, LengthsDifferByVersionWhereTheSpecificationsDo) {
  const auto max = [](CommandId id, Field field, Version version) {
    const PduSpec* spec = spec_of(id);
    return spec->fields[spec->index_of(field)].max[version_index(version)];
  };
  EXPECT_EQ(max(CommandId::submit_sm_resp, Field::message_id, Version::v33), 9);
  EXPECT_EQ(max(CommandId::submit_sm_resp, Field::message_id, Version::v34), 65);
  EXPECT_EQ(max(CommandId::submit_sm, Field::short_message, Version::v34), 254);
  EXPECT_EQ(max(CommandId::submit_sm, Field::short_message, Version::v50), 255);
  EXPECT_EQ(max(CommandId::submit_sm, Field::destination_addr, Version::v34), 21);
  EXPECT_EQ(max(CommandId::data_sm, Field::destination_addr, Version::v34), 65);
  EXPECT_EQ(max(CommandId::bind_transmitter, Field::system_id, Version::v34), 16);
  EXPECT_EQ(max(CommandId::bind_transmitter, Field::password, Version::v34), 9);
  EXPECT_EQ(max(CommandId::bind_transmitter, Field::system_type, Version::v34), 13);
  EXPECT_EQ(max(CommandId::bind_transmitter, Field::address_range, Version::v34), 41);
}

TEST(PduTable, UnknownCommandsHaveNoSpec) {
  for (const std::uint32_t id :
       {0x00U, 0x0AU, 0x0CU, 0x20U, 0x100U, 0x114U, 0x8000000BU, 0x80000102U, 0x80000114U, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
    EXPECT_EQ(spec_of(static_cast<CommandId>(id)), nullptr) << std::hex << id;
  }
}

TEST(PduTable, AllowedTlvsAreKnownAndOrdered) {
  for (const PduSpec& spec : all_pdus()) {
    EXPECT_TRUE(std::ranges::is_sorted(spec.tlvs)) << spec.name;
    for (const TlvTag tag : spec.tlvs) EXPECT_NE(standard_tlv(tag), nullptr) << spec.name;
  }
  EXPECT_TRUE(spec_of(CommandId::deliver_sm)->allows(TlvTag::receipted_message_id));
  EXPECT_FALSE(spec_of(CommandId::submit_sm)->allows(TlvTag::receipted_message_id));
  EXPECT_TRUE(spec_of(CommandId::bind_receiver_resp)->allows(TlvTag::sc_interface_version));
}

TEST(Field, NamesGoBothWays) {
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    EXPECT_EQ(parse_field(name_of(field)), field);
  }
  EXPECT_EQ(name_of(Field::replace_if_present_flag), "replace_if_present_flag");
  EXPECT_EQ(parse_field("no_such_field"), Field::none);
  EXPECT_EQ(name_of(Field::none), "");
}

}  // namespace
}  // namespace smppd::smpp
