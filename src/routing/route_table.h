// Which upstream a message goes to (routes), and which client a message from an upstream goes to (mo_routes).
//
// Compiled by the control thread from one configuration, immutable, shared by all shards as shared_ptr<const>. decide()
// allocates nothing and never fails; lookups cost what RuleSet says. A client's forced upstream is the caller's affair.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "message/facts.h"
#include "message/id_template.h"
#include "message/names.h"
#include "routing/prefix_table.h"
#include "routing/rule_set.h"

namespace smppd::routing {

// Gives every upstream, client, listener and route of the configuration its number. Control thread, before compile().
void intern_names(const config::Config& config, message::Names& names);

// How a route is called in names, sentences and metrics: its name, else "routes[3]".
[[nodiscard]] std::string route_label(const config::Route& route, std::size_t index);
[[nodiscard]] std::string route_label(const config::MoRoute& route, std::size_t index);

struct Decision {
  static constexpr std::size_t kMaxUpstreams = 8;
  enum class Kind : std::uint8_t { kNoRoute, kUpstreams, kResponse };

  Kind kind = Kind::kNoRoute;
  std::uint8_t upstream_count = 0;
  std::uint8_t equals = 0;  // that many upstreams at the front are the caller's to put in order; 0: none are
  std::array<message::UpstreamId, kMaxUpstreams> upstreams;  // in the order to try them
  message::RouteId route;
  const config::CannedResponse* response = nullptr;  // kResponse; lives as long as the table
  const message::IdTemplate* response_id = nullptr;  // kResponse; null: the id we gave the message
  const std::uint32_t* weights = nullptr;            // of the equals, by their place; lives as long as the table

  [[nodiscard]] std::span<const message::UpstreamId> to_try() const noexcept {
    return {upstreams.data(), upstream_count};
  }
};

class RouteTable {
 public:
  // Everything wrong is reported at once, a line each. Tables named by a relative path lie beside the configuration
  // file.
  [[nodiscard]] static Fallible<std::shared_ptr<const RouteTable>> compile(const config::Config& config,
                                                                           const message::Names& names);

  // `random` is uniform over its range; it only decides weighted splits. First the split's pick or the table's choices,
  // or all of a `balance: adaptive` split, then the route's failover chain, each upstream once. A table without the
  // destination's prefix is no match, unless the route names upstreams beside it.
  using Foreseen = RuleSet::Foreseen;
  [[nodiscard]] Decision decide(const message::MessageFacts& facts, WallTime now, std::uint32_t random) const noexcept {
    Decision decision;
    decide(facts, now, random, nullptr, decision);
    return decision;
  }
  // The same into a decision that is as it was made.
  void decide(const message::MessageFacts& facts, WallTime now, std::uint32_t random, Foreseen* foreseen,
              Decision& into) const noexcept {
    if (!catch_all_upstream_.valid()) {
      look_up(facts, now, random, foreseen, into);
      return;
    }
    into.kind = Decision::Kind::kUpstreams;
    into.upstream_count = 1;
    into.upstreams[0] = catch_all_upstream_;
    into.route = catch_all_route_;
  }

  // Whether a message's route lies anywhere in more memory than the caches hold, so that foresee() pays.
  [[nodiscard]] bool is_large() const noexcept { return !large_.empty(); }
  // Looks these destinations up together, so that they wait for memory at once, for decide() to find what it needs in
  // `foreseen`; of more than Foreseen::kMost the first. A hint: nothing but time depends on it. Says how many lines of
  // memory it has asked for.
  std::size_t foresee(std::span<const message::NormalAddress> destinations, Foreseen& foreseen) const noexcept;

  // For explain(): positions in config.routes in the order they are tried, and what route `position` would answer.
  [[nodiscard]] std::span<const std::uint32_t> order() const noexcept { return order_; }
  [[nodiscard]] Decision answer_of(std::uint32_t position, const message::MessageFacts& facts,
                                   std::uint32_t random) const noexcept;
  [[nodiscard]] const PrefixTable* table_of(std::uint32_t position) const noexcept;

 private:
  struct Weighted {
    message::UpstreamId upstream;
    std::uint32_t up_to = 0;  // of the random number, inclusive
  };
  struct Details {
    std::vector<Weighted> split;
    std::vector<std::uint32_t> weights;  // of a `balance: adaptive` split, else empty
    std::vector<message::UpstreamId> failover;
    std::unique_ptr<const PrefixTable> table;
    std::unique_ptr<const config::CannedResponse> response;
    std::unique_ptr<const message::IdTemplate> response_id;
  };
  // Small, because a number plan written as routes has as many of them as prefixes: one upstream needs no details.
  class Target {
   public:
    Target() noexcept = default;
    Target(message::RouteId id, message::UpstreamId upstream) noexcept : id_(id), answer_(upstream.value()) {}
    Target(message::RouteId id, std::size_t details) noexcept
        : id_(id), answer_(kDetails | static_cast<std::uint32_t>(details)) {}

    [[nodiscard]] message::RouteId id() const noexcept { return id_; }
    [[nodiscard]] bool has_details() const noexcept { return (answer_ & kDetails) != 0; }
    [[nodiscard]] std::uint32_t details() const noexcept { return answer_ & ~kDetails; }
    [[nodiscard]] message::UpstreamId upstream() const noexcept {
      return message::UpstreamId(static_cast<message::UpstreamId::rep>(answer_));
    }

   private:
    static constexpr std::uint32_t kDetails = 1U << 31;
    message::RouteId id_;
    std::uint32_t answer_ = 0;  // the only upstream, or with kDetails a place in details_
  };
  struct Search;
  class Compiler;

  explicit RouteTable(RuleSet rules) noexcept : rules_(std::move(rules)) {}
  void note_large();
  void look_up(const message::MessageFacts& facts, WallTime now, std::uint32_t random, Foreseen* foreseen,
               Decision& into) const noexcept;
  void answer(const Target& target, std::span<const message::UpstreamId> from_table, std::uint32_t random,
              Decision& decision) const noexcept;

  RuleSet rules_;
  std::vector<std::uint32_t> order_;  // rule -> position in the configuration
  std::vector<Target> targets_;       // by rule
  std::vector<Details> details_;
  std::vector<const message::PrefixMap*> large_;  // of the rules and of number plans, those that caches do not hold
  bool has_tables_ = false;
  std::uint32_t catch_all_ = RuleSet::kNone;  // the first rule, when it takes every message and asks no table
  message::UpstreamId catch_all_upstream_;    // the only one it names; invalid: there is more to it
  message::RouteId catch_all_route_;
};

class MoTable {
 public:
  [[nodiscard]] static Fallible<std::shared_ptr<const MoTable>> compile(const config::Config& config,
                                                                        const message::Names& names);

  struct Takers {
    message::RouteId route;                      // invalid: no mo_route matches
    std::span<const message::ClientId> clients;  // in the order to offer it; lives as long as the table
  };
  [[nodiscard]] Takers decide(const message::MessageFacts& facts, WallTime now) const noexcept;

 private:
  struct Target {
    message::RouteId id;
    std::vector<message::ClientId> clients;
  };
  explicit MoTable(RuleSet rules) noexcept : rules_(std::move(rules)) {}

  RuleSet rules_;
  std::vector<Target> targets_;
};

}  // namespace smppd::routing
