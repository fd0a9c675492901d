#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "config/internal/check.h"

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

Names upstream_names(const Config& config) {
  std::vector<std::string> names;
  for (const Upstream& upstream : config.upstreams) names.push_back(upstream.name);
  return {"upstream", std::move(names)};
}

Names client_names(const Config& config) {
  std::vector<std::string> names;
  for (const Client& client : config.clients) names.push_back(client.system_id);
  return {"client", std::move(names)};
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
  for (std::size_t i = 0; i < route.failover.size(); ++i) {
    upstreams.check(route.failover[i], join_path(path + ".failover", i), reader);
  }
  if (route.failover.size() > 0 && route.response)
    reader.error_at(path + ".failover", "means nothing beside `response`");
}

// A route behind one that takes all it could match never matches.
void check_shadows(const Config& config, Reader& reader) {
  std::vector<const Route*> order;
  for (const Route& route : config.routes) order.push_back(&route);
  std::ranges::stable_sort(order, {}, &Route::priority);
  const Route* catch_all = nullptr;
  std::map<std::string, const Route*> seen;
  for (const Route* route : order) {
    const Match match = essential(route->match);
    // A table that lacks a number and has no upstream beside it lets the message go on.
    const bool takes_all = route->table.empty() || !route->upstreams.empty();
    if (catch_all != nullptr) {
      reader.warn_at(route->mark.path, fmt::format("never matches: `{}` in line {} takes every message before it",
                                                   catch_all->name, catch_all->mark.line));
      continue;
    }
    const auto same = std::ranges::find_if(
        order, [&](const Route* other) { return other == route || essential(other->match) == match; });
    if (*same != route && ((*same)->table.empty() || !(*same)->upstreams.empty())) {
      reader.warn_at(route->mark.path, fmt::format("never matches: `{}` in line {} matches the same before it",
                                                   (*same)->name, (*same)->mark.line));
    }
    if (takes_all && match == Match{}) catch_all = route;
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
  const Names upstreams = upstream_names(config);
  const Names clients = client_names(config);
  std::set<std::string> used;
  for (const Route& route : config.routes) {
    check_target(route, upstreams, reader);
    check_match(route.match, route.mark.path + ".match", clients, upstreams, reader);
  }
  check_shadows(config, reader);
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
