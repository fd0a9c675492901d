#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smpp/internal/samples.h"
#include "smpp/pdu_inspect.h"

namespace smppd::smpp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PduCheck : public ::testing::Test {
 protected:
  // What the checker says of the PDU that `builder` encodes.
  std::vector<std::string> objections(const PduBuilder& builder, CommandStatus status = CommandStatus::ESME_ROK,
                                      std::uint32_t sequence = 1) {
    bytes_.clear();
    EXPECT_TRUE(builder.encode(bytes_, status, sequence).has_value());
    return objections_to(bytes_, builder.version());
  }
  std::vector<std::string> objections_to(ByteSpan bytes, Version version) {
    PduView view;
    EXPECT_TRUE(view.decode(bytes).ok());
    std::vector<std::string> texts;
    for (const Finding& finding : check_pdu(view, version, registry_)) texts.push_back(describe(finding, registry_));
    return texts;
  }
  std::vector<std::string> with(Field field, int value) {
    return objections(PduBuilder(CommandId::submit_sm, Version::v34).set(field, value));
  }

  TlvRegistry registry_;
  std::vector<std::uint8_t> bytes_;
};

TEST_F(PduCheck, HasNothingAgainstTheSamples) {
  for (const Version version : {Version::v33, Version::v34, Version::v50}) {
    for (const PduSpec& spec : all_pdus()) {
      if (!spec.has_version(version)) continue;
      EXPECT_THAT(objections_to(samples::sample_bytes(spec, version), version), IsEmpty())
          << spec.name << " " << name_of(version);
    }
  }
}

TEST_F(PduCheck, JudgesEachFlag) {
  EXPECT_THAT(with(Field::source_addr_ton, 7),
              ElementsAre("source_addr_ton: reserved type of number (ESME_RINVSRCTON)"));
  EXPECT_THAT(with(Field::dest_addr_npi, 2), ElementsAre("dest_addr_npi: reserved numbering plan (ESME_RINVDSTNPI)"));
  EXPECT_THAT(with(Field::esm_class, 0x04), ElementsAre("esm_class: reserved message type (ESME_RINVESMCLASS)"));
  EXPECT_THAT(with(Field::esm_class, 0x3C), ElementsAre("esm_class: reserved message type (ESME_RINVESMCLASS)"));
  EXPECT_THAT(with(Field::priority_flag, 4), ElementsAre("priority_flag: reserved priority (ESME_RINVPRTFLG)"));
  EXPECT_THAT(with(Field::registered_delivery, 0x20),
              ElementsAre("registered_delivery: reserved bits are set (ESME_RINVREGDLVFLG)"));
  EXPECT_THAT(with(Field::replace_if_present_flag, 2),
              ElementsAre("replace_if_present_flag: must be 0 or 1 (ESME_RINVREPFLAG)"));
  EXPECT_THAT(with(Field::data_coding, 0x0B), ElementsAre("data_coding: reserved coding (ESME_RINVDCS)"));
  EXPECT_THAT(with(Field::sm_default_msg_id, 255),
              ElementsAre("sm_default_msg_id: must be 0 to 254 (ESME_RINVDFTMSGID)"));
  EXPECT_THAT(with(Field::esm_class, 0x43),
              ElementsAre("esm_class: the user data header does not fit into the message (ESME_RINVESMCLASS)"));
}

TEST_F(PduCheck, JudgesTheHeader) {
  PduBuilder builder(CommandId::enquire_link, Version::v34);
  EXPECT_THAT(objections(builder, CommandStatus::ESME_RSYSERR),
              ElementsAre("command_status of a request must be 0 (ESME_RSYSERR)"));
  EXPECT_THAT(objections(builder, CommandStatus::ESME_ROK, 0),
              ElementsAre("sequence_number must be 1 to 0x7FFFFFFF (ESME_RSYSERR)"));
  builder.reset(CommandId::submit_sm_resp, Version::v50);
  EXPECT_THAT(objections(builder, CommandStatus::ESME_RSYSERR), IsEmpty());
  EXPECT_THAT(objections_to(bytes_, Version::v34),
              ElementsAre("an error response has no body before 5.0 (ESME_RINVCMDLEN)"));
  builder.reset(CommandId::data_sm, Version::v34);
  objections(builder);
  EXPECT_THAT(objections_to(bytes_, Version::v33),
              ElementsAre("the session's version has no such PDU (ESME_RINVCMDID)"));
}

