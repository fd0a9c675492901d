// What the receipts of one upstream do to the ids of its submit responses, configured or learnt from its own traffic.
// One per upstream and shard; shard-local, no allocation. interop rows 2-4.
//
// `auto` tries the id as it is and in the other base. Small ids can then name two messages ("16" is also hexadecimal
// 10): the addresses of the receipt say which (ReceiptMap::match), where the upstream is known to name them rightly.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "message/ids.h"
#include "smpp/text/canonical_id.h"

namespace smppd::flow {

class IdMatcher {
 public:
  // Ids that belong together, as far as there is room for them.
  class Pair {
   public:
    void remember(std::string_view response_id, std::string_view receipt_id) noexcept;
    [[nodiscard]] std::string_view response() const noexcept { return {response_.data(), response_size_}; }
    [[nodiscard]] std::string_view receipt() const noexcept { return {receipt_.data(), receipt_size_}; }

   private:
    static constexpr std::size_t kRoom = 40;
    std::array<char, kRoom> response_{};
    std::array<char, kRoom> receipt_{};
    std::uint8_t response_size_ = 0;
    std::uint8_t receipt_size_ = 0;
  };

  // How many matched pairs showed which relation, also where a format is configured.
  struct Evidence {
    std::uint64_t as_is = 0;
    std::uint64_t hex_to_dec = 0;
    std::uint64_t dec_to_hex = 0;
    std::uint64_t ambiguous = 0;  // the pair fits more than one
    bool operator==(const Evidence&) const noexcept = default;
  };

  // What outlives the process.
  struct Memory {
    smpp::IdFormat configured{};
    smpp::IdFormat learnt = smpp::IdFormat::automatic;
    std::uint32_t confirmed = 0;  // destinations in a row
    Evidence evidence;
    Pair last_pair;
  };

  explicit IdMatcher(smpp::IdFormat configured) noexcept : configured_(configured) {}

  // auto | as_is | hex_to_dec | dec_to_hex; nullopt for another word.
  [[nodiscard]] static std::optional<smpp::IdFormat> parse(std::string_view word) noexcept;
  [[nodiscard]] static std::string_view name_of(smpp::IdFormat format) noexcept;

  // The configured format; in auto what was learnt, or `automatic` while nothing is.
  [[nodiscard]] smpp::IdFormat format() const noexcept {
    return configured_ == smpp::IdFormat::automatic ? learnt_ : configured_;
  }

  // The keys under which the message may be stored, most likely first. A learnt format only changes the order.
  [[nodiscard]] smpp::IdCandidates candidates(std::string_view receipt_id) const noexcept;

  // Whether the relation is known: the first candidate is what the id means.
  [[nodiscard]] bool trusts_first_hit() const noexcept { return format() != smpp::IdFormat::automatic; }

  // Whether ids of both kinds have come lately, each beyond doubt: what the relation does not say may be true as well.
  [[nodiscard]] bool is_mixed() const noexcept { return seen() < mixed_until_; }
  void saw_other_kind() noexcept { mixed_until_ = seen() + 1 + kOneOfBothIn; }  // before learn() of it

  // Whether the last receipts of this upstream named the destinations of their messages. Some write addresses anew.
  [[nodiscard]] bool trusts_destinations() const noexcept { return confirmed_ >= kConfirmationsToTrust; }
  void saw_destination(bool confirmed, bool contradicted) noexcept {
    if (contradicted) confirmed_ = 0;
    if (confirmed && confirmed_ < kConfirmationsToTrust) ++confirmed_;
  }

  // Tell it of each pair that certainly belongs together: the only hit, or the only one whose addresses agree.
  void learn(std::string_view response_id, std::string_view receipt_id) noexcept;

  // A pair of which the receipt may as well have come before its own message, whose id looks the same. After eight with
  // nothing certain between it is not that, and learnt: true.
  // A message counts once, however often its receipt is looked at.
  bool suspect(message::OwnId message, std::string_view response_id, std::string_view receipt_id) noexcept;
  void clear_suspicion() noexcept { suspicions_ = 0; }

  // Whether the first candidate is the id as it was written.
  [[nodiscard]] bool likeliest_is_as_is() const noexcept {
    return format() == smpp::IdFormat::as_is || format() == smpp::IdFormat::automatic;
  }
  // A pair was found so and is beyond doubt. False while nothing is learnt: what else it might mean is to be looked at.
  [[nodiscard]] bool confirmed_as_is() noexcept {
    if (!would_confirm()) return false;
    ++evidence_.as_is;
    return true;
  }
  [[nodiscard]] bool would_confirm() const noexcept { return trusts_first_hit(); }

  [[nodiscard]] smpp::IdFormat configured() const noexcept { return configured_; }
  [[nodiscard]] const Evidence& evidence() const noexcept { return evidence_; }
  // The last pair that learn() was told of; most pairs are confirmed_as_is() only.
  [[nodiscard]] const Pair& last_pair() const noexcept { return last_pair_; }
  [[nodiscard]] Memory memory() const noexcept { return {configured_, learnt_, confirmed_, evidence_, last_pair_}; }
  // What was known before counts beside what was seen since; of another configured format it says nothing.
  void recall(const Memory& before) noexcept;

 private:
  static constexpr std::uint32_t kPairsToLearn = 3;  // in a row, each of which fits one relation only
  static constexpr std::uint32_t kConfirmationsToTrust = 3;
  static constexpr std::uint32_t kOneOfBothIn = 64;  // pairs
  static constexpr std::uint32_t kSuspicionsToLearn = 8;

  [[nodiscard]] std::uint64_t seen() const noexcept {
    return evidence_.as_is + evidence_.hex_to_dec + evidence_.dec_to_hex + evidence_.ambiguous;
  }

  smpp::IdFormat configured_;
  smpp::IdFormat learnt_ = smpp::IdFormat::automatic;
  Evidence evidence_;
  Pair last_pair_;
  // Of the last pairs only, so that a carrier may change its mind.
  std::uint32_t streak_ = 0;
  smpp::IdFormat streak_of_ = smpp::IdFormat::automatic;
  std::uint32_t confirmed_ = 0;  // in a row
  std::uint64_t mixed_until_ = 0;
  std::uint32_t suspicions_ = 0;
  smpp::IdFormat suspected_ = smpp::IdFormat::automatic;
  std::array<message::OwnId, kSuspicionsToLearn> suspects_{};
};

}  // namespace smppd::flow
