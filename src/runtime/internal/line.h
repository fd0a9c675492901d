// Connections that wait for their turn, in rounds: whoever comes while a round runs is part of the next. A loop's own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace smppd::runtime {

class Connection;

class Line {
 public:
  void add(Connection& connection) { next_.push_back(&connection); }
  [[nodiscard]] bool round_over() const noexcept { return at_ == now_.size(); }
  [[nodiscard]] bool empty() const noexcept { return round_over() && next_.empty(); }
  void begin_round() noexcept {
    now_.clear();
    at_ = 0;
    now_.swap(next_);
  }
  // The next of a round that is not over; null for one that left.
  [[nodiscard]] Connection* take() noexcept { return now_[at_++]; }
  // Calls `serve` for all, in order; those who come meanwhile stay for later.
  template <typename Serve>
  void serve_all(Serve serve) noexcept {
    const std::size_t later = next_.size();
    while (!round_over()) serve(take());
    begin_round();
    for (std::size_t i = 0; i < later; ++i) serve(take());
  }
  void leave(Connection& connection) noexcept {
    for (auto* round : {&now_, &next_}) {
      std::replace(round->begin(), round->end(), &connection, static_cast<Connection*>(nullptr));
    }
  }

 private:
  std::vector<Connection*> now_;
  std::vector<Connection*> next_;
  std::size_t at_ = 0;  // in the round that runs
};

}  // namespace smppd::runtime
