// A desk with one upstream, for the tests of what receipts mean.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "flow/receipts.h"
#include "smpp/pdu_builder.h"

namespace smppd::flow {

inline constexpr Instant kDeskStart{std::chrono::seconds(1000)};
inline constexpr message::UpstreamId kUpstream(0);

struct ReceiptDeskTest : testing::Test {
  explicit ReceiptDeskTest(const config::Receipts& receipts = {}) : desk(receipts, kDeskStart, 1) {
    upstream.name = "carrier";
    snapshot.config = std::make_shared<config::Config>();
    snapshot.upstreams.resize(1);
    facts().options = &upstream;
    desk.configure(snapshot);
  }
  UpstreamFacts& facts() { return snapshot.upstreams[0]; }
  message::Flight flight(message::OwnId id, std::uint8_t registered_delivery = 1) {
    message::Flight result;
    result.id = id;
    result.client = message::ClientId(3);
    result.upstream = kUpstream;
    result.registered_delivery = registered_delivery;
    result.source_hash = 77;
    return result;
  }
  std::vector<ParkedReport> accept(message::OwnId id, std::string_view theirs) {
    return desk.accepted(flight(id), theirs, kDeskStart);
  }
  message::OwnId matched(std::string_view receipt_id,
                         ReceiptDesk::Patience patience = ReceiptDesk::Patience::kMayWait) {
    const auto entry = desk.match(kUpstream, receipt_id, "258841234567", "SHOP", patience);
    return entry ? entry->own : 0;
  }
  message::DeliveryTicket ticket(std::uint32_t sequence) {
    message::DeliveryTicket result;
    result.sequence_number = sequence;
    result.upstream = kUpstream;
    return result;
  }
  smpp::PduView& decode(const smpp::PduBuilder& builder) {
    pdu.clear();
    EXPECT_TRUE(builder.encode(pdu, {}, 1));
    EXPECT_TRUE(view.decode(pdu));
    return view;
  }
  smpp::PduBuilder deliver(std::string_view text, std::uint8_t esm_class = 0x04) {
    smpp::PduBuilder builder(smpp::CommandId::deliver_sm, smpp::Version::v34);
    builder.set(smpp::Field::esm_class, esm_class).set(smpp::Field::short_message, text);
    return builder;
  }

  config::Upstream upstream;
  Snapshot snapshot;
  ReceiptDesk desk;
  std::vector<std::uint8_t> pdu;
  smpp::PduView view;
};

}  // namespace smppd::flow
