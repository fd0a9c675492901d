#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "config/internal/check.h"

namespace smppd::config {
namespace {

constexpr const char* kNeedsStorage =
    "store_and_forward needs a store; add `storage: {backend: rocksdb, rocksdb: {path: /var/lib/smppd}}`";

void check_retry(const Config& config, const Upstream& upstream, Reader& reader) {
  const std::string path = upstream.mark.path + ".retry";
  const Retry& retry = upstream.retry;
  if (retry.delay > retry.max_delay) reader.error_at(path, "delay is longer than max_delay");
  if (!config.storage.enabled && !(retry == Retry{})) {
    reader.warn_at(path, "means nothing without `storage`: a refusal goes to the client at once");
  }
}

void check_modes(const Config& config, Reader& reader) {
  const auto check = [&](const auto& thing) {
    if (thing.mode == MessageMode::kStoreAndForward && !config.storage.enabled) {
      reader.error_at(thing.mark.path + ".mode", kNeedsStorage);
    }
  };
  for (const Client& client : config.clients) check(client);
  for (const Route& route : config.routes) {
    if (route.mode && route.response) {
      reader.error_at(route.mark.path + ".mode", "means nothing beside `response`");
    } else {
      check(route);
    }
  }
}

// The second columns of a number plan; what else is wrong with it is routing's to say.
void add_table(const std::string& path, std::set<std::string, std::less<>>& names) {
  if (path.empty()) return;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t begin = line.find(',');
    if (begin == std::string::npos) continue;
    std::string name = line.substr(begin + 1, line.find(',', begin + 1) - begin - 1);
    name.erase(0, name.find_first_not_of(" \t\""));
    name.erase(name.find_last_not_of(" \t\r\"") + 1);
    names.insert(std::move(name));
  }
}

// With what they fall back to.
std::set<std::string, std::less<>> reached_from(const Config& config, std::set<std::string, std::less<>> names) {
  for (std::size_t before = 0; before != names.size();) {
    before = names.size();
    for (const Upstream& upstream : config.upstreams) {
      if (names.contains(upstream.name)) names.insert(upstream.failover.fallback);
    }
  }
  return names;
}

// Upstreams whose own ids the client must get, so that its answer has to wait for theirs.
class LentIds {
 public:
  LentIds(const Config& config, Reader& reader) : config_(config), reader_(reader) {
    for (const Upstream& upstream : config.upstreams) {
      if (upstream.message_id == "upstream") lenders_.push_back(&upstream);
    }
  }

  void check() const {
    if (lenders_.empty()) return;
    for (const Client& client : config_.clients) {
      if (client.mode != MessageMode::kTransaction && !client.upstream.empty()) {
        refuse(client.mark, reached_from(config_, {client.upstream}));
      }
    }
    for (const Route& route : config_.routes) check_route(route);
  }

 private:
  void check_route(const Route& route) const {
    std::set<std::string, std::less<>> names(route.failover.begin(), route.failover.end());
    for (const WeightedUpstream& one : route.upstreams) names.insert(one.upstream);
    add_table(route.table, names);
    names = reached_from(config_, std::move(names));
    bool stored = config_.clients.empty();
    for (const Client& client : config_.clients) {
      const auto& allowed = route.match.client;
      const bool matches = allowed.empty() || std::ranges::find(allowed, client.system_id) != allowed.end();
      if (!matches || !client.upstream.empty() || client.mode == MessageMode::kTransaction) continue;
      stored = true;
      if (route.mode == MessageMode::kTransaction && client.mode) refuse(client.mark, names);
    }
    if (stored && route.mode != MessageMode::kTransaction) refuse(route.mark, names);
  }

  void refuse(const Mark& mark, const std::set<std::string, std::less<>>& reached) const {
    for (const Upstream* upstream : lenders_) {
      if (!reached.contains(upstream->name)) continue;
      reader_.error_at(
          mark.path + ".mode",
          fmt::format("leads to the upstream `{}` in line {}, whose `message_id: upstream` is not known yet "
                      "when a stored message is answered; set `mode: transaction` here",
                      upstream->name, upstream->mark.line));
    }
  }

  const Config& config_;
  Reader& reader_;
  std::vector<const Upstream*> lenders_;
};

}  // namespace

void check_storage(const Config& config, Reader& reader) {
  for (const Upstream& upstream : config.upstreams) check_retry(config, upstream, reader);
  check_modes(config, reader);
  if (config.storage.enabled) LentIds(config, reader).check();
}

}  // namespace smppd::config
