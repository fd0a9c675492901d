#include "smppsim/shard.h"

#include <algorithm>

#include "smppsim/receipts.h"
#include "smppsim/session.h"

namespace smppd::sim {

Shard::Shard(unsigned own_index, runtime::EventLoop& own_loop, const Options& own_options, Directory& own_directory,
             PduLog* own_log)
    : index(own_index),
      loop(own_loop),
      options(own_options),
      directory(own_directory),
      log(own_log),
      random(own_options.seed + own_index),
      messages(*this, &on_message_due, own_options.limits.remember),
      rules(own_options.rules),
      rate_(own_options.limits.rate / own_options.threads, own_options.limits.rate / own_options.threads / 10) {}

Shard::~Shard() = default;

void Shard::listen(int fd) {
  acceptors_.push_back(std::make_unique<runtime::Acceptor>(loop, *this));
  acceptors_.back()->start(fd);
}

std::shared_ptr<Session> Shard::new_session(const runtime::SocketAddress& peer) {
  auto session = std::make_shared<Session>(*this, ++session_count_ * options.threads + index, peer);
  const auto [slot, handle] = sessions_.make(session);
  session->set_handle(handle);
  ++stats.connections;
  return session;
}

void Shard::on_accept(int fd, const runtime::SocketAddress& peer) noexcept { new_session(peer)->adopt(fd); }

void Shard::on_accept_error(int error) noexcept { (void)error; }

void Shard::connect_outbind(const runtime::SocketAddress& to) { new_session(to)->connect_outbind(to); }

void Shard::close_everything() noexcept {
  for (auto& acceptor : acceptors_) acceptor->stop();
  sessions_.for_each([](std::shared_ptr<Session>& session, SlabHandle) {
    std::shared_ptr<Session>(session)->close();  // closing lets go of the one in the table
  });
}

Session* Shard::session(SlabHandle handle) noexcept {
  const auto* found = sessions_.get(handle);
  return found == nullptr ? nullptr : found->get();
}

// The session may be on the call stack: it goes when the turn ends.
void Shard::forget(SlabHandle handle) noexcept {
  auto* found = sessions_.get(handle);
  if (found == nullptr) return;
  loop.retire(std::move(*found));
  sessions_.release(handle);
}

Account& Shard::account(const std::string& system_id) {
  Account& found = accounts_[system_id];
  if (found.system_id.empty()) found.system_id = system_id;
  return found;
}

// --- Deliveries ------------------------------------------------------------------------------------------------------

Session* Shard::pick_receiver(Account& account, Session* preferred) noexcept {
  auto& receivers = account.receivers;
  if (preferred != nullptr && preferred->can_take_delivery()) return preferred;
  for (std::size_t i = 0; i < receivers.size(); ++i) {
    Session* session = receivers[account.next++ % receivers.size()];
    if (session->can_take_delivery()) return session;
  }
  return nullptr;
}

void Shard::deliver(Account& account, ByteSpan pdu, DeliveryKind kind, Session* preferred) noexcept {
  if (account.receivers.empty() && options.threads > 1) {
    if (Shard* other = directory.receiving_shard(account.system_id, *this)) {
      other->loop.post([other, id = account.system_id,
                        delivery = Delivery{std::vector<std::uint8_t>(pdu.begin(), pdu.end()), kind}]() mutable {
        other->take_delivery(id, std::move(delivery));
      });
      return;
    }
  }
  if (account.waiting.empty()) {
    if (Session* session = pick_receiver(account, preferred)) {
      session->send_delivery(pdu, kind);
      return;
    }
  }
  if (account.waiting.size() >= options.limits.queue) {
    ++stats.deliveries_dropped;
    return;
  }
  account.waiting.push_back({std::vector<std::uint8_t>(pdu.begin(), pdu.end()), kind});
}

void Shard::take_delivery(const std::string& system_id, Delivery delivery) noexcept {
  Account& to = account(system_id);
  to.waiting.push_back(std::move(delivery));
  drain(to);
}

void Shard::drain(Account& account) noexcept {
  if (account.waiting.empty()) return;
  if (account.receivers.empty()) {
    if (options.threads == 1) return;
    Shard* other = directory.receiving_shard(account.system_id, *this);
    if (other == nullptr) return;
    std::deque<Delivery> moving;
    moving.swap(account.waiting);
    other->loop.post([other, id = account.system_id, moving = std::move(moving)]() mutable {
      for (Delivery& delivery : moving) other->take_delivery(id, std::move(delivery));
    });
    return;
  }
  while (!account.waiting.empty()) {
    Session* session = pick_receiver(account, nullptr);
    if (session == nullptr) return;
    const Delivery delivery = std::move(account.waiting.front());
    account.waiting.pop_front();
    session->send_delivery(delivery.pdu, delivery.kind);
  }
}

void Shard::add_receiver(Session& session, Account& account) {
  account.receivers.push_back(&session);
  account.version = session.version();
}

void Shard::remove_receiver(Session& session, Account& account) noexcept { std::erase(account.receivers, &session); }

}  // namespace smppd::sim
