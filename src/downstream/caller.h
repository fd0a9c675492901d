// Calls clients with outbind (3.4 §2.2.1, §4.1.7) when there is something for them and no session of theirs receives:
// connects, says who we are, and leaves the connection to a session, which is bound, checked and bounded like any
// other. A client that did not bind is left alone for a while, each time longer. Shard-local, owned by the
// SessionTable; a client is called by one shard only (Flow sees to that).
#pragma once

#include <string>
#include <unordered_map>

#include "accounts/client_registry.h"
#include "base/slab.h"
#include "base/time.h"
#include "message/ids.h"
#include "runtime/resolver.h"

namespace smppd::downstream {

class Listener;
class Session;
class SessionTable;

class Caller {
 public:
  Caller(SessionTable& table, runtime::Resolver& resolver);
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  ~Caller();

  // Something waits for this client. No effect while it is being called, may not be called yet, or has no `outbind`.
  void call(message::ClientId client) noexcept;
  // No more calls.
  void stop() noexcept { stopped_ = true; }

  // The sessions tell these: the connection stands; the client has bound so that it can receive; the session is over.
  void connected(Session& session) noexcept;
  void bound(const Session& session) noexcept;
  void closed(Session& session) noexcept;

 private:
  struct Call {
    SlabHandle session;  // once its name is resolved
    Instant not_before{};
    Duration wait{};  // before the next call, if this one leads to nothing
    bool under_way = false;
    bool bound = false;
  };
  void resolved(message::ClientId client, Fallible<std::vector<runtime::SocketAddress>> addresses);
  void failed(message::ClientId client, Call& call, std::string_view reason) noexcept;
  [[nodiscard]] const accounts::ClientEntry* entry_of(message::ClientId client) const noexcept;
  [[nodiscard]] Listener* listener_of(const accounts::ClientEntry& entry) const noexcept;
  [[nodiscard]] std::pair<const message::ClientId, Call>* find(const Session& session) noexcept;

  SessionTable& table_;
  runtime::Resolver& resolver_;
  std::unordered_map<message::ClientId, Call> calls_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // an answer of the resolver may come after the end
  bool stopped_ = false;
};

}  // namespace smppd::downstream
