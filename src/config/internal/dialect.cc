#include "config/internal/dialect.h"

#include <algorithm>

#include <fmt/format.h>

namespace smppd::config {
namespace {

// Gives a key its canonical name in place.
void rename(Node& map, std::string_view from, const std::string& to, const std::string& path, Reader& reader) {
  const auto entry = std::ranges::find(map.entries, from, &Entry::key);
  if (entry == map.entries.end()) return;
  if (map.find(to) != nullptr) {
    reader.error_at(join_path(path, from), entry->at, fmt::format("says the same as `{}`; keep one of them", to));
    map.entries.erase(entry);
    return;
  }
  entry->key = to;
}

// The map at a key, made when it is not there; null when something else is there (its reader will say so).
Node* map_at(Node& map, const std::string& key, Position at) {
  Node* found = map.find(key);
  if (found == nullptr) return &map.set(key, map_node({}, at));
  if (found->is_null()) *found = map_node({}, at);
  return found->is_map() ? found : nullptr;
}

// map.from -> map.into.key, unless that is given already.
void move_into(Node& map, std::string_view from, const std::string& into, const std::string& key,
               const std::string& path, Reader& reader) {
  std::optional<Node> value = map.take(from);
  if (!value) return;
  Node* target = map_at(map, into, value->at);
  if (target == nullptr) return;
  if (target->find(key) != nullptr) {
    return reader.error_at(join_path(path, from), value->at,
                           fmt::format("says the same as `{}.{}`; keep one of them", into, key));
  }
  target->set(key, std::move(*value));
}

template <class Each>
void for_each_map(Node* list, const std::string& path, Each each) {
  if (list == nullptr || !list->is_list()) return;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    if (list->items[i].is_map()) each(list->items[i], join_path(path, i));
  }
}

void translate_match(Node& match, const std::string& path, Reader& reader) {
  for (const auto& [from, to] :
       {std::pair("dest_addr_prefix", "destination_addr"), std::pair("destination_addr_prefix", "destination_addr"),
        std::pair("source_addr_prefix", "source_addr")}) {
    Node* value = match.find(from);
    if (value == nullptr) continue;
    *value = map_node({{"prefix", *value}}, value->at);
    rename(match, from, to, path, reader);
  }
}

void translate_route(Node& route, const std::string& path, Reader& reader) {
  if (Node* match = route.find("match"); match != nullptr && match->is_map()) {
    translate_match(*match, path + ".match", reader);
  }
  Node* action = route.find("route");
  if (action == nullptr || !action->is_map()) return;
  const Node taken = std::move(*route.take("route"));
  for (const Entry& entry : taken.entries) {
    const std::string key = entry.key == "cluster" ? "upstream" : entry.key;
    if (route.find(key) != nullptr) {
      reader.error_at(join_path(path + ".route", entry.key), entry.at,
                      fmt::format("says the same as `{}`; keep one of them", key));
    } else {
      route.entries.push_back({key, entry.at, entry.value});
    }
  }
}

void translate_upstream(Node& upstream, const std::string& path, Reader& reader) {
  rename(upstream, "endpoints", "hosts", path, reader);
  rename(upstream, "load_balancer", "load_balancing", path, reader);
  rename(upstream, "lb_policy", "load_balancing", path, reader);
  rename(upstream, "health_check", "health", path, reader);
  move_into(upstream, "connect_timeout", "timeouts", "connect", path, reader);
  if (Node* checks = upstream.find("health_checks")) {
    if (checks->is_list() && checks->items.size() == 1) *checks = Node(checks->items[0]);
    rename(upstream, "health_checks", "health", path, reader);
  }
  if (Node* health = upstream.find("health"); health != nullptr && health->is_map()) {
    Node* type = health->find("type");
    if (type != nullptr && type->text.starts_with("smpp.")) type->text.erase(0, 5);
  }
  static const std::vector<std::pair<std::string_view, const char*>> kPolicies{{"ROUND_ROBIN", "round_robin"},
                                                                               {"LEAST_REQUEST", "least_connections"},
                                                                               {"RANDOM", "random"},
                                                                               {"RING_HASH", "ip_hash"},
                                                                               {"MAGLEV", "ip_hash"}};
  if (Node* policy = upstream.find("load_balancing"); policy != nullptr && policy->is_scalar()) {
    const auto known = std::ranges::find(kPolicies, policy->text, &decltype(kPolicies)::value_type::first);
    if (known != kPolicies.end()) policy->text = known->second;
  }
  if (const Node* type = upstream.find("type"); type != nullptr && type->is_scalar()) {
    // How names are found: all of these are what smppd does anyway.
    static constexpr std::string_view kDiscovery[] = {"STATIC", "STRICT_DNS", "LOGICAL_DNS"};
    if (std::ranges::find(kDiscovery, type->text) != std::end(kDiscovery)) upstream.take("type");
  }
}

void translate_listener(Node& listener, const std::string& path, Reader& reader) {
  if (Node* protocol = listener.find("protocol"); protocol != nullptr && protocol->is_scalar()) {
    const Node value = *listener.take("protocol");
    if (value.text.starts_with("smpp")) {
      if (listener.find("type") == nullptr) listener.set("type", text_node("smpp", value.at));
      Node* smpp = value.text == "smpp" ? nullptr : map_at(listener, "smpp", value.at);
      if (smpp != nullptr && smpp->find("versions") == nullptr) smpp->set("versions", value);
    } else if (listener.find("type") == nullptr) {
      listener.set("type", value);
    }
  }
  std::optional<Node> limits = listener.take("limits");
  if (!limits) return;
  if (!limits->is_map()) {
    return reader.error_at(path + ".limits", limits->at, "expected a map of options");
  }
  for (Entry& entry : limits->entries) {
    const std::string key = entry.key == "idle_timeout"      ? "limits.idle"
                            : entry.key == "request_timeout" ? "limits.response"
                                                             : entry.key;
    listener.entries.push_back({key, entry.at, std::move(entry.value)});
  }
  move_into(listener, "limits.idle", "timeouts", "idle", path, reader);
  move_into(listener, "limits.response", "timeouts", "response", path, reader);
}

// dlr_harmonization.carriers.NAME is that upstream's receipts.map.
void translate_harmonization(Node& root, Reader& reader) {
  const std::optional<Node> section = root.take("dlr_harmonization");
  if (!section || section->is_null()) return;
  const std::string path = "dlr_harmonization";
  if (!section->is_map()) return reader.error_at(path, section->at, "expected a map with `carriers`");
  Node* upstreams = root.find("upstreams");
  const auto upstream_named = [&](std::string_view name) -> Node* {
    const auto is_it = [&](const Node& one) {
      const Node* called = one.find("name");
      return called != nullptr && called->is_scalar() && called->text == name;
    };
    if (upstreams == nullptr) return nullptr;
    if (upstreams->is_map()) return is_it(*upstreams) ? upstreams : nullptr;
    const auto found = std::ranges::find_if(upstreams->items, is_it);
    return found == upstreams->items.end() ? nullptr : &*found;
  };
  for (const Entry& entry : section->entries) {
    if (entry.key != "carriers") {
      reader.unknown(entry.at, join_path(path, entry.key), "unknown key; known here: carriers");
      continue;
    }
    for (const Entry& carrier : entry.value.entries) {
      const std::string at = join_path(path + ".carriers", carrier.key);
      Node* upstream = upstream_named(carrier.key);
      Node* receipts = upstream == nullptr ? nullptr : map_at(*upstream, "receipts", carrier.at);
      if (upstream == nullptr) {
        reader.error_at(at, carrier.at, fmt::format("there is no upstream `{}`", carrier.key));
      } else if (receipts != nullptr && receipts->find("map") != nullptr) {
        reader.error_at(at, carrier.at, "says the same as `receipts.map` of the upstream; keep one of them");
      } else if (receipts != nullptr) {
        receipts->set("map", carrier.value);
      }
    }
    if (!entry.value.is_map()) {
      reader.error_at(join_path(path, entry.key), entry.at, "expected a map of upstreams and their codes");
    }
  }
}

// The Envoy-like bootstrap: filter chains of listeners and tables of routes become `middleware` and `routes`.
class Bootstrap {
 public:
  Bootstrap(Node& root, Reader& reader) : root_(root), reader_(reader) {}

