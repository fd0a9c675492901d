#include "config/internal/check.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace smppd::config {
namespace {

constexpr std::size_t kMaxHosts = 63;  // a pick keeps its candidates in the bits of one word; outbind is one more

template <class T, class Name>
void check_unique(const std::vector<T>& things, Name name, const char* key, Reader& reader) {
  std::map<std::string_view, const T*> seen;
  for (const T& thing : things) {
    const std::string& value = std::invoke(name, thing);
    if (value.empty()) continue;
    const auto [first, is_new] = seen.try_emplace(value, &thing);
    if (!is_new) {
      reader.error_at(join_path(thing.mark.path, key),
                      fmt::format("`{}` is the name of the one in line {} already", value, first->second->mark.line));
    }
  }
}

void check_listeners(const Config& config, Reader& reader) {
  check_unique(config.listeners, &Listener::name, "name", reader);
  std::map<std::uint16_t, std::vector<const Listener*>> by_port;
  for (const Listener& listener : config.listeners) {
    if (listener.address.port == 0) continue;
    for (const Listener* other : by_port[listener.address.port]) {
      if (other->address.host.empty() || listener.address.host.empty() ||
          other->address.host == listener.address.host) {
        reader.error_at(join_path(listener.mark.path, "address"),
                        fmt::format("clashes with `{}` in line {}", other->name, other->mark.line));
      }
    }
    by_port[listener.address.port].push_back(&listener);
    if (listener.anonymous.value_or(false) && !config.clients.empty()) {
      reader.error_at(join_path(listener.mark.path, "anonymous"),
                      "with `clients` present nobody else binds; remove one of the two");
    } else if (listener.anonymous.value_or(false)) {
      reader.warn_at(listener.mark.path, "everybody may bind here without a password");
    } else if (config.clients.empty() && !listener.anonymous) {
      reader.warn_at(listener.mark.path,
                     "there are no `clients`: loopback and private addresses may bind here without a password");
    } else if (config.clients.empty()) {
      reader.warn_at(listener.mark.path, "there are no `clients` and `anonymous` is false: nobody can bind here");
    }
  }
  if (config.listeners.empty()) reader.error_at("listeners", "nothing to listen on; add a listener");
}

bool clash(const Endpoint& one, const Endpoint& other) {
  return one.port != 0 && one.port == other.port && (one.host.empty() || other.host.empty() || one.host == other.host);
}

void check_outbind_addresses(const Config& config, Reader& reader) {
  std::vector<const Upstream*> seen;
  for (const Upstream& upstream : config.upstreams) {
    if (!upstream.outbind) continue;
    const Endpoint& here = upstream.outbind->address;
    const std::string path = upstream.mark.path + ".outbind.address";
    for (const Listener& listener : config.listeners) {
      if (clash(here, listener.address)) {
        reader.error_at(path,
                        fmt::format("clashes with the listener `{}` in line {}", listener.name, listener.mark.line));
      }
    }
    for (const Upstream* other : seen) {
      if (clash(here, other->outbind->address)) {
        reader.error_at(path, fmt::format("clashes with that of the upstream `{}` in line {}; each needs its own port",
                                          other->name, other->mark.line));
      }
    }
    if (config.management.enabled && clash(here, config.management.address)) {
      reader.error_at(path, fmt::format("port {} is the management listener's; move one of the two", here.port));
    }
    seen.push_back(&upstream);
  }
}

void check_management(const Config& config, Reader& reader) {
  if (!config.management.enabled) return;
  for (const Listener& listener : config.listeners) {
    const Endpoint& here = config.management.address;
    const Endpoint& there = listener.address;
    if (here.port == there.port && (here.host.empty() || there.host.empty() || here.host == there.host)) {
      reader.error_at(join_path(listener.mark.path, "address"),
                      fmt::format("port {} is the management listener's; move one of the two", here.port));
    }
  }
  const bool basic = config.management.auth_type == "basic";
  if (basic && (config.management.username.empty() || config.management.password.empty())) {
    reader.error_at("management.auth", "basic needs `username` and `password`");
  }
  if (!basic && !config.management.password.empty()) reader.error_at("management.auth", "`type: basic` is missing");
}

void check_upstream(const Upstream& upstream, Reader& reader) {
  const std::string& path = upstream.mark.path;
  if (upstream.mock && (!upstream.hosts.empty() || upstream.outbind)) {
    reader.error_at(path,
                    fmt::format("has `{}` and `mock`; keep one of them", upstream.hosts.empty() ? "outbind" : "hosts"));
  } else if (!upstream.mock && upstream.hosts.empty() && !upstream.outbind) {
    reader.error_at(path, "needs `hosts`, `outbind` for an SMSC that calls us, or `mock` to answer without an SMSC");
  }
  if (upstream.hosts.size() > kMaxHosts) {
    reader.error_at(join_path(path, "hosts"),
                    fmt::format("at most {} hosts, found {}", kMaxHosts, upstream.hosts.size()));
  }
  if (upstream.outbind && upstream.outbind->allowed_ips.empty()) {
    reader.warn_at(path + ".outbind", "everybody may try to be this SMSC; name its addresses in `allowed_ips`");
  }
  if (upstream.pool.min_connections > upstream.pool.max_connections) {
    reader.error_at(join_path(path, "pool"), fmt::format("min_connections {} is more than max_connections {}",
                                                         upstream.pool.min_connections, upstream.pool.max_connections));
  }
  if (upstream.reconnect.initial > upstream.reconnect.max) {
    reader.error_at(join_path(path, "reconnect"), "initial is longer than max");
  }
  if (!upstream.hosts.empty() &&
      std::ranges::all_of(upstream.hosts, [](const Host& host) { return host.weight == 0; })) {
    reader.error_at(join_path(path, "hosts"), "every weight is 0; no host would get anything");
  }
  const bool has_names =
      !upstream.hosts.empty() && !upstream.outbind &&
      std::ranges::all_of(upstream.hosts, [](const Host& host) { return host.system_id.has_value(); });
  if (!upstream.mock && !has_names && upstream.bind.system_id.empty()) {
    reader.warn_at(path, "no `bind.system_id`: it will bind with an empty one");
  }
  std::set<std::pair<std::string, std::uint16_t>> seen;
  for (const Host& host : upstream.hosts) {
    if (host.address.port != 0 && !seen.emplace(host.address.host, host.address.port).second) {
      reader.error_at(join_path(host.mark.path, "address"),
                      "is there twice; use `pool` for more links and `weight` for more messages");
    }
  }
  const auto method = upstream.message.long_messages;
  if (upstream.bind.interface_version < 0x34 && (method == LongText::kSar || method == LongText::kPayload)) {
    reader.error_at(path + ".message.long_messages", "SMPP 3.3 has no TLVs; use `udh` or `as_is`");
  }
  if (upstream.mock) {
    const Mock& mock = *upstream.mock;
    if (mock.latency_min > mock.latency_max) reader.error_at(path + ".mock.latency", "min is longer than max");
    if (!mock.outcomes.empty() &&
        std::ranges::all_of(mock.outcomes, [](const MockOutcome& outcome) { return outcome.weight <= 0; })) {
      reader.error_at(path + ".mock.outcomes", "every weight is 0");
    }
  }
}

// Follows each upstream's fallback; a way back to where it began is reported once.
void check_fallbacks(const Config& config, Reader& reader) {
  std::map<std::string_view, const Upstream*> by_name;
  for (const Upstream& upstream : config.upstreams) by_name.emplace(upstream.name, &upstream);
  std::set<const Upstream*> reported;
  for (const Upstream& start : config.upstreams) {
    std::vector<const Upstream*> way;
    const Upstream* at = &start;
    while (at != nullptr && !at->failover.fallback.empty()) {
      if (std::ranges::find(way, at) != way.end()) break;
      way.push_back(at);
      const auto next = by_name.find(at->failover.fallback);
      at = next == by_name.end() ? nullptr : next->second;
    }
    if (at != &start || way.empty() || reported.contains(&start)) continue;
    std::string names;
    for (const Upstream* one : way) {
      names += one->name + " -> ";
      reported.insert(one);
    }
    reader.error_at(join_path(start.mark.path + ".failover", "fallback"),
                    fmt::format("the fallbacks go in a circle: {}{}", names, start.name));
  }
}

void check_client_outbind(const Config& config, const Client& client, Reader& reader) {
  if (!client.outbind) return;
  const std::string path = client.mark.path + ".outbind";
  const std::string& wanted = client.outbind->listener;
  const auto is_wanted = [&](const Listener& listener) { return listener.name == wanted; };
  if (!wanted.empty() && std::ranges::none_of(config.listeners, is_wanted)) {
    std::string names;
    for (const Listener& listener : config.listeners) names += (names.empty() ? "" : ", ") + listener.name;
    reader.error_at(path + ".listener", fmt::format("there is no listener `{}`; there are: {}", wanted, names));
  }
  const auto& types = client.bind_types;
  if (!types.empty() && std::ranges::all_of(types, [](const std::string& type) { return type == "transmitter"; })) {
    reader.error_at(path, "`bind_types` lets this client bind as transmitter only; it could never receive");
  }
  if (client.outbind->retry.initial > client.outbind->retry.max) {
    reader.error_at(path + ".retry", "initial is longer than max");
  }
}

void check_clients(const Config& config, Reader& reader) {
  check_unique(config.clients, &Client::system_id, "system_id", reader);
  for (const Client& client : config.clients) {
    const std::string& path = client.mark.path;
    const bool has_password = reader.has_read(join_path(path, "password"));
    const bool has_hash = reader.has_read(join_path(path, "password_hash"));
    if (has_password && has_hash) reader.error_at(path, "has `password` and `password_hash`; keep one of them");
    if (!has_password && !has_hash) reader.error_at(path, "needs `password` or `password_hash`");
    check_client_outbind(config, client, reader);
  }
}

void check_filters(const Config& config, Reader& reader) {
  for (const Filter& filter : config.middleware) {
    if (filter.type == "auth" && config.clients.empty()) {
      reader.error_at(filter.mark.path, "refuses everybody: there are no `clients`");
    }
    for (const TransformRule& rule : filter.rules) {
      if (rule.set.empty() && rule.transform.empty() && rule.remove.empty()) {
        reader.error_at(rule.mark.path, "changes nothing; add `set`, `transform` or `remove`");
      }
    }
  }
}

void check_tlvs(const Config& config, Reader& reader) {
  std::map<std::uint16_t, std::size_t> tags;
  std::map<std::string_view, std::size_t> names;
  for (std::size_t i = 0; i < config.tlvs.size(); ++i) {
    const VendorTlv& tlv = config.tlvs[i];
    const std::string path = join_path("tlvs", i);
    if (tlv.tag != 0 && !tags.try_emplace(tlv.tag, i).second) reader.error_at(path + ".tag", "is there twice");
    if (!tlv.name.empty() && !names.try_emplace(tlv.name, i).second) reader.error_at(path + ".name", "is there twice");
    if (tlv.min_length > tlv.max_length) reader.error_at(path, "min_length is more than max_length");
  }
}

}  // namespace

void name_the_nameless(Config& config) {
  for (Listener& listener : config.listeners) {
    if (listener.name.empty()) listener.name = fmt::format("{}-{}", listener.type, listener.address.port);
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    if (config.routes[i].name.empty()) config.routes[i].name = fmt::format("route-{}", i + 1);
  }
  for (std::size_t i = 0; i < config.mo_routes.size(); ++i) {
    if (config.mo_routes[i].name.empty()) config.mo_routes[i].name = fmt::format("mo-route-{}", i + 1);
  }
}

void check(const Config& config, Reader& reader) {
  check_listeners(config, reader);
  check_management(config, reader);
  check_unique(config.upstreams, &Upstream::name, "name", reader);
  for (const Upstream& upstream : config.upstreams) check_upstream(upstream, reader);
  check_outbind_addresses(config, reader);
  check_fallbacks(config, reader);
  check_clients(config, reader);
  check_filters(config, reader);
  check_tlvs(config, reader);
  check_routes(config, reader);
  check_storage(config, reader);
  check_tls(config, reader);
  const Logging& logging = config.logging;
  if (logging.output == "file" && logging.file_path.empty())
    reader.error_at("logging", "`output: file` needs `file.path`");
}

}  // namespace smppd::config
