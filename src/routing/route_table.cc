#include "routing/route_table.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace smppd::routing {

using message::RouteId;
using message::UpstreamId;

namespace {

std::string mo_name(const config::MoRoute& route, std::size_t index) {
  return route.name.empty() ? route_label(route, index) : "mo_routes/" + route.name;
}

void add_line(std::string& lines, const std::string& line) {
  if (!lines.empty()) lines += '\n';
  lines += line;
}

}  // namespace

std::string route_label(const config::Route& route, std::size_t index) {
  return route.name.empty() ? "routes[" + std::to_string(index) + "]" : route.name;
}
std::string route_label(const config::MoRoute& route, std::size_t index) {
  return route.name.empty() ? "mo_routes[" + std::to_string(index) + "]" : route.name;
}

void intern_names(const config::Config& config, message::Names& names) {
  for (const config::Upstream& upstream : config.upstreams) (void)names.upstreams.intern(upstream.name);
  for (const config::Client& client : config.clients) (void)names.clients.intern(client.system_id);
  for (const config::Listener& listener : config.listeners) (void)names.listeners.intern(listener.name);
  for (std::size_t i = 0; i < config.routes.size(); ++i) (void)names.routes.intern(route_label(config.routes[i], i));
  for (std::size_t i = 0; i < config.mo_routes.size(); ++i) (void)names.routes.intern(mo_name(config.mo_routes[i], i));
}

class RouteTable::Compiler {
 public:
  Compiler(const config::Config& config, const message::Names& names) : config_(config), names_(names) {}

  Fallible<std::shared_ptr<const RouteTable>> run() {
    std::vector<std::uint32_t> order(config_.routes.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return config_.routes[a].priority < config_.routes[b].priority;
    });
    std::vector<RuleSet::Rule> rules;
    std::vector<Target> targets;
    rules.reserve(order.size());
    targets.reserve(order.size());
    for (const std::uint32_t position : order) {
      const config::Route& route = config_.routes[position];
      label_ = "route '" + route_label(route, position) + "'";
      rules.push_back({&route.match, label_});
      targets.push_back(target(route, position));
    }
    auto set = RuleSet::compile(rules, RuleSet::Direction::kMt, config_.clients, names_);
    if (!set) add_line(errors_, set.error());
    if (!errors_.empty()) return failure(std::move(errors_));
    std::shared_ptr<RouteTable> table(new RouteTable(std::move(*set)));
    table->order_ = std::move(order);
    table->has_tables_ =
        std::any_of(details_.begin(), details_.end(), [](const Details& one) { return one.table != nullptr; });
    if (!table->has_tables_) table->catch_all_ = table->rules_.always();
    table->details_ = std::move(details_);
    if (table->catch_all_ == RuleSet::kNone) table->note_large();
    table->targets_ = std::move(targets);
    if (table->catch_all_ != RuleSet::kNone) {
      const Target& target = table->targets_[table->catch_all_];
      table->catch_all_route_ = target.id();
      if (!target.has_details()) table->catch_all_upstream_ = target.upstream();
    }
    return table;
  }

 private:
  void problem(const std::string& sentence) { add_line(errors_, label_ + ": " + sentence); }

  UpstreamId upstream(const std::string& name) {
    const UpstreamId id = names_.upstreams.find(name);
    if (!id.valid()) problem("the upstream '" + name + "' does not exist");
    return id;
  }

  Target target(const config::Route& route, std::size_t position) {
    const RouteId id = names_.routes.find(route_label(route, position));
    if (!id.valid()) problem("the route has no number");
    Details details;
    details.split = split(route.upstreams);
    if (route.balance == "adaptive") details.weights = weights(details.split);
    for (const std::string& name : route.failover) details.failover.push_back(upstream(name));
    if (details.failover.size() >= Decision::kMaxUpstreams) {
      problem("failover names at most " + std::to_string(Decision::kMaxUpstreams - 1) + " upstreams");
    }
    if (!route.table.empty()) details.table = table(route.table);
    if (route.response) {
      details.response = std::make_unique<const config::CannedResponse>(*route.response);
      auto response_id = message::IdTemplate::compile(route.response->message_id);
      if (!response_id) problem("response.message_id " + response_id.error());
      if (response_id && route.response->message_id != "${id}") {
        details.response_id = std::make_unique<const message::IdTemplate>(std::move(*response_id));
      }
    }
    const bool sends = !route.upstreams.empty() || !route.table.empty();
    if (sends && route.response) problem("a route has either an upstream, split or table, or a response");
    if (!sends && !route.response) problem("a route needs an upstream, split, table or response");
    if (details.split.size() == 1 && details.failover.empty() && !details.table && !details.response) {
      return {id, details.split.front().upstream};
    }
    details_.push_back(std::move(details));
    return {id, details_.size() - 1};
  }

  std::vector<Weighted> split(const std::vector<config::WeightedUpstream>& upstreams) {
    std::vector<Weighted> split;
    double total = 0;
    for (const config::WeightedUpstream& one : upstreams) {
      if (!(one.weight >= 0) || one.weight > 1e12) problem("the weight of '" + one.upstream + "' must be 0 to 1e12");
      total += one.weight;
    }
    if (!upstreams.empty() && !(total > 0)) problem("one of the weights must be more than 0");
    constexpr double kRange = 4294967296.0;
    double sum = 0;
    for (const config::WeightedUpstream& one : upstreams) {
      const UpstreamId id = upstream(one.upstream);
      sum += one.weight;
      if (!(one.weight > 0)) continue;
      const double up_to = std::clamp(sum / total * kRange - 1, 0.0, kRange - 1);
      split.push_back({id, static_cast<std::uint32_t>(up_to)});
    }
    if (!split.empty()) split.back().up_to = 0xFFFF'FFFF;
    return split;
  }

  std::vector<std::uint32_t> weights(const std::vector<Weighted>& split) {
    std::vector<std::uint32_t> weights;
    std::uint32_t before = 0;
    for (const Weighted& one : split) {
      weights.push_back(one.up_to - before);
      before = one.up_to;
      const auto same = [&](const Weighted& other) { return other.upstream == one.upstream; };
      if (std::count_if(split.begin(), split.end(), same) > 1) {
        problem("balance: adaptive wants each upstream once in split");
        break;
      }
    }
    if (weights.size() > Decision::kMaxUpstreams) {
      problem("balance: adaptive takes at most " + std::to_string(Decision::kMaxUpstreams) + " upstreams in split");
    }
    return weights;
  }

  std::unique_ptr<const PrefixTable> table(const std::string& path) {
    auto loaded = PrefixTable::load(path, names_);
    if (loaded) return std::make_unique<const PrefixTable>(std::move(*loaded));
    problem("table:\n" + loaded.error());
    return nullptr;
  }

  const config::Config& config_;
  const message::Names& names_;
  std::string label_;
  std::string errors_;
  std::vector<Details> details_;
};

