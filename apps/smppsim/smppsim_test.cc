#include <set>

#include <gtest/gtest.h>

#include "smppsim/behaviour.h"
#include "smppsim/id_format.h"
#include "smppsim/mo_plan.h"
#include "smppsim/rules.h"
#include "smppsim/script.h"

namespace smppd::sim {
namespace {

std::string id_of(const IdFormat& format, std::uint64_t number) {
  char text[IdFormat::kMaxSize];
  return {text, format.write(number, text)};
}

TEST(IdFormat, EveryFormatIsReadBackAndUnique) {
  for (const char* name : {"hex", "HEX", "hex:10", "dec", "dec:20", "uuid", "UUID", "opaque"}) {
    const auto format = IdFormat::parse(name);
    ASSERT_TRUE(format) << name;
    std::set<std::string> seen;
    for (const std::uint64_t number : {1ULL, 2ULL, 15ULL, 255ULL, 4'294'967'295ULL, 4'294'967'296ULL, 1ULL << 50}) {
      const std::string id = id_of(*format, number);
      EXPECT_EQ(format->read(id), number) << name << " " << id;
      EXPECT_TRUE(seen.insert(id).second);
      EXPECT_LE(id.size(), 64U);
    }
  }
}

TEST(IdFormat, WritesWhatItsNameSays) {
  EXPECT_EQ(id_of(*IdFormat::parse("hex"), 255), "ff");
  EXPECT_EQ(id_of(*IdFormat::parse("HEX:4"), 255), "00FF");
  EXPECT_EQ(id_of(*IdFormat::parse("dec:6"), 255), "000255");
  const std::string uuid = id_of(*IdFormat::parse("uuid"), 255);
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4') << "version 4";
  EXPECT_FALSE(IdFormat::parse("base64"));
  EXPECT_FALSE(IdFormat::parse("uuid:10"));
  EXPECT_FALSE(IdFormat::parse("uuid")->read("not a uuid"));
}

TEST(IdFormat, TheFastPathWritesTheSameAsTheSlowOne) {
  const IdFormat plain;
  ASSERT_TRUE(plain.is_plain());
  for (std::uint64_t number : {0ULL, 1ULL, 0x9aULL, 0xdeadbeefULL, 0x89abcdefULL, 0xffffffffULL, 0x123456789ULL}) {
    char text[IdFormat::kMaxSize];
    EXPECT_EQ(std::string(text, write_hex8(number, text)), id_of(plain, number));
  }
}

TEST(Behaviour, ErrorsAreDrawnInTheirShares) {
  const auto errors = parse_errors("ESME_RTHROTTLED=0.2,ESME_RSYSERR=10%");
  ASSERT_TRUE(errors);
  toolkit::Random random(1);
  int throttled = 0;
  int none = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto drawn = errors->draw(random);
    throttled += drawn == smpp::CommandStatus::ESME_RTHROTTLED ? 1 : 0;
    none += drawn ? 0 : 1;
  }
  EXPECT_NEAR(throttled, 2000, 200);
  EXPECT_NEAR(none, 7000, 250);
  EXPECT_FALSE(parse_errors("ESME_NOSUCH=0.1"));
  EXPECT_FALSE(parse_errors("ESME_RSYSERR=0.7,ESME_RTHROTTLED=0.7"));
}

TEST(Behaviour, ReceiptSettingsAreReadAndUnknownOnesNamed) {
  const auto plan = parse_receipts("delay=50ms,state=DELIVRD:0.9,UNDELIV:0.1,form=tlv,late=0.1/3s,flag=none,swapped");
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_TRUE(plan->enabled);
  EXPECT_EQ(plan->states.items.size(), 2U);
  EXPECT_EQ(plan->form, ReceiptForm::tlv);
  EXPECT_EQ(plan->lateness, 3s);
  EXPECT_EQ(plan->esm_class, 0);
  EXPECT_TRUE(plan->swapped);
  const auto wrong = parse_receipts("dealy=50ms");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().find("dealy"), std::string::npos);
  EXPECT_FALSE(parse_receipts("on")->swapped);
}

