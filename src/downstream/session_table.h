// All sessions of one shard, across its listeners; the port through which the flow answers and delivers. Shard-local.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "accounts/password_verifier.h"
#include "base/slab.h"
#include "downstream/caller.h"
#include "downstream/listener.h"
#include "downstream/session.h"
#include "flow/flow.h"

namespace smppd::downstream {

class SessionTable final : public flow::Sessions {
 public:
  SessionTable(runtime::EventLoop& loop, runtime::Resolver& resolver, flow::Flow& flow,
               accounts::PasswordVerifier& verifier, unsigned shard);
  ~SessionTable();

  // A listener and the socket this shard accepts on.
  struct Opened {
    std::shared_ptr<ListenerShared> shared;
    int fd = -1;  // -1: the listener is unchanged and goes on
    std::shared_ptr<const runtime::TlsContext> tls = nullptr;
  };
  // Publishes a configuration: new listeners open, unchanged ones go on, others stop accepting and say unbind to their
  // sessions; sessions of clients that are gone or changed their credentials are unbound too.
  void apply(std::vector<Opened> listeners);

  // Stops accepting and says unbind to everyone.
  void drain() noexcept;
  void close_all() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }

  // flow::Sessions
  void answer(SlabHandle session, const flow::Answer& answer) noexcept override;
  bool deliver(SlabHandle session, const flow::Delivery& delivery) noexcept override;
  smpp::CommandStatus status_for_loss(SlabHandle session, message::Loss loss) noexcept override;
  void resume(SlabHandle session) noexcept override;
  void kick(flow::KickOrder order) noexcept override;
  void call(message::ClientId client) noexcept override { caller_.call(client); }

  // For listeners and sessions.
  void adopt(Listener& listener, int fd, const runtime::SocketAddress& peer) noexcept;
  // A session that connects to its client; the listener's limits do not bind us, its counts do count it.
  SlabHandle dial(Listener& listener, const runtime::SocketAddress& to) noexcept;
  [[nodiscard]] Caller& caller() noexcept { return caller_; }
  void closed(Session& session) noexcept;
  // Asks for the verdict on a password; Session::verified() follows when it is kLater.
  [[nodiscard]] accounts::PasswordVerifier::Answer verify(const Session& session, const accounts::ClientEntry& client,
                                                          std::string_view password);
  void verified(SlabHandle session, bool right) noexcept;
  // The client has more than `most` sessions: its oldest one is closed, on whatever shard.
  void make_room(message::ClientId client, std::uint32_t most) noexcept;

  [[nodiscard]] flow::Flow& flow() noexcept { return flow_; }
  [[nodiscard]] runtime::EventLoop& loop() noexcept { return loop_; }
  [[nodiscard]] unsigned shard() const noexcept { return shard_; }

  template <typename Visit>
  void for_each_session(Visit&& visit) {
    sessions_.for_each([&](Session& session, SlabHandle) { visit(session); });
  }
  template <typename Visit>
  void for_each_listener(Visit&& visit) {
    for (auto& listener : listeners_) visit(*listener);
  }

 private:
  void see_oldest(flow::KickOrder& order) noexcept;
  [[nodiscard]] bool has_too_many(const flow::KickOrder& order) const noexcept;

  runtime::EventLoop& loop_;
  flow::Flow& flow_;
  accounts::PasswordVerifier& verifier_;
  unsigned shard_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Listener>> leaving_;  // until their last session is gone
  Slab<Session> sessions_;
  Caller caller_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what is retired may outlive the table
};

}  // namespace smppd::downstream
