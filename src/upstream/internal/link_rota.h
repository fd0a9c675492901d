// In which order the links of a host take requests: one after the other, and those of one turn of the loop together as
// far as a quarter of a link's window. What travels together costs one write and comes back in one read, so that each
// client has its answers in one piece; a link that works off its requests one by one never has more to do than that
// quarter while others stand idle.
//
// Shard-local, part of its host. `Link` is a link, or what a test puts in its place: window_limit() is all it must
// have.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace smppd::upstream {

class LinkRota {
 public:
  static constexpr std::uint32_t kShare = 4;  // a run is a window divided by this, at least one request

  // The link for one more request: the first that `takes(link)` from the one whose run it is, null when none does.
  // `turn` is the time of the loop's turn. `links` may have grown, but not shrunk, since the last call.
  template <typename Link, typename Takes>
  [[nodiscard]] Link* next(const std::vector<Link*>& links, Instant turn, Takes takes) noexcept {
    if (left_ > 0 && turn_ == turn) {
      Link* const same = links[at_];
      if (takes(*same)) {
        --left_;
        return same;
      }
    }
    for (std::size_t tried = 0; tried < links.size(); ++tried) {
      at_ = at_ + 1 < links.size() ? at_ + 1 : 0;
      Link* const link = links[at_];
      if (!takes(*link)) continue;
      turn_ = turn;
      left_ = std::max<std::uint32_t>(link->window_limit() / kShare, 1) - 1;
      return link;
    }
    left_ = 0;
    return nullptr;
  }

 private:
  std::size_t at_ = 0;
  std::uint32_t left_ = 0;  // of the run of links[at_]
  Instant turn_{};
};

}  // namespace smppd::upstream
