#include "routing/explain.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "message/pattern.h"
#include "routing/internal/conditions.h"

namespace smppd::routing {
namespace {

using message::MessageFacts;

constexpr std::size_t kMaxListed = 5;

template <typename List, typename ToText>
std::string listed(const List& list, ToText to_text) {
  std::string text;
  for (std::size_t i = 0; i < list.size() && i < kMaxListed; ++i) {
    if (i > 0) text += ", ";
    text += to_text(list[i]);
  }
  if (list.size() > kMaxListed) text += fmt::format(" and {} more", list.size() - kMaxListed);
  return text;
}

std::string written(const config::Pattern& pattern) {
  switch (pattern.kind) {
    case config::Pattern::Kind::kPrefix: return "prefix " + pattern.text;
    case config::Pattern::Kind::kRegex: return "regex " + pattern.text;
    case config::Pattern::Kind::kExact:
    case config::Pattern::Kind::kGlob: break;
  }
  return pattern.text;
}

std::string none_of(const std::vector<config::Pattern>& patterns) {
  return (patterns.size() == 1 ? "does not match " : "matches none of ") + listed(patterns, written);
}

bool any_address(const std::vector<config::Pattern>& patterns, message::NormalAddress address, std::string_view sent) {
  const auto texts = pattern_texts(patterns);
  return std::any_of(texts.begin(), texts.end(), [&](const message::PatternText& text) {
    const auto pattern = message::AddressPattern::compile(text);
    return pattern && pattern->matches(address, sent);
  });
}

bool any_text(const std::vector<config::Pattern>& patterns, std::string_view text, message::Case letters) {
  const auto set = message::TextSet::compile(pattern_texts(patterns), letters);
  return set && set->matches(text);
}

Reason address_failure(const char* condition, const std::vector<config::Pattern>& patterns,
                       message::NormalAddress address, std::string_view sent) {
  if (patterns.empty() || any_address(patterns, address, sent)) return {};
  const std::string national = address.international ? "" : " (not international by its type of number)";
  return {condition, fmt::format("'{}'{} {}", address.text, national, none_of(patterns))};
}

Reason text_failure(const char* condition, const std::vector<config::Pattern>& patterns, std::string_view text,
                    message::Case letters) {
  if (patterns.empty() || any_text(patterns, text, letters)) return {};
  return {condition, fmt::format("'{}' {}", text, none_of(patterns))};
}

std::string as_is(const std::string& name) { return name; }

Reason name_failure(const char* condition, const std::vector<std::string>& wanted, std::string_view found) {
  if (wanted.empty() || std::find(wanted.begin(), wanted.end(), found) != wanted.end()) return {};
  const std::string shown = found.empty() ? "there is none" : fmt::format("it is '{}'", found);
  return {condition, fmt::format("{}, not {}", shown, listed(wanted, as_is))};
}

Reason client_failure(const config::Match& match, std::string_view name, const std::vector<config::Client>& clients) {
  if (Reason reason = name_failure("client", match.client, name); !reason.holds()) return reason;
  if (match.client_tier.empty() && match.client_tags.empty()) return {};
  const auto client = std::find_if(clients.begin(), clients.end(),
                                   [&](const config::Client& one) { return !name.empty() && one.system_id == name; });
  static const config::Client kNobody;
  const config::Client& known = client == clients.end() ? kNobody : *client;
  if (!match.client_tier.empty() && client == clients.end()) return {"client_tier", "the client is not configured"};
  if (Reason reason = name_failure("client_tier", match.client_tier, known.tier); !reason.holds()) return reason;
  for (const auto& [key, values] : match.client_tags) {
    const auto tag = known.tags.find(key);
    if (tag == known.tags.end()) return {"client_tags." + key, "the client has no such tag"};
    Reason reason = name_failure("client_tags", values, tag->second);
    if (!reason.holds()) return {"client_tags." + key, std::move(reason.why)};
  }
  return {};
}

Reason byte_failure(const config::Match& match, const MessageFacts& facts) {
  for (const ByteField& field : kByteFields) {
    const std::vector<std::uint8_t>& wanted = match.*field.wanted;
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), facts.*field.fact) != wanted.end()) continue;
    const std::string list = listed(wanted, [](std::uint8_t value) { return std::to_string(value); });
    return {field.name, fmt::format("it is {}, not {}", facts.*field.fact, list)};
  }
  return {};
}

