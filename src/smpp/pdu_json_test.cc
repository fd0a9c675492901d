#include <gtest/gtest.h>

#include "smpp/internal/samples.h"
#include "smpp/internal/test_support.h"
#include "smpp/pdu_inspect.h"

namespace smppd::smpp {
namespace {

std::string dump(const PduBuilder& builder, Secrets secrets = Secrets::hidden) {
  std::vector<std::uint8_t> bytes;
  EXPECT_TRUE(builder.encode(bytes, CommandStatus::ESME_ROK, 7).has_value());
  PduView view;
  EXPECT_TRUE(view.decode(bytes).ok());
  return to_json(view, TlvRegistry(), secrets);
}

TEST(PduJson, NamesFieldsAndTlvs) {
  PduBuilder builder(CommandId::data_sm, Version::v34);
  builder.set(Field::source_addr, "My\"Brand\\")
      .set(Field::source_addr_ton, 5)
      .add_tlv_u16(TlvTag::source_port, 8080)
      .add_tlv_text(TlvTag::receipted_message_id, "A1")
      .add_tlv(TlvTag::message_payload, as_bytes("hi"))
      .add_tlv(static_cast<TlvTag>(0x1401), as_bytes("x"));
  EXPECT_EQ(
      dump(builder),
      R"({"command_id":"data_sm","command_status":"ESME_ROK","sequence_number":7,"command_length":59,"body":{)"
      R"("service_type":"","source_addr_ton":5,"source_addr_npi":0,"source_addr":"My\"Brand\\","dest_addr_ton":0,)"
      R"("dest_addr_npi":0,"destination_addr":"","esm_class":0,"registered_delivery":0,"data_coding":0},)"
      R"("tlvs":[{"name":"source_port","tag":"0x020A","value":8080},)"
      R"({"name":"receipted_message_id","tag":"0x001E","value":"A1"},)"
      R"({"name":"message_payload","tag":"0x0424","value":"6869"},{"tag":"0x1401","value":"78"}]})");
}

TEST(PduJson, ShowsListsEntryByEntry) {
  PduBuilder builder(CommandId::submit_multi_resp, Version::v34);
  builder.set(Field::message_id, "m").add_unsuccess({1, 2, "5", CommandStatus::ESME_RINVDSTADR});
  EXPECT_EQ(dump(builder),
            R"({"command_id":"submit_multi_resp","command_status":"ESME_ROK","sequence_number":7,"command_length":27,)"
            R"("body":{"message_id":"m","no_unsuccess":1,"unsuccess_sme":[{"dest_addr_ton":1,"dest_addr_npi":2,)"
            R"("destination_addr":"5","error_status_code":"ESME_RINVDSTADR"}]}})");
  builder.reset(CommandId::query_last_msgs_resp, Version::v33).add_message_id("1").add_message_id("2");
  EXPECT_NE(dump(builder).find(R"("num_msgs":2,"message_ids":["1","2"])"), std::string::npos);
  builder.reset(CommandId::submit_multi, Version::v34)
      .add_destination({DestFlag::sme_address, 1, 1, "9"})
      .add_destination({DestFlag::distribution_list, 0, 0, "all"});
  EXPECT_NE(dump(builder).find(R"([{"dest_addr_ton":1,"dest_addr_npi":1,"destination_addr":"9"},{"dl_name":"all"}])"),
            std::string::npos);
}

TEST(PduJson, HidesThePasswordUnlessAsked) {
  PduBuilder builder(CommandId::bind_receiver, Version::v34);
  builder.set(Field::system_id, "me").set(Field::password, "hunter2");
  EXPECT_EQ(dump(builder).find("hunter2"), std::string::npos);
  EXPECT_NE(dump(builder).find(R"("password":"***")"), std::string::npos);
  EXPECT_NE(dump(builder, Secrets::shown).find(R"("password":"hunter2")"), std::string::npos);
}

TEST(PduJson, EscapesEveryOctet) {
  PduBuilder builder(CommandId::submit_sm_resp, Version::v34);
  builder.set(Field::message_id, "\x01\n\x7F\xE9");
  EXPECT_NE(dump(builder).find(R"("message_id":"\u0001\u000a\u007f\u00e9")"), std::string::npos);
}

TEST(PduJson, ShowsTheHeaderOfWhatDidNotDecode) {
  const auto bytes = testing::unhex("00000010 00000099 00000401 00000003");
  PduView view;
  EXPECT_FALSE(view.decode(bytes).ok());
  EXPECT_EQ(to_json(view, TlvRegistry()),
            R"({"command_id":"0x00000099","command_status":"0x00000401","sequence_number":3,"command_length":16})");
}

TEST(PduJson, EverySampleIsBalanced) {
  for (const PduSpec& spec : all_pdus()) {
    for (const Version version : {Version::v33, Version::v34, Version::v50}) {
      if (!spec.has_version(version)) continue;
      const std::string json = dump(samples::sample(spec, version));
      EXPECT_EQ(std::ranges::count(json, '{'), std::ranges::count(json, '}')) << spec.name;
      EXPECT_EQ(std::ranges::count(json, '['), std::ranges::count(json, ']')) << spec.name;
      EXPECT_EQ(json.find(",,"), std::string::npos);
      EXPECT_EQ(json.find(",}"), std::string::npos);
      EXPECT_EQ(json.find(":,"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace smppd::smpp
