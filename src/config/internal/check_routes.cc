#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "config/internal/check.h"
#include "config/internal/options.h"
#include "config/internal/write.h"

namespace smppd::config {
namespace {

// Reports names that are not there, with the nearest that is.
class Names {
 public:
  Names(const char* what, std::vector<std::string> names) : what_(what), names_(std::move(names)) {
    known_.insert(names_.begin(), names_.end());
  }
  void check(const std::string& name, const std::string& path, Reader& reader) const {
    if (name.empty() || known_.contains(name)) return;
    const auto meant = nearest(name, names_);
    reader.error_at(path, fmt::format("there is no {} `{}`{}", what_, name,
                                      meant ? fmt::format("; did you mean `{}`?", *meant) : ""));
  }
  [[nodiscard]] bool contains(const std::string& name) const { return known_.contains(name); }

 private:
  const char* what_;
  std::vector<std::string> names_;
  std::set<std::string, std::less<>> known_;
};

template <class T, class Name>
std::vector<std::string> names_of(const std::vector<T>& things, Name name) {
  std::vector<std::string> names;
  names.reserve(things.size());
  for (const T& thing : things) names.push_back(std::invoke(name, thing));
  return names;
}

bool matches_everything(const std::vector<Pattern>& patterns) {
  return std::ranges::any_of(patterns, [](const Pattern& pattern) {
    return (pattern.kind == Pattern::Kind::kGlob && pattern.text.find_first_not_of('*') == std::string::npos) ||
           (pattern.kind == Pattern::Kind::kRegex &&
            (pattern.text == "^.*$" || pattern.text == "^" || pattern.text == ".*"));
  });
}

// Without the conditions that hold for every message.
Match essential(Match match) {
  for (auto* patterns : {&match.destination_addr, &match.source_addr, &match.service_type, &match.text}) {
    if (matches_everything(*patterns)) patterns->clear();
  }
  return match;
}

void check_target(const Route& route, const Names& upstreams, Reader& reader) {
  const std::string& path = route.mark.path;
  const bool split = reader.has_read(path + ".split");
  if (split && reader.has_read(path + ".upstream")) {
    reader.error_at(path + ".split", "the route has `upstream` too; keep one of them");
  }
  const bool has_target = !route.upstreams.empty() || !route.table.empty();
  if (has_target && route.response)
    reader.error_at(path + ".response", "the route has an upstream too; keep one of them");
  if (!has_target && !route.response && !reader.has_read(path + ".table") && !reader.has_read(path + ".upstream")) {
    reader.error_at(path, "goes nowhere; add `upstream`, `split`, `table` or `response`");
  }
  for (std::size_t i = 0; i < route.upstreams.size(); ++i) {
    upstreams.check(route.upstreams[i].upstream,
                    split ? join_path(path + ".split", i) + ".upstream" : path + ".upstream", reader);
  }
  if (split && !route.upstreams.empty() &&
      std::ranges::all_of(route.upstreams, [](const WeightedUpstream& one) { return one.weight <= 0; })) {
    reader.error_at(path + ".split", "every weight is 0");
  }
  if (route.balance == "adaptive" && route.upstreams.size() < 2) {
    reader.error_at(path + ".balance", "`adaptive` chooses among the upstreams of `split`; name two or more");
  }
  for (std::size_t i = 0; i < route.failover.size(); ++i) {
    upstreams.check(route.failover[i], join_path(path + ".failover", i), reader);
  }
  if (!route.failover.empty() && route.response) reader.error_at(path + ".failover", "means nothing beside `response`");
}

// Whether the number plan can be read; routing reads it and judges its lines.
void check_table(const Route& route, Reader& reader) {
  if (route.table.empty()) return;
  std::error_code failed;
  const auto status = std::filesystem::status(route.table, failed);
  const std::string path = route.mark.path + ".table";
  if (!std::filesystem::exists(status)) return reader.error_at(path, fmt::format("there is no file {}", route.table));
  if (!std::filesystem::is_regular_file(status) || !std::ifstream(route.table)) {
    reader.error_at(path, fmt::format("cannot read {}", route.table));
  }
}

// A table that lacks a number and has no upstream beside it lets the message go on.
bool ends_here(const Route& route) { return route.table.empty() || !route.upstreams.empty(); }

// A route behind one that takes all it could match never matches.
void check_shadows(const Config& config, Reader& reader) {
  std::vector<const Route*> order;
  order.reserve(config.routes.size());
  for (const Route& route : config.routes) order.push_back(&route);
  std::ranges::stable_sort(order, {}, &Route::priority);
  const Route* catch_all = nullptr;
  std::unordered_map<std::string, const Route*> seen;
  static const Options kMatch = match_options();
  for (const Route* route : order) {
    const Match match = essential(route->match);
    if (catch_all != nullptr) {
      reader.warn_at(route->mark.path, fmt::format("never matches: `{}` in line {} takes every message before it",
                                                   catch_all->name, catch_all->mark.line));
      continue;
    }
    const auto [same, is_first] = seen.try_emplace(to_json(write_options(kMatch, &match, Secrets::kHide)), route);
    if (!is_first && ends_here(*same->second)) {
      reader.warn_at(route->mark.path, fmt::format("never matches: `{}` in line {} matches the same before it",
                                                   same->second->name, same->second->mark.line));
    }
    if (ends_here(*route) && match == Match{}) catch_all = route;
  }
}

// An upstream whose links, dialled or called, are all receivers.
bool only_receives(const Upstream& upstream) {
  return !upstream.mock && (upstream.hosts.empty() || upstream.bind.type == "receiver") &&
         (!upstream.outbind || upstream.outbind->type == "receiver");
}

// An upstream that nothing leads to, or that what leads there cannot use. A table may name any, so that it silences the
// warning.
void check_unused(const Config& config, Reader& reader) {
  std::set<std::string_view> used;
  for (const Route& route : config.routes) {
    if (!route.table.empty()) return;
    for (const WeightedUpstream& one : route.upstreams) used.insert(one.upstream);
    used.insert(route.failover.begin(), route.failover.end());
  }
  for (const Client& client : config.clients) used.insert(client.upstream);
  for (const Upstream& upstream : config.upstreams) used.insert(upstream.failover.fallback);
  for (const Upstream& upstream : config.upstreams) {
    if (only_receives(upstream) == !used.contains(upstream.name)) continue;
    reader.warn_at(upstream.mark.path, only_receives(upstream)
                                           ? "messages are routed here, but it only binds as receiver"
                                           : "no route leads here");
  }
}

void check_match(const Match& match, const std::string& path, const Names& clients, const Names& upstreams,
                 Reader& reader) {
  for (std::size_t i = 0; i < match.client.size(); ++i) {
    const std::string at = join_path(path + ".client", i);
    clients.check(match.client[i], reader.has_read(at) ? at : path + ".client", reader);
  }
  for (const std::string& upstream : match.upstream) upstreams.check(upstream, path + ".upstream", reader);
}

}  // namespace

void check_routes(const Config& config, Reader& reader) {
  const Names upstreams{"upstream", names_of(config.upstreams, &Upstream::name)};
  const Names clients{"client", names_of(config.clients, &Client::system_id)};
  for (const Route& route : config.routes) {
    check_target(route, upstreams, reader);
    check_table(route, reader);
    check_match(route.match, route.mark.path + ".match", clients, upstreams, reader);
  }
  if (config.routes.empty()) reader.warn_at("routes", "there are none: only clients with an `upstream` can send");
  check_shadows(config, reader);
  check_unused(config, reader);
  for (const Upstream& upstream : config.upstreams) {
    upstreams.check(upstream.failover.fallback, upstream.mark.path + ".failover.fallback", reader);
  }
  for (const MoRoute& route : config.mo_routes) {
    check_match(route.match, route.mark.path + ".match", clients, upstreams, reader);
    for (std::size_t i = 0; i < route.clients.size(); ++i)
      clients.check(route.clients[i], route.mark.path + ".client", reader);
  }
  for (const Client& client : config.clients) upstreams.check(client.upstream, client.mark.path + ".upstream", reader);
  for (const Filter& filter : config.middleware) {
    for (const TransformRule& rule : filter.rules)
      check_match(rule.match, rule.mark.path + ".match", clients, upstreams, reader);
  }
}

}  // namespace smppd::config
