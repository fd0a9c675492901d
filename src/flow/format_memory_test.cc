// How upstreams write their ids is known over restarts.
#include "flow/internal/format_memory.h"

#include <gtest/gtest.h>

#include "flow/internal/hand_partition.h"
#include "flow/internal/test_support.h"

namespace smppd::flow {
namespace {

using smpp::IdFormat;

IdMatcher::Memory remembered(IdFormat configured = IdFormat::automatic) {
  IdMatcher::Memory memory;
  memory.configured = configured;
  memory.learnt = IdFormat::hex_to_dec;
  memory.confirmed = 2;
  memory.evidence = {1, 20, 3, 4};
  memory.last_pair.remember("1a2b", "6699");
  return memory;
}

TEST(FormatMemory, ItsOctetsAreReadBackAndOthersAreNot) {
  FormatRoom room;
  const ByteSpan octets = encode(remembered(), room);
  const auto memory = decode_format_memory(octets);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->learnt, IdFormat::hex_to_dec);
  EXPECT_EQ(memory->confirmed, 2U);
  EXPECT_EQ(memory->evidence, remembered().evidence);
  EXPECT_EQ(memory->last_pair.response(), "1a2b");
  EXPECT_EQ(memory->last_pair.receipt(), "6699");
  for (std::size_t size = 0; size < octets.size(); ++size) EXPECT_FALSE(decode_format_memory(octets.first(size)));
  std::vector<std::uint8_t> wrong(octets.begin(), octets.end());
  wrong[2] = 9;  // no such format
  EXPECT_FALSE(decode_format_memory(wrong));
}

TEST(FormatMemory, WhatWasSeenSinceCountsBesideIt) {
  IdMatcher matcher(IdFormat::automatic);
  matcher.learn("7f3a21b0", "2134516144");
  matcher.recall(remembered());
  EXPECT_EQ(matcher.evidence().hex_to_dec, 21U);
  EXPECT_EQ(matcher.format(), IdFormat::hex_to_dec);
  EXPECT_EQ(matcher.last_pair().response(), "7f3a21b0");
}

TEST(FormatMemory, OfAnotherConfiguredFormatItSaysNothing) {
  IdMatcher matcher(IdFormat::as_is);
  matcher.recall(remembered());
  EXPECT_EQ(matcher.evidence(), IdMatcher::Evidence{});
  EXPECT_EQ(matcher.format(), IdFormat::as_is);
}

constexpr std::string_view kConfig = R"(
storage: {backend: memory}
listeners: [{name: public, address: "127.0.0.1:2775"}]
upstreams:
  - {name: lab, mock: {message_id: "lab-${counter}"}}
  - {name: slow, mock: {message_id: "slow-${counter}"}}
routes: [{name: all, upstream: lab}]
clients: [{system_id: shop, password: secret}]
)";

struct OneDisk {
  HandPartition disk;
};

class StoredFormats : protected OneDisk, public FlowTest {
 protected:
  StoredFormats() : FlowTest(1, {&disk}) {
    const auto loaded = config::load_text(std::string(kConfig), config::Format::kYaml, "test.yaml");
    EXPECT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    FormatRoom room;
    const ByteSpan before = encode(remembered(), room);
    disk.records[{store::Table::kFacts, format_key("lab")}] = {before.begin(), before.end()};
    names = {};
    publish(loaded.config);
  }
  void ticks(int count) {
    for (int i = 0; i < count; ++i) {
      flow.tick();
      turns(2);
    }
  }
  std::optional<IdMatcher::Memory> on_disk(std::string_view upstream) {
    const auto at = disk.records.find({store::Table::kFacts, format_key(upstream)});
    return at == disk.records.end() ? std::nullopt : decode_format_memory(at->second);
  }
  const IdMatcher& matcher(std::string_view upstream) {
    return *flow.receipts().matcher(names.upstreams.find(upstream));
  }
};

TEST_F(StoredFormats, WhatAnEarlierSmppdLearntIsKnownAndNotWrittenAgain) {
  const std::size_t before = disk.appended.size();
  ticks(3);
  EXPECT_EQ(matcher("lab").format(), IdFormat::hex_to_dec);
  EXPECT_EQ(matcher("lab").evidence(), remembered().evidence);
  EXPECT_EQ(matcher("slow").format(), IdFormat::automatic);
  EXPECT_EQ(disk.appended.size(), before);
}

TEST_F(StoredFormats, WhatIsLearntIsOnDiskAtTheNextTickAndEvidenceAtTheEnd) {
  ticks(3);
  IdMatcher::Memory seen = remembered();
  seen.evidence = {0, 3, 0, 0};
  flow.receipts().recall(names.upstreams.find("slow"), seen);
  ticks(1);
  ASSERT_TRUE(on_disk("slow"));
  EXPECT_EQ(on_disk("slow")->learnt, IdFormat::hex_to_dec);
  seen.evidence = {0, 2, 0, 0};
  flow.receipts().recall(names.upstreams.find("slow"), seen);
  ticks(1);
  EXPECT_EQ(on_disk("slow")->evidence.hex_to_dec, 3U) << "more of the same is not written at once";
  disk.writes = false;
  EXPECT_FALSE(flow.stop_sending()) << "it is waited for";
  disk.write();
  turns(2);
  EXPECT_TRUE(flow.stop_sending());
  EXPECT_EQ(on_disk("slow")->evidence.hex_to_dec, 5U);
}

}  // namespace
}  // namespace smppd::flow
