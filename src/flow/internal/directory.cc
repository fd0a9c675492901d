#include "flow/internal/directory.h"

#include <algorithm>

namespace smppd::flow {

namespace {

// Whatever a regular expression needs beyond digits; without it the range is an address or the beginning of one.
bool is_plain(std::string_view range) noexcept {
  return range.find_first_not_of("+0123456789") == std::string_view::npos;
}

}  // namespace

void Directory::add(const Receiver& receiver, std::string_view address_range) {
  const std::size_t place = place_of(receiver.client);
  if (by_client_.size() <= place) by_client_.resize(place + 1);
  by_client_[place].push_back(receiver);
  ++count_;
  Ranged ranged{receiver, std::string(address_range), nullptr};
  if (!is_plain(address_range)) {
    re2::RE2::Options quiet;
    quiet.set_log_errors(false);
    auto pattern = std::make_shared<re2::RE2>(ranged.range, quiet);
    if (pattern->ok()) ranged.pattern = std::move(pattern);
  }
  ranged_.push_back(std::move(ranged));
}

void Directory::remove(std::uint8_t shard, SlabHandle session) {
  const auto is_it = [&](const Receiver& r) { return r.shard == shard && r.session == session; };
  for (std::vector<Receiver>& receivers : by_client_) {
    const auto gone = std::erase_if(receivers, is_it);
    if (gone == 0) continue;
    count_ -= gone;
    break;
  }
  std::erase_if(ranged_, [&](const Ranged& r) { return is_it(r.receiver); });
}

Candidates Directory::of(message::ClientId client, std::uint8_t near) noexcept {
  const std::size_t place = place_of(client);
  if (place >= by_client_.size() || by_client_[place].empty()) return {};
  return Candidates(by_client_[place], ++turn_, near);
}

bool Directory::covers(const Ranged& ranged, std::string_view destination) noexcept {
  if (ranged.range.empty()) return false;
  if (ranged.pattern != nullptr)
    return re2::RE2::FullMatch(re2::StringPiece(destination.data(), destination.size()), *ranged.pattern);
  std::string_view range = ranged.range;
  if (range.starts_with('+')) range.remove_prefix(1);
  if (destination.starts_with('+')) destination.remove_prefix(1);
  return destination.starts_with(range);
}

Candidates Directory::covering(std::string_view destination) noexcept {
  found_.clear();
  for (const Ranged& ranged : ranged_) {
    if (covers(ranged, destination)) found_.push_back(ranged.receiver);
  }
  return Candidates(found_, ++turn_);
}

}  // namespace smppd::flow
