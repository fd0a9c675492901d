// What the receipts of a message's parts have said so far, until all have spoken. One per ReceiptDesk; private to flow.
//
// Bounds: a message lives as long as the receipt map keeps its parts, and the oldest makes room at `max_messages`; its
// later receipts are then told one by one.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "message/ids.h"
#include "smpp/text/receipt.h"

namespace smppd::flow::internal {

class PartReceipts {
 public:
  struct Message {
    std::uint8_t parts = 0;
    bool each = false;      // receipts are told one by one
    bool recalled = false;  // what an earlier smppd was told is here
    bool copies = false;    // parts may be with the SMSC twice: remembered when all is told, too
    bool telling = false;   // the message's final receipt is with its client, who has not answered
    bool on_disk = false;   // there is a note of it
    std::bitset<256> done;  // parts, from 1, whose final receipt needs nothing more
    std::optional<smpp::MessageState> worst;
    std::string err;
    std::optional<std::uint32_t> err_code;
    std::string shown_id;  // the SMSC's id that a client knows, where ids pass through
    std::vector<std::pair<std::uint32_t, std::uint8_t>> ids;  // hash of the SMSC's id, part

    [[nodiscard]] std::size_t open() const noexcept { return parts - std::min<std::size_t>(parts, done.count()); }
    // 0: not known.
    [[nodiscard]] std::uint8_t part_of(std::string_view upstream_id) const noexcept;
  };
  // A part that was accepted.
  struct Accepted {
    message::OwnId own = 0;
    std::uint8_t part = 0;
    std::uint8_t parts = 0;
    bool each = false;
    bool doubtful = false;  // it may be a copy, or was found on disk
    std::string_view upstream_id;
  };

  PartReceipts(std::size_t max_messages, Duration retention) noexcept : max_(max_messages), retention_(retention) {}

  void expect(const Accepted& accepted, Instant now);
  [[nodiscard]] Message* find(message::OwnId own) noexcept;
  // This part's final receipt is done with; the message is forgotten with the last one, unless it has copies.
  void settle(message::OwnId own, std::string_view upstream_id) noexcept;
  // The state is kept when it is worse than those before.
  static void merge(Message& message, const smpp::Receipt& receipt);
  static void merge(Message& message, smpp::MessageState state, std::string_view err,
                    std::optional<std::uint32_t> err_code);
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
