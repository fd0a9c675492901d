// Ordered rules over messages: which is the first whose match holds? The engine under routes and mo_routes, and for
// whoever else has a list of config::Match (transform rules). Immutable once compiled, shared by all shards.
//
// Guarantee: the answer is exactly that of checking the rules one by one in order (a property test compares the two).
// Cost: the rules are found through the digits of the destination, the exact destination, the client (for MO: the
// upstream) and the exact source, so it does not grow with their number. Rules that name none of these, but only
// patterns that begin with a wildcard, regular expressions, fields or hours, are looked at one after the other.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "message/facts.h"
#include "message/names.h"
#include "message/prefix_map.h"

namespace smppd::routing {

class RuleSet {
 public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  enum class Direction : std::uint8_t { kMt, kMo };

  struct Rule {
    const config::Match* match = nullptr;  // only read while compiling
    std::string label;                     // opens the sentences about it: "route 'night-rates'"
  };

  // A last word on a rule whose match holds; false goes on to the next.
  struct Accept {
    bool (*call)(void* context, std::uint32_t rule) noexcept = nullptr;
    void* context = nullptr;
  };

  // `clients` are those that tiers and tags are looked up in. Everything wrong is reported at once, a line each.
  [[nodiscard]] static Fallible<RuleSet> compile(std::span<const Rule> rules, Direction direction,
                                                 const std::vector<config::Client>& clients,
                                                 const message::Names& names);

  RuleSet(RuleSet&&) noexcept;
  RuleSet& operator=(RuleSet&&) noexcept;
  ~RuleSet();

  // What foresee() found for some destinations, for first() to go on from, which knows them by where their texts are.
  // Must not outlive the texts, nor see them change.
  class Foreseen {
   public:
    static constexpr std::size_t kMost = 16;

   private:
    friend class RuleSet;
    struct One {
      const char* text = nullptr;
      std::size_t size = 0;
      message::PrefixMap::Sight shorter;  // than the one that led to `way`
      std::uint32_t way = 0;
      std::uint32_t rule = kNone;  // that holds first for a destination that `is_international`; kNone: unknown
      bool is_international = false;
    };
    [[nodiscard]] const One* find(std::string_view text) noexcept;

    const void* by_ = nullptr;
    std::size_t next_ = 0;  // they come in order, though not every one does
    std::size_t count_ = 0;
    std::array<One, kMost> ones_;
  };

  // The lowest index whose match holds and which is accepted, or kNone.
  [[nodiscard]] std::uint32_t first(const message::MessageFacts& facts, WallTime now) const noexcept;
  [[nodiscard]] std::uint32_t first(const message::MessageFacts& facts, WallTime now, Accept accept,
                                    Foreseen* foreseen = nullptr) const noexcept;
  // The same where every match is accepted and the look ahead could tell it from the destination alone; kNone: ask
  // first().
  [[nodiscard]] std::uint32_t first_foreseen(const message::NormalAddress& destination,
                                             Foreseen& foreseen) const noexcept;
  // The rule that holds for every message before any other is asked, or kNone.
  [[nodiscard]] std::uint32_t always() const noexcept;
  // The prefixes by which destinations are looked up.
  [[nodiscard]] const message::PrefixMap& prefixes() const noexcept;
  // What the caller keeps of each rule, one after the other.
  struct ByRule {
    const void* first = nullptr;
    std::size_t size = 0;  // of one
  };
  // Looks up at most Foreseen::kMost destinations at once, and fetches the caller's own of the rules they lead to. A
  // hint. Says how many lines of prefixes it read.
  std::size_t foresee(std::span<const message::NormalAddress> destinations, const ByRule& kept,
                      Foreseen& foreseen) const noexcept;

 private:
  struct Index;
  friend class RuleSetBuilder;
  RuleSet();

  std::unique_ptr<const Index> index_;
};

}  // namespace smppd::routing