TEST(Behaviour, MomentsAreCountsOrDurations) {
  const auto bad = parse_misbehaviour("close-after=1000,unbind-after=5s,slow-drip=2/10ms,no-enquire-response");
  ASSERT_TRUE(bad) << bad.error();
  EXPECT_EQ(bad->close_after, 1000U);
  EXPECT_EQ(bad->unbind_time, 5s);
  EXPECT_EQ(bad->drip_octets, 2U);
  EXPECT_TRUE(bad->no_enquire_response);
  EXPECT_FALSE(parse_misbehaviour("explode"));
  EXPECT_FALSE(parse_misbehaviour("no-response=2"));
}

TEST(MoPlan, TakesItsKeysAndRefusesOthers) {
  const auto plan = parse_mo("rate=10/s,parts=3,order=random,form=sar,text=Hello, world");
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->text, "Hello, world");
  EXPECT_EQ(plan->parts, 3U);
  EXPECT_FALSE(parse_mo("rate=0"));
  EXPECT_FALSE(parse_mo("speed=3"));
}

TEST(Rules, GlobsMatchWholeTexts) {
  EXPECT_TRUE(matches_glob("25884*", "258841234567"));
  EXPECT_TRUE(matches_glob("*99", "12399"));
  EXPECT_TRUE(matches_glob("1?3", "123"));
  EXPECT_TRUE(matches_glob("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(matches_glob("25884", "258841"));
  EXPECT_FALSE(matches_glob("1?3", "13"));
}

MessageFacts facts_to(std::string_view destination, std::string_view text = "hello") {
  MessageFacts facts;
  facts.command = smpp::CommandId::submit_sm;
  facts.destination = destination;
  facts.text = text;
  return facts;
}

TEST(Script, RulesAreReadAndCounted) {
  const auto script = parse_script(R"(
system-id: carrier
receipts: {delay: 50ms, state: [DELIVRD:0.9, UNDELIV:0.1], swapped: true}
strict: false
rules:
  - name: blocked
    match: {destination: ["25884*", "25885*"], text: "(?i)HELLO", after: 1, first: 2}
    action: {status: ESME_RINVDSTADR}
  - action: {latency: 5ms}
)",
                                   "test.yaml");
  ASSERT_TRUE(script) << script.error();
  EXPECT_EQ(
      script->arguments,
      (std::vector<std::string>{"--system-id=carrier", "--receipts=delay=50ms,state=DELIVRD:0.9,UNDELIV:0.1,swapped"}));
  std::vector<Rule> rules;
  for (const auto& text : script->rules) {
    auto rule = build_rule(text, {});
    ASSERT_TRUE(rule) << rule.error();
    rules.push_back(std::move(*rule));
  }
  RuleCursor cursor(rules);
  toolkit::Random random(1);
  EXPECT_EQ(cursor.find(facts_to("258861"), random)->name, "rule 2");
  EXPECT_EQ(cursor.find(facts_to("258841"), random)->name, "rule 2") << "after: 1 spares the first";
  EXPECT_EQ(cursor.find(facts_to("258841"), random)->name, "blocked");
  EXPECT_EQ(cursor.find(facts_to("258841", "bye"), random)->name, "rule 2");
  EXPECT_EQ(cursor.find(facts_to("258851"), random)->name, "blocked");
  EXPECT_EQ(cursor.find(facts_to("258841"), random)->name, "rule 2") << "first: 2 is used up";
}

TEST(Script, MistakesNameLineAndKey) {
  const auto unknown = parse_script("rules:\n  - match: {destinatoin: x}\n    action: {status: ESME_ROK}\n", "s.yaml");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().find("s.yaml: line 2"), std::string::npos) << unknown.error();
  EXPECT_NE(unknown.error().find("destinatoin"), std::string::npos);
  EXPECT_FALSE(parse_script("rules:\n  - match: {}\n", "s.yaml")) << "a rule without action";
  EXPECT_FALSE(parse_script("a: 1\na: 2\n", "s.yaml")) << "a key twice";
  EXPECT_FALSE(parse_script("[", "s.yaml"));
  const auto script = parse_script("rules: [{action: {status: ESME_NOSUCH}}]", "s.yaml");
  ASSERT_TRUE(script);
  EXPECT_FALSE(build_rule(script->rules.front(), {}));
  const ScriptRule session{"r", {}, {{"misbehave", "close-after=3"}}};
  EXPECT_FALSE(build_rule(session, {})) << "what concerns sessions is not for a rule";
  const ScriptRule message{"r", {}, {{"misbehave", "no-response=0.5"}}};
  EXPECT_TRUE(build_rule(message, {}));
}

}  // namespace
}  // namespace smppd::sim
