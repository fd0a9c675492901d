#include "accounts/client_registry.h"

#include <utility>

namespace smppd::accounts {
namespace {

Fallible<message::AddressSet> address_set(const std::vector<config::Pattern>& patterns) {
  std::vector<message::PatternText> texts;
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
  return message::AddressSet::compile(texts);
}

// Compiles one client; what is wrong goes to `errors`, a line each.
class EntryCompiler {
 public:
  EntryCompiler(const config::Client& client, const message::Names& names, std::string& errors)
      : client_(client), names_(names), errors_(errors) {}

  ClientEntry run() {
    ClientEntry entry;
    entry.id = names_.clients.find(client_.system_id);
    if (!entry.id.valid()) problem("the client has no number");
    entry.system_id = client_.system_id;
    entry.secret = secret();
    take(IpSet::compile(client_.allowed_ips), entry.allowed_ips, "allowed_ips");
    if (!client_.bind_types.empty()) entry.bind_types = bind_types();
    entry.max_connections = count(client_.max_connections, "max_connections");
    entry.window_size = count(client_.window_size, "window_size");
    entry.rate = client_.rate_limit.messages_per_second;
    entry.burst = client_.rate_limit.burst;
    take(address_set(client_.source_allowed), entry.addresses.source_allowed, "source.allowed");
    take(address_set(client_.source_blocked), entry.addresses.source_blocked, "source.blocked");
    take(address_set(client_.destination_allowed), entry.addresses.destination_allowed, "destination.allowed");
    take(address_set(client_.destination_blocked), entry.addresses.destination_blocked, "destination.blocked");
    if (!client_.upstream.empty()) {
      entry.upstream = names_.upstreams.find(client_.upstream);
      if (!entry.upstream.valid()) problem("the upstream '" + client_.upstream + "' does not exist");
    }
    entry.tier = client_.tier;
    entry.tags = client_.tags;
    entry.default_alphabet = client_.default_alphabet;
    entry.uncertain_status = client_.uncertain_status;
    entry.outbind = client_.outbind;
    entry.message_id_format = client_.message_id_format;
    entry.receipts = receipt_style();
    entry.mode = client_.mode;
    return entry;
  }

 private:
  void problem(const std::string& sentence) {
    if (!errors_.empty()) errors_ += '\n';
    errors_ += "client '" + client_.system_id + "': " + sentence;
  }

  template <typename T>
  void take(Fallible<T> from, T& to, const char* key) {
    if (from) {
      to = std::move(*from);
    } else {
      problem(std::string(key) + ": " + from.error());
    }
  }

  Secret secret() {
    if (!client_.password.empty() && !client_.password_hash.empty()) problem("has both password and password_hash");
    if (client_.password_hash.empty()) return client_.password.empty() ? Secret() : Secret::plain(client_.password);
    Secret secret;
    take(Secret::hashed(client_.password_hash), secret, "password_hash");
    return secret;
  }

  std::shared_ptr<const ReceiptStyle> receipt_style() {
    if (client_.receipts == config::ClientReceipts{}) return nullptr;
    auto style = std::make_shared<ReceiptStyle>();
    style->swap_addresses = client_.receipts.swap_addresses;
    style->intermediate = client_.receipts.intermediate;
    if (!client_.receipts.text.empty()) {
      auto compiled = smpp::ReceiptTemplate::compile(client_.receipts.text);
      if (compiled) {
        style->text = std::move(*compiled);
      } else {
        problem("receipts.template: " + compiled.error());
      }
    }
    return style;
  }

  std::uint32_t count(int value, const char* key) {
    if (value < 0) problem(std::string(key) + ": must be 0 or more");
    return value < 0 ? 0 : static_cast<std::uint32_t>(value);
  }

  std::uint8_t bind_types() {
    unsigned bits = 0;
    for (const std::string& type : client_.bind_types) {
      if (type == "transmitter") {
        bits |= static_cast<unsigned>(BindType::kTransmitter);
      } else if (type == "receiver") {
        bits |= static_cast<unsigned>(BindType::kReceiver);
      } else if (type == "transceiver") {
        bits |= static_cast<unsigned>(BindType::kTransceiver);
      } else {
        problem("bind_types: '" + type + "' is none of transmitter, receiver and transceiver");
      }
    }
    return static_cast<std::uint8_t>(bits);
  }

  const config::Client& client_;
  const message::Names& names_;
  std::string& errors_;
};

bool passes(const message::AddressSet& allowed, const message::AddressSet& blocked, message::NormalAddress address,
            std::string_view sent) noexcept {
  if (!blocked.empty() && blocked.matches(address, sent)) return false;
  return allowed.empty() || allowed.matches(address, sent);
}

}  // namespace

AddressVerdict check_addresses(const ClientEntry& client, const message::MessageFacts& facts) noexcept {
  const AddressRules& rules = client.addresses;
  if (!passes(rules.source_allowed, rules.source_blocked, message::normalised_source(facts), facts.source_addr)) {
    return AddressVerdict::kBadSource;
  }
  if (!passes(rules.destination_allowed, rules.destination_blocked, message::normalised_destination(facts),
              facts.destination_addr)) {
    return AddressVerdict::kBadDestination;
  }
  return AddressVerdict::kOk;
}

ClientState& ClientStates::of(message::ClientId id) {
  while (states_.size() <= id.value()) states_.emplace_back();
  return states_[id.value()];
}

Fallible<std::shared_ptr<const ClientRegistry>> ClientRegistry::compile(const config::Config& config,
                                                                        const message::Names& names,
                                                                        ClientStates& states) {
  std::shared_ptr<ClientRegistry> registry(new ClientRegistry());
  std::string errors;
  registry->entries_.reserve(config.clients.size());  // by_name_ points into the entries: they must not move
  for (const config::Client& client : config.clients) {
    const auto number = static_cast<std::uint32_t>(registry->entries_.size());
    ClientEntry& entry = registry->entries_.emplace_back(EntryCompiler(client, names, errors).run());
    if (entry.id.valid()) entry.state = &states.of(entry.id);
    registry->by_id_.emplace(entry.id, number);
    if (!registry->by_name_.emplace(entry.system_id, number).second) {
      if (!errors.empty()) errors += '\n';
      errors += "client '" + entry.system_id + "' is there twice";
    }
  }
  if (!errors.empty()) return failure(std::move(errors));
  return registry;
}

void ClientRegistry::publish(Instant now) const noexcept {
  for (const ClientEntry& entry : entries_) entry.state->rate.configure(entry.rate, entry.burst, now);
}

const ClientEntry* ClientRegistry::find(std::string_view system_id) const noexcept {
  const auto at = by_name_.find(system_id);
  return at == by_name_.end() ? nullptr : &entries_[at->second];
}

const ClientEntry* ClientRegistry::find(message::ClientId id) const noexcept {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &entries_[at->second];
}

}  // namespace smppd::accounts
