#include "flow/internal/part_receipts.h"

#include "flow/internal/hash.h"

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

std::uint32_t hash_of_id(std::string_view upstream_id) noexcept {
  return high_half(hash_text(upstream_id, 0x51A7'0C39'8E2D'64B5U));
}

}  // namespace

std::uint8_t PartReceipts::Message::part_of(std::string_view upstream_id) const noexcept {
  const std::uint32_t hash = hash_of_id(upstream_id);
  for (const auto& [id, part] : ids) {
    if (id == hash) return part;
  }
  return 0;
}

void PartReceipts::expect(const Accepted& accepted, Instant now) {
  const message::OwnId own = accepted.own;
  const auto [at, is_new] = messages_.try_emplace(own);
  Message& message = at->second;
  message.ids.emplace_back(hash_of_id(accepted.upstream_id), accepted.part);
  message.copies = message.copies || accepted.doubtful;
  if (!is_new) return;
  message.parts = accepted.parts;
  message.each = accepted.each;
  message.recalled = accepted.part == 1 && !accepted.doubtful;
  message.shown_id = accepted.upstream_id;
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

void PartReceipts::settle(message::OwnId own, std::string_view upstream_id) noexcept {
  const auto at = messages_.find(own);
  if (at == messages_.end()) return;
  Message& message = at->second;
  message.done.set(message.part_of(upstream_id));
  message.done.reset(0);
  if (message.open() == 0 && !message.copies) messages_.erase(at);
}

void PartReceipts::merge(Message& message, const smpp::Receipt& receipt) {
  merge(message, receipt.state.value_or(smpp::MessageState::unknown), receipt.err, receipt.err_code);
}

void PartReceipts::merge(Message& message, smpp::MessageState state, std::string_view err,
                         std::optional<std::uint32_t> err_code) {
  if (message.worst && !worse(state, *message.worst)) return;
  constexpr std::size_t kLongest = 16;
  message.worst = state;
  message.err = err.substr(0, kLongest);
  message.err_code = err_code;
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
