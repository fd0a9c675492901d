#include "flow/internal/part_receipts.h"

namespace smppd::flow::internal {

namespace {

int badness(smpp::MessageState state) noexcept {
  switch (state) {
    case smpp::MessageState::delivered: return 0;
    case smpp::MessageState::accepted: return 1;
    case smpp::MessageState::skipped: return 2;
    case smpp::MessageState::deleted: return 4;
    case smpp::MessageState::expired: return 5;
    case smpp::MessageState::undeliverable: return 6;
    case smpp::MessageState::rejected: return 7;
    default: return 3;  // unknown
  }
}

}  // namespace

void PartReceipts::expect(message::OwnId own, std::uint8_t parts, bool each, std::string_view upstream_id,
                          Instant now) {
  const auto [at, is_new] = messages_.try_emplace(own);
  if (!is_new) return;
  at->second.parts = parts;
  at->second.each = each;
  at->second.shown_id = upstream_id;
  births_.push_back({now, own});
  if (messages_.size() > max_) drop_oldest();
  // One old message that waits must not keep the births of all that came and went since.
  constexpr std::size_t kSlack = 1024;
  if (births_.size() > 2 * messages_.size() + kSlack) {
    std::erase_if(births_, [this](const Birth& birth) { return !messages_.contains(birth.own); });
  }
}

PartReceipts::Message* PartReceipts::find(message::OwnId own) noexcept {
  const auto at = messages_.find(own);
  return at == messages_.end() ? nullptr : &at->second;
}

void PartReceipts::settle(message::OwnId own) noexcept {
  const auto at = messages_.find(own);
  if (at != messages_.end() && ++at->second.done >= at->second.parts) messages_.erase(at);
}

void PartReceipts::merge(Message& message, const smpp::Receipt& receipt) {
  const auto state = receipt.state.value_or(smpp::MessageState::unknown);
  if (message.worst && !worse(state, *message.worst)) return;
  constexpr std::size_t kLongest = 16;
  message.worst = state;
  message.err = receipt.err.substr(0, kLongest);
  message.err_code = receipt.err_code;
}

bool PartReceipts::worse(smpp::MessageState one, smpp::MessageState other) noexcept {
  return badness(one) > badness(other);
}

void PartReceipts::drop_oldest() noexcept {
  while (!births_.empty()) {
    const bool was_there = messages_.erase(births_.front().own) > 0;
    births_.pop_front();
    if (was_there) return;
  }
}

void PartReceipts::expire(Instant now) noexcept {
  while (!births_.empty() &&
         (messages_.empty() || now - births_.front().at > retention_ || !messages_.contains(births_.front().own))) {
    messages_.erase(births_.front().own);
    births_.pop_front();
  }
}

}  // namespace smppd::flow::internal