Fallible<std::shared_ptr<const RouteTable>> RouteTable::compile(const config::Config& config,
                                                                const message::Names& names) {
  return Compiler(config, names).run();
}

void RouteTable::answer(const Target& target, std::span<const UpstreamId> from_table, std::uint32_t random,
                        Decision& decision) const noexcept {
  decision.route = target.id();
  decision.kind = Decision::Kind::kUpstreams;
  if (!target.has_details()) {
    decision.upstreams[decision.upstream_count++] = target.upstream();
    return;
  }
  const Details& details = details_[target.details()];
  if (details.response != nullptr) {
    decision.kind = Decision::Kind::kResponse;
    decision.response = details.response.get();
    decision.response_id = details.response_id.get();
    return;
  }
  const auto add = [&decision](UpstreamId id) {
    const auto known = decision.to_try();
    if (known.size() == Decision::kMaxUpstreams || std::find(known.begin(), known.end(), id) != known.end()) return;
    decision.upstreams[decision.upstream_count++] = id;
  };
  for (const UpstreamId id : from_table) add(id);
  if (from_table.empty() && !details.weights.empty()) {
    for (const Weighted& one : details.split) add(one.upstream);
    decision.equals = decision.upstream_count;
    decision.weights = details.weights.data();
  } else if (from_table.empty()) {
    const Weighted* pick = details.split.data();
    while (random > pick->up_to) ++pick;  // the last one covers the whole range
    add(pick->upstream);
  }
  for (const UpstreamId id : details.failover) add(id);
}

struct RouteTable::Search {
  const RouteTable& table;
  message::NormalAddress destination;
  std::span<const UpstreamId> found;  // by the table of the rule accepted last

  static bool accept(void* context, std::uint32_t rule) noexcept {
    Search& search = *static_cast<Search*>(context);
    const Target& target = search.table.targets_[rule];
    const Details* details = target.has_details() ? &search.table.details_[target.details()] : nullptr;
    std::span<const UpstreamId> found;
    if (details != nullptr && details->table != nullptr) {
      found = details->table->find(search.destination);
      if (found.empty() && details->split.empty()) return false;
    }
    search.found = found;
    return true;
  }
};