  void translate(Node resources) {
    for_each_map(resources.find("listeners"), "static_resources.listeners",
                 [&](Node& listener, const std::string& path) { take_chains(listener, path); });
    if (Node* tables = resources.find("routes")) take_tables(*tables);
    for (Entry& entry : resources.entries) {
      if (root_.find(entry.key) == nullptr) {
        root_.entries.push_back(std::move(entry));
      } else {
        reader_.error_at(join_path("static_resources", entry.key), entry.at,
                         fmt::format("`{}` is there outside `static_resources` too; keep one of them", entry.key));
      }
    }
    if (has_chain_ && root_.find("middleware") == nullptr) root_.set("middleware", std::move(middleware_));
  }

 private:
  void take_chains(Node& listener, const std::string& path) {
    std::optional<Node> chains = listener.take("filter_chains");
    if (!chains) return;
    Node filters = list_node({}, chains->at);
    for_each_map(&*chains, path + ".filter_chains", [&](Node& chain, const std::string& chain_path) {
      for_each_map(chain.find("filters"), chain_path + ".filters",
                   [&](Node& filter, const std::string& at) { take_filter(filter, at, listener, filters); });
    });
    if (has_chain_ && !same_types(filters, middleware_)) {
      return reader_.error_at(path + ".filter_chains", chains->at,
                              "a filter chain for one listener is not built yet; give all the same one");
    }
    has_chain_ = true;
    middleware_ = std::move(filters);
  }

