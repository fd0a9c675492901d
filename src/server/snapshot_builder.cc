#include "server/snapshot_builder.h"

#include <algorithm>

#include "flow/segmenter.h"
#include "server/plugin_list.h"
#include "server/tls_contexts.h"
#include "smpp/text/charset.h"
#include "smpp/text/receipt_pattern.h"

namespace smppd::server {

namespace {

Fallible<std::shared_ptr<const smpp::ReceiptPattern>> compile_pattern(const config::Upstream& upstream) {
  if (upstream.receipts.pattern.empty()) return nullptr;
  smpp::ReceiptPattern::States states;
  for (const auto& [word, standard] : upstream.receipts.states) {
    const auto state = smpp::receipt_state_of(standard);
    if (!state) return failure("upstream " + upstream.name + ": \"" + standard + "\" is no receipt state");
    states.emplace_back(word, *state);
  }
  auto pattern = smpp::ReceiptPattern::compile(upstream.receipts.pattern, std::move(states));
  if (!pattern) return failure("upstream " + upstream.name + ": receipts.pattern: " + pattern.error());
  return std::make_shared<const smpp::ReceiptPattern>(std::move(*pattern));
}

bool has_defaults(const config::MessageDefaults& defaults) noexcept {
  return defaults.registered_delivery || !defaults.service_type.empty() || defaults.source_addr_ton ||
         defaults.source_addr_npi;
}

Fallible<flow::UpstreamFacts> facts_of(const config::Upstream& upstream, const config::Multipart& multipart,
                                       const message::Names& names) {
  flow::UpstreamFacts facts;
  facts.options = &upstream;
  facts.side.version = smpp::from_interface_version(upstream.bind.interface_version);
  facts.side.alphabet = smpp::parse_alphabet(upstream.message.default_alphabet).value_or(smpp::Alphabet::gsm7);
  facts.side.max_short_message = static_cast<std::uint16_t>(upstream.message.max_length);
  facts.long_rules = flow::long_rules(upstream, multipart);
  if (upstream.failover.enabled && !upstream.failover.fallback.empty()) {
    facts.fallback = names.upstreams.find(upstream.failover.fallback);
  }
  facts.has_defaults = has_defaults(upstream.message);
  facts.passes_ids_through = upstream.message_id == "upstream";
  auto pattern = compile_pattern(upstream);
  if (!pattern) return std::unexpected(pattern.error());
  facts.receipt_pattern = std::move(*pattern);
  auto codes = flow::ReceiptCodes::compile(upstream.receipts.map);
  if (!codes) return failure("upstream " + upstream.name + ": receipts.map: " + codes.error());
  facts.receipt_codes = std::move(*codes);
  return facts;
}

// The middleware as configured; what `clients` asks for is enforced even where no step names it.
std::vector<config::Filter> steps_of(const config::Config& config) {
  std::vector<config::Filter> steps = config.middleware;
  const auto has = [&](std::string_view type) {
    return std::any_of(steps.begin(), steps.end(), [&](const config::Filter& f) { return f.type == type; });
  };
  const auto wants_rate = std::any_of(config.clients.begin(), config.clients.end(),
                                      [](const config::Client& c) { return c.rate_limit.messages_per_second > 0; });
  const auto wants_addresses = std::any_of(config.clients.begin(), config.clients.end(), [](const config::Client& c) {
    return !c.source_allowed.empty() || !c.source_blocked.empty() || !c.destination_allowed.empty() ||
           !c.destination_blocked.empty();
  });
  const auto add_first = [&](const char* type) {
    config::Filter step;
    step.type = type;
    steps.insert(steps.begin(), step);
  };
  if (wants_addresses && !has("address_filter")) add_first("address_filter");
  if (wants_rate && !has("rate_limit")) add_first("rate_limit");
  return steps;
}

Fallible<std::unique_ptr<flow::FilterChain>> build_chain(const config::Config& config, const message::Names& names,
                                                         unsigned shard) {
  auto chain = std::make_unique<flow::FilterChain>();
  for (const config::Filter& step : steps_of(config)) {
    const flow::FilterPlugin* plugin = find_filter(step.type);
    if (plugin == nullptr) return failure("middleware: there is no filter of type \"" + step.type + "\"");
    auto filter = plugin->make(step, {config, names, shard});
    if (!filter) return failure("middleware " + step.type + ": " + filter.error());
    chain->add(std::move(*filter));
  }
  return chain;
}

void update_limits(const config::Config& config, const message::Names& names, upstream::SharedLimits& limits) {
  for (const config::Upstream& upstream : config.upstreams) {
    const message::UpstreamId id = names.upstreams.find(upstream.name);
    const double rate = upstream.rate_limit.messages_per_second;
    if (rate <= 0) {
      limits.erase(id);
    } else if (auto at = limits.find(id); at != limits.end()) {
      at->second->change(rate, upstream.rate_limit.burst);
    } else {
      limits.emplace(id, std::make_shared<upstream::SharedLimit>(rate, upstream.rate_limit.burst));
    }
  }
}

template <typename Table>
std::vector<std::string> all_names(const Table& table) {
  std::vector<std::string> names;
  names.reserve(table.size());
  using Id = std::decay_t<decltype(table.find(""))>;
  for (std::size_t i = 0; i < table.size(); ++i) names.emplace_back(table.name(Id(static_cast<typename Id::rep>(i))));
  return names;
}

// The same upstream as before: its links need not notice.
bool is_unchanged(const config::Upstream& upstream, const config::Config* before) {
  if (before == nullptr) return false;
  return std::any_of(before->upstreams.begin(), before->upstreams.end(), [&](const config::Upstream& old) {
    if (old.name != upstream.name) return false;
    config::Upstream same_marks = old;
    same_marks.mark = upstream.mark;
    // Other certificates are for new connections; TLS or none is another upstream.
    if (uses_tls(old.tls) && uses_tls(upstream.tls)) same_marks.tls = upstream.tls;
    for (std::size_t i = 0; i < std::min(old.hosts.size(), upstream.hosts.size()); ++i) {
      same_marks.hosts[i].mark = upstream.hosts[i].mark;
    }
    return same_marks == upstream;
  });
}

}  // namespace

Fallible<Publication> build_publication(const config::ConfigPtr& config, const config::Config* before, unsigned shards,
                                        Lasting& lasting) {
  routing::intern_names(*config, lasting.names);
  auto snapshot = std::make_shared<flow::Snapshot>();
  snapshot->config = config;
  auto routes = routing::RouteTable::compile(*config, lasting.names);
  if (!routes) return std::unexpected(routes.error());
  auto mo_routes = routing::MoTable::compile(*config, lasting.names);
  if (!mo_routes) return std::unexpected(mo_routes.error());
  auto clients = accounts::ClientRegistry::compile(*config, lasting.names, lasting.client_states);
  if (!clients) return std::unexpected(clients.error());
  std::vector<smpp::VendorTlv> vendor;
  for (const config::VendorTlv& tlv : config->tlvs) {
    vendor.push_back({tlv.name, tlv.tag, smpp::parse_tlv_type(tlv.type).value_or(smpp::TlvType::octets),
                      static_cast<std::uint16_t>(tlv.min_length), static_cast<std::uint16_t>(tlv.max_length)});
  }
  auto tlvs = smpp::TlvRegistry::with_vendor_tlvs(std::move(vendor));
  if (!tlvs) return std::unexpected(tlvs.error());
  snapshot->routes = std::move(*routes);
  snapshot->mo_routes = std::move(*mo_routes);
  snapshot->clients = std::move(*clients);
  snapshot->tlvs = std::make_shared<const smpp::TlvRegistry>(std::move(*tlvs));
  Publication publication;
  for (const config::Upstream& upstream : config->upstreams) {
    const message::UpstreamId id = lasting.names.upstreams.find(upstream.name);
    auto facts = facts_of(upstream, config->multipart, lasting.names);
    if (!facts) return std::unexpected(facts.error());
    if (snapshot->upstreams.size() <= id.value()) snapshot->upstreams.resize(id.value() + 1U);
    snapshot->upstreams[id.value()] = std::move(*facts);
    auto tls = tls_context(upstream.tls);
    if (!tls) return failure("upstream " + upstream.name + ": " + tls.error());
    publication.upstreams.push_back({id, &upstream, is_unchanged(upstream, before), std::move(*tls)});
  }
  for (unsigned shard = 0; shard < shards; ++shard) {
    auto chain = build_chain(*config, lasting.names, shard);
    if (!chain) return std::unexpected(chain.error());
    publication.chains.push_back(std::move(*chain));
  }
  for (std::size_t i = 0; i < config->routes.size(); ++i) {
    const auto route = lasting.names.routes.find(routing::route_label(config->routes[i], i));
    if (!config->routes[i].mode || !route.valid()) continue;
    if (snapshot->route_modes.size() <= route.value()) snapshot->route_modes.resize(route.value() + 1U);
    snapshot->route_modes[route.value()] = config->routes[i].mode;
  }
  snapshot->client_names = all_names(lasting.names.clients);
  snapshot->upstream_names = all_names(lasting.names.upstreams);
  snapshot->generation = ++lasting.generation;
  update_limits(*config, lasting.names, lasting.limits);
  publication.snapshot = std::move(snapshot);
  return publication;
}

}  // namespace smppd::server
