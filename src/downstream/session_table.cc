#include "downstream/session_table.h"

#include <algorithm>

namespace smppd::downstream {

SessionTable::SessionTable(runtime::EventLoop& loop, runtime::Resolver& resolver, flow::Flow& flow,
                           accounts::PasswordVerifier& verifier, unsigned shard)
    : loop_(loop), flow_(flow), verifier_(verifier), shard_(shard), caller_(*this, resolver) {
  flow.set_sessions(*this);
}

SessionTable::~SessionTable() { close_all(); }

void SessionTable::apply(std::vector<Opened> opened) {
  std::vector<std::unique_ptr<Listener>> next;
  for (Opened& one : opened) {
    const auto same = std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& listener) {
      return listener && one.fd < 0 && listener->shared()->id == one.shared->id;
    });
    if (same != listeners_.end()) {
      next.push_back(std::move(*same));
    } else {
      next.push_back(std::make_unique<Listener>(*this, loop_, std::move(one.shared), one.fd));
    }
    next.back()->set_tls(std::move(one.tls));
  }
  for (auto& listener : listeners_) {
    if (!listener) continue;
    listener->stop_accepting();
    leaving_.push_back(std::move(listener));
  }
  listeners_ = std::move(next);
  const accounts::ClientRegistry& clients = *flow_.snapshot().clients;
  for_each_session([&](Session& session) {
    const bool stays = std::none_of(leaving_.begin(), leaving_.end(),
                                    [&](const auto& listener) { return listener.get() == &session.listener(); });
    if (!session.reconfigure(clients) || !stays) session.unbind();
  });
}

void SessionTable::drain() noexcept {
  caller_.stop();
  for (auto& listener : listeners_) listener->stop_accepting();
  for_each_session([](Session& session) { session.unbind(); });
}

void SessionTable::close_all() noexcept {
  for_each_session([](Session& session) { session.close(); });
}

void SessionTable::answer(SlabHandle handle, const flow::Answer& answer) noexcept {
  if (Session* session = sessions_.get(handle)) {
    session->answer(answer);
  } else if (!listeners_.empty()) {
    ++listeners_.front()->probe().answers_to_gone_sessions;
  }
}

bool SessionTable::deliver(SlabHandle handle, const flow::Delivery& delivery) noexcept {
  Session* session = sessions_.get(handle);
  return session != nullptr && session->deliver(delivery);
}

smpp::CommandStatus SessionTable::status_for_loss(SlabHandle handle, message::Loss loss) noexcept {
  Session* session = sessions_.get(handle);
  return session == nullptr ? smpp::CommandStatus::ESME_RSYSERR : session->status_for_loss(loss);
}

void SessionTable::resume(SlabHandle handle) noexcept {
  if (Session* session = sessions_.get(handle)) session->resume();
}

void SessionTable::adopt(Listener& listener, int fd, const runtime::SocketAddress& peer) noexcept {
  auto [session, handle] = sessions_.make(*this, listener, peer);
  session->start(fd, handle);
}

SlabHandle SessionTable::dial(Listener& listener, const runtime::SocketAddress& to) noexcept {
  (void)listener.shared()->connections.enter(0);
  (void)listener.shared()->by_ip.enter(to.ip, 0);
  auto [session, handle] = sessions_.make(*this, listener, to);
  session->dial(handle);
  return handle;
}

// Called from inside the session's own callback: it is destroyed when the turn ends.
void SessionTable::closed(Session& session) noexcept {
  const SlabHandle handle = session.sender().session;
  loop_.retire(std::shared_ptr<void>(nullptr, [this, handle, alive = std::weak_ptr(alive_)](void*) {
    if (alive.expired()) return;
    sessions_.release(handle);
    std::erase_if(leaving_, [this](const auto& listener) {
      bool used = false;
      for_each_session([&](Session& other) { used = used || &other.listener() == listener.get(); });
      return !used;
    });
  }));
}

accounts::PasswordVerifier::Answer SessionTable::verify(const Session& session, const accounts::ClientEntry& client,
                                                        std::string_view password) {
  const SlabHandle handle = session.sender().session;
  return verifier_.verify(client.id, client.system_id, client.secret, password, [this, handle](bool right) {
    loop_.post([this, handle, right] { verified(handle, right); });
  });
}

void SessionTable::verified(SlabHandle handle, bool right) noexcept {
  if (Session* session = sessions_.get(handle)) session->verified(right);
}

void SessionTable::make_room(message::ClientId client, std::uint32_t most) noexcept {
  flow::KickOrder order;
  order.client = client;
  order.most = most;
  order.asked_by = static_cast<std::uint8_t>(shard_);
  kick(order);
}

// Two orders may choose the same session, and a session may leave by itself: whoever finds it gone looks again as long
// as there are too many, so that exactly as many are closed as were over the limit.
void SessionTable::kick(flow::KickOrder order) noexcept {
  if (order.close) {
    Session* session = sessions_.get(order.session);
    if (session != nullptr && session->bound()) {
      session->close();
    } else if (has_too_many(order)) {
      make_room(order.client, order.most);
    }
    return;
  }
  see_oldest(order);
  const unsigned next = (shard_ + 1) % flow_.shard_count();
  if (next != order.asked_by) {
    flow_.pass_on_kick(next, order);
    return;
  }
  if (order.bind_order == 0 || !has_too_many(order)) return;
  order.close = true;
  if (order.shard == shard_) {
    kick(order);
  } else {
    flow_.pass_on_kick(order.shard, order);
  }
}

void SessionTable::see_oldest(flow::KickOrder& order) noexcept {
  for_each_session([&](Session& session) {
    if (!session.bound() || session.sender().client != order.client) return;
    if (order.bind_order != 0 && session.bind_order() > order.bind_order) return;
    order.bind_order = session.bind_order();
    order.session = session.sender().session;
    order.shard = static_cast<std::uint8_t>(shard_);
  });
}

bool SessionTable::has_too_many(const flow::KickOrder& order) const noexcept {
  const accounts::ClientEntry* client = flow_.snapshot().clients->find(order.client);
  return client != nullptr && client->state->sessions.count() > order.most;
}

}  // namespace smppd::downstream
