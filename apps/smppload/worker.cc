#include "smppload/worker.h"

#include <algorithm>

namespace smppd::load {

namespace {
constexpr Duration kHousekeeping = std::chrono::milliseconds(250);
constexpr Duration kPublish = std::chrono::milliseconds(5);
}  // namespace

Worker::Worker(runtime::EventLoop& loop, const Options& options, const Share& share, MessageTemplates templates,
               ReceiptTracker& receipts)
    : loop_(loop),
      options_(options),
      templates_(std::move(templates)),
      receipts_(receipts),
      pace_timer_(loop, &Worker::on_pace, this),
      housekeeping_(&Worker::on_housekeeping, this),
      publish_timer_(&Worker::on_publish, this),
      quota_(share.messages),
      rate_(share.rate) {
  for (const unsigned index : share.sessions) {
    switch (options.bind.mode) {
      case BindMode::transceiver:
        sessions_.push_back(std::make_unique<Session>(*this, index, Role::transceiver));
        break;
      case BindMode::transmitter:
        sessions_.push_back(std::make_unique<Session>(*this, index, Role::transmitter));
        break;
      case BindMode::receiver: sessions_.push_back(std::make_unique<Session>(*this, index, Role::receiver)); break;
      case BindMode::pair:
        sessions_.push_back(std::make_unique<Session>(*this, index, Role::receiver));
        sessions_.push_back(std::make_unique<Session>(*this, index, Role::transmitter));
        break;
    }
  }
  published_.settling = static_cast<unsigned>(sessions_.size());
}

void Worker::connect() {
  next_enquiry_ = loop_.now() + options_.enquire_interval;
  loop_.timers().arm(housekeeping_, loop_.now() + kHousekeeping);
  loop_.timers().arm(publish_timer_, loop_.now() + kPublish);
  for (auto& session : sessions_) session->connect();
  publish();
}

void Worker::start_sending(std::int64_t at) {
  sending_ = true;
  measured_from_ = at;
  if (rate_ > 0) {
    schedule_ = Schedule(rate_, options_.tick, at);
    pace_timer_.arm(schedule_.next());
  } else {
    pump_all();
  }
  publish();
}

void Worker::stop_sending() noexcept {
  sending_ = false;
  if (quota_ != UINT64_MAX) {
    stats_.not_sent += quota_ * templates_.parts();
  } else if (rate_ > 0) {
    schedule_.advance(now());
    stats_.not_sent += schedule_.backlog() * templates_.parts();
  }
  quota_ = 0;
  publish();
}

void Worker::end_warmup() noexcept {
  stats_.forget_warmup();
  measured_from_ = now();
}

void Worker::unbind_all() noexcept {
  finishing_ = true;
  for (auto& session : sessions_) session->unbind();
  publish();
}

void Worker::close_all() noexcept {
  finishing_ = true;
  for (auto& session : sessions_) session->close();
  housekeeping_.cancel();
  publish_timer_.cancel();
  publish();
}

Schedule::Due Worker::grant(unsigned wanted) noexcept {
  if (!sending_) return {};
  wanted = static_cast<unsigned>(std::min<std::uint64_t>(wanted, quota_));
  const Schedule::Due due = rate_ > 0 ? schedule_.take(wanted) : Schedule::Due{wanted, now()};
  if (quota_ != UINT64_MAX) quota_ -= due.messages;
  return due;
}

// Serves the sessions in turn, one message at a time when few are due, so that the load is even.
void Worker::pump_all() noexcept {
  const std::size_t count = sessions_.size();
  const bool open_loop = rate_ > 0;
  bool more = true;
  while (more) {
    more = false;
    const auto fair = open_loop ? std::max<std::uint64_t>(1, schedule_.backlog() / count) : UINT32_MAX;
    for (std::size_t i = 0; i < count; ++i) {
      if (open_loop && schedule_.backlog() == 0) return;
      Session& session = *sessions_[turn_];
      turn_ = (turn_ + 1) % count;
      if (session.pump(static_cast<unsigned>(std::min<std::uint64_t>(fair, UINT32_MAX))) > 0) more = open_loop;
    }
  }
}

void Worker::on_pace(void* self) noexcept {
  auto& worker = *static_cast<Worker*>(self);
  if (!worker.sending_ || worker.quota_ == 0) return;
  worker.schedule_.advance(worker.now());
  worker.pump_all();
  worker.pace_timer_.arm(worker.schedule_.next());
}

void Worker::on_housekeeping(void* self) noexcept {
  auto& worker = *static_cast<Worker*>(self);
  const Instant now = worker.loop_.now();
  const std::int64_t expired = (now - worker.options_.response_timeout).time_since_epoch().count();
  for (auto& session : worker.sessions_) session->expire(expired);
  if (now >= worker.next_enquiry_) {
    worker.next_enquiry_ = now + worker.options_.enquire_interval;
    for (auto& session : worker.sessions_) session->enquire();
  }
  worker.loop_.timers().arm(worker.housekeeping_, now + kHousekeeping);
}

void Worker::on_publish(void* self) noexcept {
  auto& worker = *static_cast<Worker*>(self);
  worker.publish();
  worker.loop_.timers().arm(worker.publish_timer_, worker.loop_.now() + kPublish);
}

void Worker::publish() noexcept {
  unsigned in_flight = 0;
  unsigned settling = 0;
  unsigned bound = 0;
  unsigned senders = 0;
  for (const auto& session : sessions_) {
    in_flight += session->in_flight();
    const auto state = session->state();
    if (state == Session::State::bound) {
      ++bound;
      senders += session->sends() ? 1 : 0;
    } else if (state != Session::State::ended) {
      ++settling;
    }
  }
  constexpr auto kRelaxed = std::memory_order_relaxed;
  published_.sent.store(stats_.sent, kRelaxed);
  published_.answered.store(stats_.answered, kRelaxed);
  published_.accepted.store(stats_.accepted, kRelaxed);
  published_.receipts.store(stats_.receipts_received, kRelaxed);
  published_.mo.store(stats_.mo_received, kRelaxed);
  published_.backlog.store(schedule_.backlog(), kRelaxed);
  published_.in_flight.store(in_flight, kRelaxed);
  published_.settling.store(settling, kRelaxed);
  published_.bound.store(bound, kRelaxed);
  published_.bound_senders.store(senders, kRelaxed);
  published_.exhausted.store(quota_ == 0, kRelaxed);
}

}  // namespace smppd::load
