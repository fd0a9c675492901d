#include "smppsim/later.h"

#include "smppsim/session.h"

namespace smppd::sim {

namespace {

void leave(void* self) noexcept {
  auto& held = *static_cast<HeldResponse*>(self);
  Shard& shard = held.shard;
  if (Session* session = shard.session(held.session)) {
    session->response_left();
    session->put(held.pdu);
    if (held.twice) session->put(held.pdu);
  }
  shard.later.responses.release(held.self);
}

void deliver_again(void* self) noexcept {
  auto& again = *static_cast<Redelivery*>(self);
  Shard& shard = again.shard;
  Account& account = again.account;
  ++shard.stats.deliveries_repeated;
  account.waiting.push_back(std::move(again.delivery));
  shard.later.deliveries.release(again.self);
  shard.drain(account);
}

}  // namespace

HeldResponse::HeldResponse(Shard& on, SlabHandle to, std::vector<std::uint8_t> bytes, bool again)
    : timer(&leave, this), shard(on), session(to), pdu(std::move(bytes)), twice(again) {}

Redelivery::Redelivery(Shard& on, Account& to, Delivery what)
    : timer(&deliver_again, this), shard(on), account(to), delivery(std::move(what)) {}

void hold_response(Shard& shard, SlabHandle session, std::vector<std::uint8_t> pdu, Duration latency, bool twice) {
  const auto [held, handle] = shard.later.responses.make(shard, session, std::move(pdu), twice);
  held->self = handle;
  shard.loop.timers().arm(held->timer, shard.loop.now() + latency);
}

void redeliver_later(Shard& shard, Account& account, Delivery delivery) {
  const auto [again, handle] = shard.later.deliveries.make(shard, account, std::move(delivery));
  again->self = handle;
  shard.loop.timers().arm(again->timer, shard.loop.now() + *shard.options.redeliver);
}

}  // namespace smppd::sim
