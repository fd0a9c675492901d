#include <algorithm>
#include <cerrno>

#include "tests/sim/kernel.h"

namespace smppd::sim {

void Wire::send(ByteSpan bytes) {
  if (!alive() || peer_finished_ || bytes.empty()) return;
  enqueue(kToSmppd, bytes, false);
}

void Wire::tell(const char* what, ByteSpan pdu) const { kernel_.tell(number_, what, pdu); }

void Wire::close() {
  if (!alive() || peer_finished_) return;
  tell("peer closes");
  peer_finished_ = troubled_ = true;
  enqueue(kToSmppd, {}, true);
  tell_peer_closed();
}

// In pieces, each with its own time to travel, never overtaking.
void Wire::enqueue(Direction direction, ByteSpan bytes, bool fin) {
  if (reset_) return;
  Pipe& pipe = pipes_[direction];
  do {
    std::size_t piece = bytes.size();
    if (piece > 1 && kernel_.random.chance(network_.split)) piece = 1 + kernel_.random.below(piece - 1);
    pipe.last = std::max(pipe.last, kernel_.now_ + kernel_.latency(network_));
    pipe.on_the_way.push_back(
        {kernel_.now_, pipe.last, {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(piece)}, fin});
    pipe.in_flight += piece;
    bytes = bytes.subspan(piece);
  } while (!bytes.empty());
  schedule_pump(direction, pipe.on_the_way.front().at);
}

void Wire::schedule_pump(Direction direction, Instant at) {
  Pipe& pipe = pipes_[direction];
  if (pipe.pump_scheduled || pipe.on_the_way.empty()) return;
  pipe.pump_scheduled = true;
  kernel_.at(std::max(at, pipe.stalled_until), [this, direction, held = shared_from_this()] {
    pipes_[direction].pump_scheduled = false;
    pump(direction);
  });
}

void Wire::pump(Direction direction) {
  Pipe& pipe = pipes_[direction];
  while (!pipe.on_the_way.empty() && !reset_) {
    Segment& first = pipe.on_the_way.front();
    const Instant due = std::max(first.at, pipe.stalled_until);
    if (due > kernel_.now_) {
      schedule_pump(direction, due);
      return;
    }
    if (!deliver(direction, first)) return;  // the receive buffer is full; reading goes on with this
  }
}

bool Wire::deliver(Direction direction, Segment& first) {
  Pipe& pipe = pipes_[direction];
  if (direction == kToSmppd && unread_.size() - read_at_ >= network_.capacity) return false;
  Segment segment = std::move(first);
  pipe.on_the_way.pop_front();
  pipe.in_flight -= segment.bytes.size();
  for (std::uint8_t& octet : segment.bytes) {
    if (pipe.corrupt == 0 || !kernel_.random.chance(pipe.corrupt)) continue;
    octet = static_cast<std::uint8_t>(octet ^ (1 + kernel_.random.below(255)));
  }
  if (direction == kToSmppd) {
    if (fd_gone_) return true;
    unread_.insert(unread_.end(), segment.bytes.begin(), segment.bytes.end());
    fin_seen_ = fin_seen_ || segment.fin;
    kernel_.edge(fd_);
    return true;
  }
  if (want_write_ && pipe.in_flight < network_.capacity / 2) {
    want_write_ = false;
    kernel_.edge(fd_);
  }
  if (peer_gone_) {  // nobody is there: the answer is a reset
    reset();
    return true;
  }
  if (segment.fin) {
    tell_peer_closed();
  } else {
    written_ = segment.written;
    peer_->on_bytes(segment.bytes);
  }
  return true;
}

void Wire::reset() {
  if (reset_) return;
  tell("is reset");
  reset_ = troubled_ = true;
  for (Pipe& pipe : pipes_) {
    pipe.on_the_way.clear();
    pipe.in_flight = 0;
  }
  kernel_.note(static_cast<std::uint64_t>(number_));
  kernel_.after(kernel_.latency(network_), [this, held = shared_from_this()] {
    reset_seen_ = true;
    want_write_ = false;
    error_ = ECONNRESET;
    kernel_.edge(fd_);
  });
  kernel_.after(kernel_.latency(network_), [this, held = shared_from_this()] { tell_peer_closed(); });
}

void Wire::stall(Direction direction, Instant until) {
  tell(direction == kToSmppd ? "stalls to smppd" : "stalls to the peer");
  troubled_ = true;
  pipes_[direction].stalled_until = std::max(pipes_[direction].stalled_until, until);
}

void Wire::release() {
  for (const Direction direction : {kToSmppd, kToPeer}) {
    pipes_[direction].stalled_until = kernel_.now_;
    pipes_[direction].pump_scheduled = false;  // for after the stall
    kernel_.after(Duration::zero(), [this, direction, held = shared_from_this()] { pump(direction); });
  }
}

void Wire::tell_peer_closed() {
  if (peer_gone_) return;
  peer_gone_ = true;
  if (peer_ == nullptr) return;
  const auto peer = std::move(peer_);
  peer->on_closed();
  kernel_.after(Duration::zero(), [peer] {});  // its own functions may be on the stack
}

// Closing with octets unread is a reset, otherwise a FIN behind what was written.
void Wire::descriptor_closed() {
  tell("smppd closes");
  fd_gone_ = true;
  fd_ = -1;
  const bool dirty = read_at_ < unread_.size();
  unread_.clear();
  read_at_ = 0;
  if (peer_gone_ || reset_) return;
  if (dirty) {
    reset();
  } else {
    enqueue(kToPeer, {}, true);
  }
}

}  // namespace smppd::sim
