#include "downstream/caller.h"

#include <algorithm>
#include <random>

#include "downstream/internal/log.h"
#include "downstream/session_table.h"
#include "smpp/pdu_builder.h"
#include "telemetry/log.h"

namespace smppd::downstream {

namespace {

Duration with_jitter(Duration wait, double jitter) {
  static thread_local std::minstd_rand generator(std::random_device{}());
  const double factor = std::uniform_real_distribution<double>(1.0 - jitter, 1.0 + jitter)(generator);
  return Duration(static_cast<Duration::rep>(static_cast<double>(wait.count()) * factor));
}

}  // namespace

Caller::Caller(SessionTable& table, runtime::Resolver& resolver) : table_(table), resolver_(resolver) {}

Caller::~Caller() = default;

const accounts::ClientEntry* Caller::entry_of(message::ClientId client) const noexcept {
  const accounts::ClientEntry* entry = table_.flow().snapshot().clients->find(client);
  return entry == nullptr || !entry->outbind ? nullptr : entry;
}

Listener* Caller::listener_of(const accounts::ClientEntry& entry) const noexcept {
  Listener* found = nullptr;
  table_.for_each_listener([&](Listener& listener) {
    const bool wanted = entry.outbind->listener.empty() || listener.options().name == entry.outbind->listener;
    if (found == nullptr && wanted) found = &listener;
  });
  return found;
}

std::pair<const message::ClientId, Caller::Call>* Caller::find(const Session& session) noexcept {
  for (auto& one : calls_) {
    if (one.second.under_way && one.second.session == session.sender().session) return &one;
  }
  return nullptr;
}

void Caller::call(message::ClientId client) noexcept {
  const accounts::ClientEntry* entry = entry_of(client);
  if (stopped_ || entry == nullptr) return;
  Call& call = calls_[client];
  if (call.under_way || table_.loop().now() < call.not_before) return;
  Listener* listener = listener_of(*entry);
  if (listener == nullptr) return;
  call.under_way = true;
  call.bound = false;
  call.session = {};
  call.wait = std::max<Duration>(call.wait, entry->outbind->retry.initial);
  ++listener->probe().outbinds;
  const config::Endpoint& address = entry->outbind->address;
  resolver_.resolve(address.host, address.port,
                    [this, &loop = table_.loop(), alive = std::weak_ptr(alive_), client](auto answer) {
                      loop.post([this, alive, client, answer = std::move(answer)]() mutable {
                        if (!alive.expired()) resolved(client, std::move(answer));
                      });
                    });
}

void Caller::resolved(message::ClientId client, Fallible<std::vector<runtime::SocketAddress>> addresses) {
  Call& call = calls_[client];
  const accounts::ClientEntry* entry = entry_of(client);
  Listener* listener = entry == nullptr ? nullptr : listener_of(*entry);
  if (stopped_ || listener == nullptr) {
    calls_.erase(client);
    return;
  }
  if (!addresses || addresses->empty()) {
    failed(client, call, addresses ? "the name has no address" : std::string_view(addresses.error()));
    return;
  }
  call.session = table_.dial(*listener, addresses->front());
}

void Caller::connected(Session& session) noexcept {
  const auto* call = find(session);
  const accounts::ClientEntry* entry = call == nullptr ? nullptr : entry_of(call->first);
  if (entry == nullptr) {
    session.close();
    return;
  }
  const std::string& own = session.listener().options().smpp.system_id;
  smpp::PduBuilder builder(smpp::CommandId::outbind, smpp::Version::v34);
  builder.set(smpp::Field::system_id, entry->outbind->system_id.empty() ? own : entry->outbind->system_id)
      .set(smpp::Field::password, entry->outbind->password);
  std::vector<std::uint8_t> pdu;
  if (!builder.encode(pdu, smpp::CommandStatus::ESME_ROK, session.next_sequence())) {
    session.close();
    return;
  }
  std::copy(pdu.begin(), pdu.end(), session.reserve(pdu.size()));
  session.commit(pdu.size());
  kLog.info("calling a client with outbind", {{"client", entry->system_id}, {"peer", session.peer().to_string()}});
}

void Caller::bound(const Session& session) noexcept {
  if (auto* call = find(session)) {
    call->second.bound = true;
    call->second.wait = {};
  }
}

void Caller::closed(Session& session) noexcept {
  auto* call = find(session);
  if (call == nullptr) return;
  if (call->second.bound) {
    calls_.erase(call->first);
    return;
  }
  ++session.listener().probe().outbind_failures;
  failed(call->first, call->second, "it did not bind to receive");
}

void Caller::failed(message::ClientId client, Call& call, std::string_view reason) noexcept {
  const accounts::ClientEntry* entry = entry_of(client);
  if (entry == nullptr) {
    calls_.erase(client);
    return;
  }
  const config::Reconnect& retry = entry->outbind->retry;
  const Duration wait = with_jitter(call.wait, retry.jitter);
  call.under_way = false;
  call.not_before = table_.loop().now() + wait;
  call.wait = std::min<Duration>(
      Duration(static_cast<Duration::rep>(static_cast<double>(call.wait.count()) * retry.factor)), retry.max);
  kLog.warn("a client was called in vain",
            {{"client", entry->system_id},
             {"address", entry->outbind->address.host},
             {"port", entry->outbind->address.port},
             {"reason", reason},
             {"not_before_ms", std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()}});
}

}  // namespace smppd::downstream