void RouteTable::look_up(const message::MessageFacts& facts, WallTime now, std::uint32_t random, Foreseen* foreseen,
                         Decision& into) const noexcept {
  std::uint32_t rule = catch_all_;
  Search search{*this, message::normalised_destination(facts), {}};
  if (rule == RuleSet::kNone && foreseen != nullptr && !has_tables_) {
    rule = rules_.first_foreseen(search.destination, *foreseen);
  }
  if (rule == RuleSet::kNone) {
    rule = rules_.first(facts, now, {has_tables_ ? &Search::accept : nullptr, &search}, foreseen);
  }
  if (rule != RuleSet::kNone) answer(targets_[rule], search.found, random, into);
}

void RouteTable::note_large() {
  constexpr std::size_t kMost =
      4;  // which of many a message will ask is not known, and asking for all has a price, too
  const auto note = [this](const message::PrefixMap& map) {
    if (map.is_large() && large_.size() < kMost) large_.push_back(&map);
  };
  note(rules_.prefixes());
  for (const Details& one : details_) {
    if (one.table != nullptr) note(one.table->prefixes());
  }
}

std::size_t RouteTable::foresee(std::span<const message::NormalAddress> destinations,
                                Foreseen& foreseen) const noexcept {
  destinations = destinations.first(std::min(destinations.size(), Foreseen::kMost));
  std::size_t lines = 0;
  for (const message::PrefixMap* map : large_) {
    if (map == &rules_.prefixes()) {
      lines += rules_.foresee(destinations, {targets_.data(), sizeof(Target)}, foreseen);
      continue;
    }
    std::array<message::PrefixMap::Sight, Foreseen::kMost> sights;
    for (std::size_t i = 0; i < destinations.size(); ++i) sights[i] = map->foresee(destinations[i].text);
    for (std::size_t asked = 1; asked > 0; lines += asked) {
      asked = 0;
      for (std::size_t i = 0; i < destinations.size(); ++i) asked += map->ask_for_more(sights[i]);
    }
  }
  return lines;
}

Decision RouteTable::answer_of(std::uint32_t position, const message::MessageFacts& facts,
                               std::uint32_t random) const noexcept {
  const auto at = std::find(order_.begin(), order_.end(), position);
  if (at == order_.end()) return {};
  const auto rule = static_cast<std::uint32_t>(at - order_.begin());
  Search search{*this, message::normalised_destination(facts), {}};
  Decision decision;
  if (Search::accept(&search, rule)) answer(targets_[rule], search.found, random, decision);
  return decision;
}

const PrefixTable* RouteTable::table_of(std::uint32_t position) const noexcept {
  const auto at = std::find(order_.begin(), order_.end(), position);
  if (at == order_.end()) return nullptr;
  const Target& target = targets_[static_cast<std::size_t>(at - order_.begin())];
  return target.has_details() ? details_[target.details()].table.get() : nullptr;
}

Fallible<std::shared_ptr<const MoTable>> MoTable::compile(const config::Config& config, const message::Names& names) {
  std::vector<RuleSet::Rule> rules;
  std::vector<Target> targets;
  std::string errors;
  for (std::size_t i = 0; i < config.mo_routes.size(); ++i) {
    const config::MoRoute& route = config.mo_routes[i];
    const std::string label = "mo_route '" + route_label(route, i) + "'";
    rules.push_back({&route.match, label});
    Target& target = targets.emplace_back();
    target.id = names.routes.find(mo_name(route, i));
    if (!target.id.valid()) add_line(errors, label + ": the route has no number");
    if (route.clients.empty()) add_line(errors, label + ": a mo_route needs a client");
    for (const std::string& client : route.clients) {
      target.clients.push_back(names.clients.find(client));
      if (!target.clients.back().valid()) {
        add_line(errors, std::string(label).append(": the client '").append(client).append("' does not exist"));
      }
    }
  }
  auto set = RuleSet::compile(rules, RuleSet::Direction::kMo, config.clients, names);
  if (!set) add_line(errors, set.error());
  if (!errors.empty()) return failure(std::move(errors));
  std::shared_ptr<MoTable> table(new MoTable(std::move(*set)));
  table->targets_ = std::move(targets);
  return table;
}

MoTable::Takers MoTable::decide(const message::MessageFacts& facts, WallTime now) const noexcept {
  const std::uint32_t rule = rules_.first(facts, now);
  if (rule == RuleSet::kNone) return {};
  return {targets_[rule].id, targets_[rule].clients};
}

}  // namespace smppd::routing
