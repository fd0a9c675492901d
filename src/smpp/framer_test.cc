#include "smpp/framer.h"

#include <vector>

#include <gtest/gtest.h>

#include "smpp/internal/samples.h"
#include "smpp/internal/test_support.h"

namespace smppd::smpp {
namespace {

using testing::unhex;

const std::string kEnquireLink = "00000010 00000015 00000000 00000001";

TEST(Framer, ConsumesNothingUntilTheWholePduIsThere) {
  const auto whole = unhex(kEnquireLink);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Frame frame = next_frame(ByteSpan(whole).first(size));
    EXPECT_EQ(frame.state, FrameState::need_more) << size;
    EXPECT_EQ(frame.missing, whole.size() - size);
    EXPECT_TRUE(frame.pdu.empty());
  }
  const Frame frame = next_frame(whole);
  EXPECT_EQ(frame.state, FrameState::pdu);
  EXPECT_EQ(frame.pdu.data(), whole.data());
  EXPECT_EQ(frame.pdu.size(), whole.size());
}

TEST(Framer, LeavesWhatFollowsAlone) {
  const auto two = unhex(kEnquireLink + kEnquireLink + "0000");
  const Frame first = next_frame(two);
  ASSERT_EQ(first.state, FrameState::pdu);
  EXPECT_EQ(first.pdu.size(), 16U);
  const Frame second = next_frame(ByteSpan(two).subspan(16));
  ASSERT_EQ(second.state, FrameState::pdu);
  EXPECT_EQ(next_frame(ByteSpan(two).subspan(32)).missing, 14U);
}

TEST(Interop, Row27_AStreamCutAnywhereYieldsTheSamePdus) {
  std::vector<std::uint8_t> stream;
  std::vector<std::vector<std::uint8_t>> expected;
  for (const PduSpec& spec : all_pdus()) {
    if (!spec.has_version(Version::v34)) continue;
    expected.push_back(samples::sample_bytes(spec, Version::v34));
    stream.insert(stream.end(), expected.back().begin(), expected.back().end());
  }
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{16}, std::size_t{1000}, stream.size()}) {
    std::vector<std::vector<std::uint8_t>> seen;
    std::vector<std::uint8_t> held;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      const std::size_t count = std::min(step, stream.size() - at);
      held.insert(held.end(), stream.begin() + static_cast<std::ptrdiff_t>(at),
                  stream.begin() + static_cast<std::ptrdiff_t>(at + count));
      Frame frame = next_frame(held);
      for (; frame.state == FrameState::pdu; frame = next_frame(held)) {
        seen.emplace_back(frame.pdu.begin(), frame.pdu.end());
        held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(frame.pdu.size()));
      }
      ASSERT_EQ(frame.state, FrameState::need_more);
    }
    EXPECT_TRUE(held.empty());
    EXPECT_EQ(seen, expected) << "in steps of " << step;
  }
}

TEST(Framer, JudgesTheLengthBeforeTheHeaderIsComplete) {
  EXPECT_EQ(next_frame(unhex("0000000F")).state, FrameState::lost);
  EXPECT_EQ(next_frame(unhex("00000000")).state, FrameState::lost);
  EXPECT_EQ(next_frame(unhex("7FFFFFFF")).state, FrameState::lost);
  EXPECT_EQ(next_frame(unhex("000000")).state, FrameState::need_more);
}

TEST(Framer, BoundIsInclusive) {
  EXPECT_EQ(next_frame(unhex("00000020"), 32).state, FrameState::need_more);
  EXPECT_EQ(next_frame(unhex("00000021"), 32).state, FrameState::lost);
  EXPECT_EQ(next_frame(unhex("00000020"), 32).missing, 28U);
}

TEST(Interop, Row25_HttpAndTlsBytesAreNoSmpp) {
  EXPECT_EQ(next_frame(as_bytes("HTTP/1.1 200 OK")).state, FrameState::lost);
  EXPECT_EQ(next_frame(as_bytes("GET / HTTP/1.1\r\n")).state, FrameState::lost);
  EXPECT_EQ(next_frame(unhex("16030100 C0010000")).state, FrameState::lost);
  EXPECT_EQ(next_frame(as_bytes("SSH-2.0-scan")).state, FrameState::lost);
  // 50331695: a TLS record taken for a length.
  EXPECT_EQ(next_frame(unhex("0300002F")).state, FrameState::lost);
}

TEST(Interop, Row25_TheDefaultBoundHoldsAFullMessagePayload) { EXPECT_GE(kDefaultMaxPduSize, 64U * 1024 + 512); }

}  // namespace
}  // namespace smppd::smpp
