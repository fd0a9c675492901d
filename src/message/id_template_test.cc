#include "message/id_template.h"

#include <gtest/gtest.h>

namespace smppd::message {
namespace {

MessageFacts facts() {
  MessageFacts facts;
  facts.source_addr = "CLIENT";
  facts.destination_addr = "258841234567";
  return facts;
}

std::string written(std::string_view text) {
  const auto compiled = IdTemplate::compile(text);
  if (!compiled) return compiled.error();
  IdText out;
  compiled->write({facts(), 0xABC00000001U, 7, {0x1111111111111111U, 0x2222222222222222U}}, out);
  return std::string(out.view());
}

TEST(IdTemplate, FillsInItsFields) {
  EXPECT_EQ(written("mock-${counter}"), "mock-7");
  EXPECT_EQ(written("${id}"), "00000abc00000001");
  EXPECT_EQ(written("${destination_addr}-${counter}"), "258841234567-7");
  EXPECT_EQ(written("${source_addr}"), "CLIENT");
  EXPECT_EQ(written("$5 {x}"), "$5 {x}");
  EXPECT_EQ(written("${uuid}"), "11111111-1111-4111-a222-222222222222");
}

TEST(IdTemplate, RefusesWhatItCannotWrite) {
  EXPECT_NE(written("${nope}").find("unknown field ${nope}"), std::string::npos);
  EXPECT_NE(written("a${counter").find("without }"), std::string::npos);
  EXPECT_NE(written("").find("empty"), std::string::npos);
  EXPECT_NE(written("${uuid}${uuid}").find("64 octets"), std::string::npos);
}

}  // namespace
}  // namespace smppd::message
