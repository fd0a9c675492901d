#include "routing/internal/conditions.h"

#include <algorithm>

namespace smppd::routing {

using message::MessageFacts;

const std::array<ByteField, 8> kByteFields{{
    {"destination_addr_ton", &MessageFacts::dest_addr_ton, &config::Match::destination_addr_ton},
    {"destination_addr_npi", &MessageFacts::dest_addr_npi, &config::Match::destination_addr_npi},
    {"source_addr_ton", &MessageFacts::source_addr_ton, &config::Match::source_addr_ton},
    {"source_addr_npi", &MessageFacts::source_addr_npi, &config::Match::source_addr_npi},
    {"esm_class", &MessageFacts::esm_class, &config::Match::esm_class},
    {"data_coding", &MessageFacts::data_coding, &config::Match::data_coding},
    {"protocol_id", &MessageFacts::protocol_id, &config::Match::protocol_id},
    {"priority_flag", &MessageFacts::priority_flag, &config::Match::priority_flag},
}};

std::vector<message::PatternText> pattern_texts(const std::vector<config::Pattern>& patterns) {
  std::vector<message::PatternText> texts;
  texts.reserve(patterns.size());
  for (const config::Pattern& pattern : patterns) {
    auto kind = message::PatternKind::kExact;
    switch (pattern.kind) {
      case config::Pattern::Kind::kExact: kind = message::PatternKind::kExact; break;
      case config::Pattern::Kind::kGlob: kind = message::PatternKind::kGlob; break;
      case config::Pattern::Kind::kPrefix: kind = message::PatternKind::kPrefix; break;
      case config::Pattern::Kind::kRegex: kind = message::PatternKind::kRegex; break;
    }
    texts.push_back({kind, pattern.text});
  }
  return texts;
}

namespace {

bool contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool selected(const config::Match& match, const config::Client& client) {
  if (!match.client.empty() && !contains(match.client, client.system_id)) return false;
  if (!match.client_tier.empty() && !contains(match.client_tier, client.tier)) return false;
  return std::all_of(match.client_tags.begin(), match.client_tags.end(), [&](const auto& wanted) {
    const auto tag = client.tags.find(wanted.first);
    return tag != client.tags.end() && contains(wanted.second, tag->second);
  });
}

}  // namespace

Fallible<Parties> parties_of(const config::Match& match, RuleSet::Direction direction,
                             const std::vector<config::Client>& clients, const message::Names& names) {
  Parties parties;
  const bool by_client = !match.client.empty() || !match.client_tier.empty() || !match.client_tags.empty();
  if (direction == RuleSet::Direction::kMo) {
    if (by_client) return failure("client, client_tier and client_tags have no meaning for messages from an upstream");
    parties.all = match.upstream.empty();
    for (const std::string& name : match.upstream) {
      const message::UpstreamId id = names.upstreams.find(name);
      if (!id.valid()) return failure("the upstream '" + name + "' does not exist");
      parties.numbers.push_back(id.value());
    }
  } else {
    if (!match.upstream.empty()) return failure("upstream can only be matched in mo_routes");
    parties.all = !by_client;
    for (const std::string& name : match.client) {
      if (!names.clients.find(name).valid()) return failure("the client '" + name + "' does not exist");
    }
    if (match.client_tier.empty() && match.client_tags.empty()) {  // works for clients outside the configuration too
      for (const std::string& name : match.client) parties.numbers.push_back(names.clients.find(name).value());
    } else {
      for (const config::Client& client : clients) {
        const message::ClientId id = names.clients.find(client.system_id);
        if (id.valid() && selected(match, client)) parties.numbers.push_back(id.value());
      }
    }
  }
  std::sort(parties.numbers.begin(), parties.numbers.end());
  parties.numbers.erase(std::unique(parties.numbers.begin(), parties.numbers.end()), parties.numbers.end());
  return parties;
}

Fallible<Conditions> Conditions::compile(const config::Match& match, Parties parties, bool with_source) {
  Conditions compiled;
  for (const ByteField& field : kByteFields) {
    const std::vector<std::uint8_t>& values = match.*field.wanted;
    if (values.empty()) continue;
    Bytes& bytes = compiled.bytes_.emplace_back(Bytes{field.fact, {}});
    for (const std::uint8_t value : values) bytes.wanted.set(value);
  }
  compiled.parties_ = std::move(parties);
  auto service_type = message::TextSet::compile(pattern_texts(match.service_type), message::Case::kSensitive);
  if (!service_type) return failure("service_type: " + service_type.error());
  compiled.service_type_ = std::move(*service_type);
  if (with_source) {
    auto source = message::AddressSet::compile(pattern_texts(match.source_addr));
    if (!source) return failure("source_addr: " + source.error());
    compiled.source_ = std::move(*source);
  }
  if (match.schedule) {
    auto schedule = Schedule::compile(*match.schedule);
    if (!schedule) return failure("schedule: " + schedule.error());
    compiled.schedule_ = std::move(*schedule);
  }
  auto text = message::TextSet::compile(pattern_texts(match.text), message::Case::kIgnored);
  if (!text) return failure("text: " + text.error());
  compiled.text_ = std::move(*text);
  compiled.empty_ = compiled.bytes_.empty() && compiled.parties_.all && compiled.service_type_.empty() &&
                    compiled.source_.empty() && !compiled.schedule_ && compiled.text_.empty();
  return compiled;
}

bool Conditions::hold(const MessageFacts& facts, std::uint32_t party, WallTime now) const noexcept {
  for (const Bytes& bytes : bytes_) {
    if (!bytes.wanted.test(facts.*bytes.fact)) return false;
  }
  if (!parties_.all && !std::binary_search(parties_.numbers.begin(), parties_.numbers.end(), party)) return false;
  if (!service_type_.empty() && !service_type_.matches(facts.service_type)) return false;
  if (!source_.empty() && !source_.matches(message::normalised_source(facts), facts.source_addr)) return false;
  if (schedule_ && !schedule_->holds(now)) return false;
  return text_.empty() || text_.matches(facts.text == nullptr ? std::string_view() : facts.text->utf8());
}

}  // namespace smppd::routing
