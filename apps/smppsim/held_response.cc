#include "smppsim/held_response.h"

#include <memory>

#include "smppsim/session.h"

namespace smppd::sim {

namespace {

// Owns itself until its time has come; what is still held when the shard goes is freed with the process.
struct HeldResponse {
  HeldResponse(Shard& on, SlabHandle to, std::vector<std::uint8_t> bytes, bool again)
      : timer(&HeldResponse::leave, this), shard(on), session(to), pdu(std::move(bytes)), twice(again) {}

  static void leave(void* self) noexcept {
    const std::unique_ptr<HeldResponse> held(static_cast<HeldResponse*>(self));
    Session* session = held->shard.session(held->session);
    if (session == nullptr) return;
    session->response_left();
    session->put(held->pdu);
    if (held->twice) session->put(held->pdu);
  }

  runtime::Timer timer;
  Shard& shard;
  SlabHandle session;
  std::vector<std::uint8_t> pdu;
  bool twice;
};

struct Redelivery {
  Redelivery(Shard& on, Account& to, Delivery what)
      : timer(&Redelivery::leave, this), shard(on), account(to), delivery(std::move(what)) {}

  static void leave(void* self) noexcept {
    const std::unique_ptr<Redelivery> again(static_cast<Redelivery*>(self));
    ++again->shard.stats.deliveries_repeated;
    again->account.waiting.push_back(std::move(again->delivery));
    again->shard.drain(again->account);
  }

  runtime::Timer timer;
  Shard& shard;
  Account& account;
  Delivery delivery;
};

}  // namespace

void hold_response(Shard& shard, SlabHandle session, std::vector<std::uint8_t> pdu, Duration latency, bool twice) {
  auto held = std::make_unique<HeldResponse>(shard, session, std::move(pdu), twice);
  shard.loop.timers().arm(held.release()->timer, shard.loop.now() + latency);
}

void redeliver_later(Shard& shard, Account& account, Delivery delivery) {
  auto again = std::make_unique<Redelivery>(shard, account, std::move(delivery));
  shard.loop.timers().arm(again.release()->timer, shard.loop.now() + *shard.options.redeliver);
}

}  // namespace smppd::sim