Reason schedule_failure(const config::Match& match, WallTime now) {
  if (!match.schedule) return {};
  const auto schedule = Schedule::compile(*match.schedule);
  if (!schedule) return {"schedule", schedule.error()};
  if (schedule->holds(now)) return {};
  std::string when = match.schedule->hours.empty() ? "any hour" : match.schedule->hours;
  if (!match.schedule->days.empty()) when += " on " + listed(match.schedule->days, as_is);
  return {"schedule", fmt::format("{} is not in {}", schedule->local_time(now), when)};
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

Reason first_failure(const config::Match& match, const MessageFacts& facts, WallTime now,
                     const std::vector<config::Client>& clients, const message::Names& names) {
  const auto destination = message::normalised_destination(facts);
  const auto source = message::normalised_source(facts);
  const std::string_view text = facts.text == nullptr ? std::string_view() : facts.text->utf8();
  Reason reason = address_failure("destination_addr", match.destination_addr, destination, facts.destination_addr);
  if (reason.holds()) reason = address_failure("source_addr", match.source_addr, source, facts.source_addr);
  if (reason.holds()) {
    reason = text_failure("service_type", match.service_type, facts.service_type, message::Case::kSensitive);
  }
  if (reason.holds()) reason = byte_failure(match, facts);
  if (reason.holds()) reason = client_failure(match, names.clients.name(facts.client), clients);
  if (reason.holds()) reason = name_failure("upstream", match.upstream, names.upstreams.name(facts.upstream));
  if (reason.holds()) reason = schedule_failure(match, now);
  if (reason.holds()) reason = text_failure("text", match.text, text, message::Case::kIgnored);
  return reason;
}

Explanation explain(const config::Config& config, const RouteTable& table, const message::Names& names,
                    const MessageFacts& facts, WallTime now, std::uint32_t random) {
  Explanation explanation;
  explanation.destination = message::normalised_destination(facts).text;
  for (const std::uint32_t position : table.order()) {
    const config::Route& route = config.routes[position];
    Reason reason = first_failure(route.match, facts, now, config.clients, names);
    Decision decision;
    if (reason.holds()) {
      decision = table.answer_of(position, facts, random);
      if (decision.kind == Decision::Kind::kNoRoute) {
        reason = {"table", fmt::format("no prefix of '{}' is in {}", explanation.destination, route.table)};
      }
    }
    const bool matched = reason.holds();
    explanation.tried.push_back({route_label(route, position), route.priority, std::move(reason)});
    if (!matched) continue;
    explanation.decision = decision;
    explanation.route = route_label(route, position);
    for (const message::UpstreamId id : decision.to_try()) explanation.upstreams.emplace_back(names.upstreams.name(id));
    break;
  }
  return explanation;
}

std::string Explanation::to_text() const {
  std::string text = fmt::format("destination compared as {}\n", destination);
  for (const Tried& one : tried) {
    text += one.reason.holds() ? fmt::format("  {}: matches\n", one.route)
                               : fmt::format("  {}: {}: {}\n", one.route, one.reason.condition, one.reason.why);
  }
  switch (decision.kind) {
    case Decision::Kind::kNoRoute: text += "no route\n"; break;
    case Decision::Kind::kResponse:
      text += fmt::format("route {}: answered here with command_status {:#010x}\n", route, decision.response->status);
      break;
    case Decision::Kind::kUpstreams:
      text += fmt::format("route {}: upstream {}", route, upstreams.front());
      for (std::size_t i = 1; i < upstreams.size(); ++i) text += ", then " + upstreams[i];
      if (decision.equals > 1) text += fmt::format(" (the first {} in the order of their quality)", decision.equals);
      text += '\n';
      break;
  }
  return text;
}

std::string Explanation::to_json() const {
  std::string json = "{\"destination\":" + json_text(destination) + ",\"tried\":[";
  for (std::size_t i = 0; i < tried.size(); ++i) {
    const Tried& one = tried[i];
    json += fmt::format("{}{{\"route\":{},\"priority\":{},\"matches\":{}", i == 0 ? "" : ",", json_text(one.route),
                        one.priority, one.reason.holds());
    if (!one.reason.holds()) {
      json += ",\"condition\":" + json_text(one.reason.condition) + ",\"why\":" + json_text(one.reason.why);
    }
    json += '}';
  }
  json += "],\"route\":" + (route.empty() ? "null" : json_text(route)) + ",\"upstreams\":[";
  for (std::size_t i = 0; i < upstreams.size(); ++i) json += (i == 0 ? "" : ",") + json_text(upstreams[i]);
  json += ']';
  if (decision.equals > 1) json += fmt::format(",\"by_quality\":{}", decision.equals);
  if (decision.response != nullptr) json += fmt::format(",\"command_status\":{}", decision.response->status);
  return json + '}';
}

}  // namespace smppd::routing
