#include "flow/internal/id_matcher.h"

#include <algorithm>
#include <array>
#include <span>

namespace smppd::flow {
namespace {

using smpp::IdFormat;

struct Word {
  std::string_view word;
  IdFormat format;
};
constexpr std::array kWords = {Word{"auto", IdFormat::automatic}, Word{"as_is", IdFormat::as_is},
                               Word{"hex_to_dec", IdFormat::hex_to_dec}, Word{"dec_to_hex", IdFormat::dec_to_hex}};

// automatic: the pair fits more than one, or none.
IdFormat shown_by(std::string_view response_id, std::string_view receipt_id) noexcept {
  switch (smpp::learn(response_id, receipt_id)) {
    case smpp::IdRelation::same: return smpp::tells_formats_apart(response_id) ? IdFormat::as_is : IdFormat::automatic;
    case smpp::IdRelation::hex_to_dec: return IdFormat::hex_to_dec;
    case smpp::IdRelation::dec_to_hex: return IdFormat::dec_to_hex;
    case smpp::IdRelation::unrelated: break;
  }
  return IdFormat::automatic;
}

}  // namespace

std::optional<IdFormat> IdMatcher::parse(std::string_view word) noexcept {
  for (const auto& known : kWords) {
    if (known.word == word) return known.format;
  }
  return std::nullopt;
}

std::string_view IdMatcher::name_of(IdFormat format) noexcept {
  for (const auto& known : kWords) {
    if (known.format == format) return known.word;
  }
  return {};
}

smpp::IdCandidates IdMatcher::candidates(std::string_view receipt_id) const noexcept {
  auto found = smpp::candidates(receipt_id, format());
  if (configured_ != IdFormat::automatic || learnt_ == IdFormat::automatic) return found;
  for (const auto& other : smpp::candidates(receipt_id, IdFormat::automatic)) found.add(other);
  return found;
}

void IdMatcher::Pair::remember(std::string_view response_id, std::string_view receipt_id) noexcept {
  response_size_ = static_cast<std::uint8_t>(response_id.copy(response_.data(), kRoom));
  receipt_size_ = static_cast<std::uint8_t>(receipt_id.copy(receipt_.data(), kRoom));
}

void IdMatcher::recall(const Memory& before) noexcept {
  if (before.configured != configured_) return;
  evidence_.as_is += before.evidence.as_is;
  evidence_.hex_to_dec += before.evidence.hex_to_dec;
  evidence_.dec_to_hex += before.evidence.dec_to_hex;
  evidence_.ambiguous += before.evidence.ambiguous;
  if (learnt_ == IdFormat::automatic) learnt_ = before.learnt;
  if (confirmed_ == 0) confirmed_ = before.confirmed;
  if (last_pair_.response().empty()) last_pair_ = before.last_pair;
}

bool IdMatcher::suspect(message::OwnId message, std::string_view response_id, std::string_view receipt_id) noexcept {
  const IdFormat shown = shown_by(response_id, receipt_id);
  if (suspected_ != shown) suspicions_ = 0;
  suspected_ = shown;
  if (shown == IdFormat::automatic || configured_ != IdFormat::automatic) return false;
  const auto counted = std::span(suspects_).first(suspicions_);
  if (std::ranges::find(counted, message) != counted.end()) return false;
  suspects_[suspicions_++] = message;
  if (streak_of_ != shown) streak_ = 0;  // what was certain may have been such a pair, too
  if (suspicions_ < kSuspicionsToLearn) return false;
  suspicions_ = 0;
  learnt_ = shown;
  return true;
}

void IdMatcher::learn(std::string_view response_id, std::string_view receipt_id) noexcept {
  last_pair_.remember(response_id, receipt_id);
  const IdFormat shown = shown_by(response_id, receipt_id);
  if (shown == IdFormat::automatic) {
    ++evidence_.ambiguous;
    return;
  }
  ++(shown == IdFormat::as_is        ? evidence_.as_is
     : shown == IdFormat::hex_to_dec ? evidence_.hex_to_dec
                                     : evidence_.dec_to_hex);
  if (configured_ != IdFormat::automatic) return;
  streak_ = shown == streak_of_ ? streak_ + 1 : 1;
  streak_of_ = shown;
  if (streak_ >= kPairsToLearn) learnt_ = shown;
}

}  // namespace smppd::flow