  static bool same_types(const Node& a, const Node& b) {
    return std::ranges::equal(a.items, b.items, [](const Node& one, const Node& other) {
      return one.find("type")->text == other.find("type")->text;
    });
  }

  void take_filter(Node& filter, const std::string& path, Node& listener, Node& filters) {
    Node* name = filter.find("name");
    if (name == nullptr || !name->is_scalar()) return reader_.error_at(path, filter.at, "a filter needs a `name`");
    std::string type = name->text.starts_with("smpp.") ? name->text.substr(5) : name->text;
    if (type == "ratelimit") type = "rate_limit";
    Node settings = filter.take("config").value_or(map_node());
    if (type == "router") return use_tables(settings, path);
    Node step = map_node({{"type", text_node(type, name->at)}}, filter.at);
    for (Entry& entry : settings.entries) {
      if (entry.key == "clients_file") {
        reader_.error_at(path + ".config.clients_file", entry.at,
                         "reading clients from another file is not built yet; list them under `clients`");
      } else if (type == "rate_limit") {
        if (Node* limit = map_at(listener, "rate_limit", entry.at)) limit->set(entry.key, std::move(entry.value));
      } else {
        step.entries.push_back(std::move(entry));
      }
    }
    filters.items.push_back(std::move(step));
  }

  void use_tables(const Node& settings, const std::string& path) {
    const Node* names = settings.find("routes");
    if (names == nullptr || !names->is_list()) return;
    std::vector<std::string> chosen;
    chosen.reserve(names->items.size());
    for (const Node& name : names->items) chosen.push_back(name.text);
    if (!chosen_.empty() && chosen != chosen_) {
      reader_.error_at(path, names->at, "routes for one listener alone are not built yet; give all the same tables");
    }
    chosen_ = std::move(chosen);
    chosen_at_ = names->at;
  }

  // [{name, routes: [...]}] in the order the router names them; plain routes stay as they are.
  void take_tables(Node& tables) {
    if (!tables.is_list()) return;
    const bool has_tables =
        std::ranges::any_of(tables.items, [](const Node& item) { return item.find("routes") != nullptr; });
    if (!has_tables) return;
    Node routes = list_node({}, tables.at);
    const auto add = [&routes](const Node& table) {
      const Node* inner = table.find("routes");
      if (inner != nullptr) routes.items.insert(routes.items.end(), inner->items.begin(), inner->items.end());
    };
    for (const std::string& name : chosen_) {
      const auto table = std::ranges::find_if(tables.items, [&](const Node& item) {
        const Node* called = item.find("name");
        return called != nullptr && called->text == name;
      });
      if (table == tables.items.end()) {
        reader_.error_at("static_resources.routes", chosen_at_, fmt::format("there is no route table `{}`", name));
      } else {
        add(*table);
      }
    }
    if (chosen_.empty()) std::ranges::for_each(tables.items, add);
    tables = std::move(routes);
  }

  Node& root_;
  Reader& reader_;
  Node middleware_;
  bool has_chain_ = false;
  std::vector<std::string> chosen_;
  Position chosen_at_;
};

}  // namespace

void translate_dialects(Node& root, Reader& reader) {
  if (!root.is_map()) return;
  if (const Node* resources = root.find("static_resources"); resources != nullptr && resources->is_map()) {
    Bootstrap(root, reader).translate(*root.take("static_resources"));
  }
  rename(root, "clusters", "upstreams", "", reader);
  rename(root, "admin", "management", "", reader);
  for_each_map(root.find("listeners"), "listeners",
               [&](Node& listener, const std::string& path) { translate_listener(listener, path, reader); });
  for_each_map(root.find("upstreams"), "upstreams",
               [&](Node& upstream, const std::string& path) { translate_upstream(upstream, path, reader); });
  translate_harmonization(root, reader);
  for_each_map(root.find("routes"), "routes",
               [&](Node& route, const std::string& path) { translate_route(route, path, reader); });
  for_each_map(root.find("middleware"), "middleware", [&](Node& filter, const std::string& path) {
    for_each_map(filter.find("rules"), path + ".rules",
                 [&](Node& rule, const std::string& at) { translate_route(rule, at, reader); });
  });
}

}  // namespace smppd::config