TEST_F(PduCheck, JudgesTimesAndLengths) {
  PduBuilder builder(CommandId::submit_sm, Version::v34);
  builder.set(Field::validity_period, "2611201315");
  EXPECT_THAT(objections(builder), ElementsAre("validity_period: a time has 1 or 17 octets (ESME_RINVEXPIRY)"));
  builder.reset(CommandId::submit_sm_resp, Version::v34).set(Field::message_id, "0123456789");
  objections(builder);
  EXPECT_THAT(objections_to(bytes_, Version::v33),
              ElementsAre("message_id: longer than the version allows (ESME_RINVMSGID)"));
}

TEST_F(PduCheck, JudgesWhereTheTextIs) {
  PduBuilder builder(CommandId::submit_sm, Version::v34);
  builder.set(Field::short_message, "a").add_tlv(TlvTag::message_payload, as_bytes("b"));
  EXPECT_THAT(objections(builder),
              ElementsAre("message_payload: both short_message and message_payload hold text (ESME_RINVMSGLEN)"));
}

TEST_F(PduCheck, JudgesTlvs) {
  PduBuilder builder(CommandId::submit_sm, Version::v34);
  builder.add_tlv_text(TlvTag::receipted_message_id, "1");
  EXPECT_THAT(objections(builder), ElementsAre("receipted_message_id: not allowed in this PDU (ESME_ROPTPARNOTALLWD)"));
  builder.reset(CommandId::submit_sm, Version::v34).add_tlv(TlvTag::source_port, as_bytes("x"));
  EXPECT_THAT(objections(builder), ElementsAre("source_port: length out of bounds (ESME_RINVPARLEN)"));
  builder.reset(CommandId::deliver_sm, Version::v34).add_tlv(TlvTag::receipted_message_id, as_bytes("x"));
  EXPECT_THAT(objections(builder), ElementsAre("receipted_message_id: lacks its NUL (ESME_RINVOPTPARAMVAL)"));
  builder.reset(CommandId::submit_sm, Version::v34)
      .add_tlv_u16(TlvTag::source_port, 1)
      .add_tlv_u16(TlvTag::source_port, 1);
  EXPECT_THAT(objections(builder), ElementsAre("source_port: given more than once (ESME_RINVOPTPARAMVAL)"));
  builder.reset(CommandId::submit_sm, Version::v34).add_tlv(static_cast<TlvTag>(0x1400), as_bytes("any"));
  EXPECT_THAT(objections(builder), IsEmpty());
  EXPECT_THAT(objections_to(bytes_, Version::v33),
              ElementsAre("0x1400: 3.3 has no optional parameters (ESME_ROPTPARNOTALLWD)"));
}

TEST_F(PduCheck, JudgesSegments) {
  PduBuilder builder(CommandId::submit_sm, Version::v34);
  builder.add_tlv_u16(TlvTag::sar_msg_ref_num, 1).add_tlv_u8(TlvTag::sar_total_segments, 2);
  EXPECT_THAT(objections(builder),
              ElementsAre("sar_msg_ref_num: the three sar parameters come together (ESME_RMISSINGOPTPARAM)"));
  builder.add_tlv_u8(TlvTag::sar_segment_seqnum, 3);
  EXPECT_THAT(objections(builder),
              ElementsAre("sar_segment_seqnum: must be 1 to sar_total_segments (ESME_RINVOPTPARAMVAL)"));
}

TEST_F(PduCheck, MissesMandatoryTlvs) {
  EXPECT_EQ(objections(PduBuilder(CommandId::broadcast_sm, Version::v50)).size(), 4U);
  EXPECT_EQ(objections(PduBuilder(CommandId::query_broadcast_sm_resp, Version::v50)).size(), 3U);
}

TEST_F(PduCheck, WantsADestinationAndEmptyFieldsInDeliverSm) {
  EXPECT_THAT(objections(PduBuilder(CommandId::submit_multi, Version::v34)),
              ElementsAre("number_of_dests: there must be at least one destination (ESME_RINVNUMDESTS)"));
  PduBuilder deliver(CommandId::deliver_sm, Version::v34);
  deliver.set(Field::validity_period, "000001000000000R").set(Field::sm_default_msg_id, 1);
  EXPECT_THAT(objections(deliver), ElementsAre("validity_period: unused in deliver_sm (ESME_RINVEXPIRY)",
                                               "sm_default_msg_id: unused in deliver_sm (ESME_RINVDFTMSGID)"));
  deliver.reset(CommandId::deliver_sm_resp, Version::v34).set(Field::message_id, "1");
  EXPECT_THAT(objections(deliver), ElementsAre("message_id: unused in deliver_sm_resp (ESME_RINVMSGID)"));
}

}  // namespace
}  // namespace smppd::smpp
