// What the receipts of a message's parts have said so far, until all have spoken. One per ReceiptDesk; private to flow.
//
// Bounds: a message lives as long as the receipt map keeps its parts, and the oldest makes room at `max_messages`; its
// later receipts are then told one by one.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/time.h"
#include "message/ids.h"
#include "smpp/text/receipt.h"

namespace smppd::flow::internal {

class PartReceipts {
 public:
  struct Message {
    std::uint8_t parts = 0;
    std::uint8_t done = 0;  // parts whose final receipt needs nothing more
    bool each = false;      // receipts are told one by one
    std::optional<smpp::MessageState> worst;
    std::string err;
    std::optional<std::uint32_t> err_code;
    std::string shown_id;  // the SMSC's id that a client knows, where ids pass through
  };

  PartReceipts(std::size_t max_messages, Duration retention) noexcept : max_(max_messages), retention_(retention) {}

  // A part of `own` was accepted as `upstream_id`; the first call decides.
  void expect(message::OwnId own, std::uint8_t parts, bool each, std::string_view upstream_id, Instant now);
  [[nodiscard]] Message* find(message::OwnId own) noexcept;
  // One more part's final receipt is done with; the message is forgotten with the last one.
  void settle(message::OwnId own) noexcept;
  // The state is kept when it is worse than those before.
  static void merge(Message& message, const smpp::Receipt& receipt);
  [[nodiscard]] static bool worse(smpp::MessageState one, smpp::MessageState other) noexcept;

  void expire(Instant now) noexcept;
  [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }

 private:
  struct Birth {
    Instant at;
    message::OwnId own;
  };
  void drop_oldest() noexcept;

  std::size_t max_;
  Duration retention_;
  std::unordered_map<message::OwnId, Message> messages_;
  std::deque<Birth> births_;  // in order; of some that are gone, too
};

}  // namespace smppd::flow::internal
