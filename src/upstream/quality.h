// What became of messages, by whom they were sent to and where they were going, and whom that speaks for: the memory
// behind `adaptive` balancing and /feedback/stats. docs/feedback.md has the formula.
//
// Sans-I/O, shard-local. A shard notes what it sees; fold(), about twice a second, lets the past decay, adds what was
// noted and draws the scores anew. What fold() returns is told to the other shards, who absorb() it, so that all shards
// know the same. Bounded: `max_entries` pairs of a party and a prefix, of which the least used make room; note() and
// choose() allocate nothing. Off, it has no memory and nothing calls it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "message/facts.h"
#include "message/ids.h"
#include "smpp/values.h"

namespace smppd::upstream {

enum class Ending : std::uint8_t {
  kAccepted,
  kRefused,    // whenever it is asked
  kBusy,       // later perhaps: throttled, queue full, system error
  kUncertain,  // no answer in time, or the link was lost
  kDelivered,  // by receipt, as are the others below
  kUndelivered,
  kExpired,
};
inline constexpr std::size_t kEndings = 7;
[[nodiscard]] const char* name_of(Ending ending) noexcept;
[[nodiscard]] Ending ending_of(smpp::CommandStatus status) noexcept;
// Nothing for a state that is not final, or says nothing.
[[nodiscard]] std::optional<Ending> ending_of(smpp::MessageState state) noexcept;

// A host of an upstream, or the whole of it.
struct Party {
  static constexpr std::uint8_t kWhole = 0xFF;
  message::UpstreamId upstream;
  std::uint8_t host = kWhole;
  bool operator==(const Party&) const noexcept = default;
};

// Leading digits of a number as a number with a 1 before them: 25884 is 125884. A country is the first three.
using PrefixCode = std::uint32_t;
inline constexpr PrefixCode kUnnoted = 0;   // of a message that is not followed
inline constexpr PrefixCode kNoDigits = 1;  // of a destination that is no number, and of all destinations together
[[nodiscard]] std::string text_of(PrefixCode prefix);  // "25884", "*" for kNoDigits

class Quality {
 public:
  static constexpr Duration kFold = std::chrono::milliseconds(500);
  static constexpr std::size_t kMaxChoices = 64;

  struct Options {
    Duration half_life = std::chrono::minutes(1);
    double explore = 0.02;       // share of the messages that goes by weight alone
    double tolerance = 0.1;      // who is within this share of the best is as good as it
    double prior = 10;           // messages' worth of belief in who is not known yet
    double memory = 500;         // the last so many messages count, however many there were within the half-life
    unsigned prefix_digits = 5;  // 3 to 9
    std::uint32_t max_entries = 4096;
    bool operator==(const Options&) const noexcept = default;
  };
  struct Upstream {
    message::UpstreamId id;
    std::size_t hosts = 0;   // one is no more than the whole
    bool unchanged = false;  // host numbers mean the same as before
  };
  // Null: off. Other options than before forget everything.
  void configure(const Options* options, std::span<const Upstream> upstreams);
  [[nodiscard]] bool on() const noexcept { return on_; }

  [[nodiscard]] PrefixCode prefix_of(const message::NormalAddress& destination) const noexcept;

  // `took`: to the answer, or to the receipt.
  void note(Party party, PrefixCode prefix, Ending ending, Duration took) noexcept;

  // What a shard saw of a party and a prefix since it last said so. Sent between shards as it is.
  struct Delta {
    Party party;
    PrefixCode prefix = kNoDigits;
    std::array<std::uint32_t, kEndings> counts{};
    float latency = 0;  // seconds, of all answers together
    float delay = 0;    // seconds, of all deliveries together
  };
  // Valid until the next call.
  std::span<const Delta> fold(Instant now) noexcept;
  void absorb(const Delta& delta) noexcept;

  struct Choice {
    Party party;
    std::uint32_t weight = 1;
  };
  // One of the choices, at most kMaxChoices, never none. The same draw of 32 bits gives the same choice.
  [[nodiscard]] std::size_t choose(std::span<const Choice> choices, PrefixCode prefix,
                                   std::uint32_t random) const noexcept;
  // Above 0, at most 1.
  [[nodiscard]] double score(Party party, PrefixCode prefix) const noexcept;

  // What is known, for people.
  struct Row {
    Party party;
    PrefixCode prefix = kNoDigits;
    std::array<float, kEndings> counts{};  // decayed
    double per_second = 0;                 // messages that ended
    double latency = 0;                    // seconds; 0 when unknown
    double delay = 0;
    double score = 1;
  };
  // Every party as a whole, and by the prefixes most in use.
  [[nodiscard]] std::vector<Row> rows(std::size_t prefixes) const;
  // Since the start, on this shard.
  [[nodiscard]] std::array<std::uint64_t, kEndings> totals(Party party) const noexcept;
  [[nodiscard]] std::size_t entries() const noexcept;
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }

 private:
  static constexpr std::size_t kWays = 8;
  struct Tally {
    std::array<float, kEndings> counts{};
    float latency = 0;
    float delay = 0;
    float sent = 0;  // decayed, and not cut off by Options::memory
    std::array<std::uint32_t, kEndings> fresh{};
    float fresh_latency = 0;
    float fresh_delay = 0;
    float score = 1;

    [[nodiscard]] float weight() const noexcept;
    void decay(float share, float memory) noexcept;
  };
  struct Root {
    Tally tally;
    std::array<std::uint64_t, kEndings> totals{};
  };
  struct Estimate;

  [[nodiscard]] Party known(Party party) const noexcept;
  [[nodiscard]] const Root* root(Party party) const noexcept;
  [[nodiscard]] Root* root(Party party) noexcept;
  [[nodiscard]] std::size_t set_of(std::uint64_t key) const noexcept;
  [[nodiscard]] const Tally* find(Party party, PrefixCode prefix) const noexcept;
  Tally& find_or_make(Party party, PrefixCode prefix) noexcept;
  void add(Party party, const Delta& delta) noexcept;
  void take_fresh(Party party, PrefixCode prefix, Tally& tally) noexcept;
  void decay(float share) noexcept;
  [[nodiscard]] Estimate estimate(Party party, PrefixCode prefix) const noexcept;
  void publish(Tally& tally, const Estimate& estimate) const noexcept;
  template <typename Visit>
  void for_each(Visit&& visit);

  bool on_ = false;
  Options options_;
  std::vector<std::vector<Root>> roots_;  // by upstream; [0] is the whole, [n + 1] host n if there are several
  std::vector<std::uint64_t> keys_;       // sets of kWays; 0: free
  std::vector<Tally> tallies_;
  std::vector<Delta> deltas_;
  Instant folded_{};
  std::uint64_t evicted_ = 0;
};

}  // namespace smppd::upstream
