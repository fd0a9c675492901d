#include "flow/internal/directory.h"

#include <utility>

namespace smppd::flow {

namespace {

// Another shard may have given the same handle.
bool same_session(const Receiver& one, const Receiver& other) noexcept {
  return one.shard == other.shard && one.session == other.session;
}

// Whatever a regular expression needs beyond digits; without it the range is an address or the beginning of one.
bool is_plain(std::string_view range) noexcept {
  return range.find_first_not_of("+0123456789") == std::string_view::npos;
}

// Null for a plain prefix, and for what is no regular expression, which is taken for one.
std::shared_ptr<re2::RE2> compiled(std::string_view range) {
  if (is_plain(range)) return nullptr;
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  auto pattern = std::make_shared<re2::RE2>(re2::StringPiece(range.data(), range.size()), quiet);
  return pattern->ok() ? std::move(pattern) : nullptr;
}

}  // namespace

void Directory::add(const Receiver& receiver, std::string_view address_range) {
  const std::size_t client = place_of(receiver.client);
  if (by_client_.size() <= client) by_client_.resize(client + 1);
  if (places_.size() <= receiver.shard) places_.resize(receiver.shard + std::size_t{1});
  std::vector<Places>& of_shard = places_[receiver.shard];
  if (of_shard.size() <= receiver.session.index) of_shard.resize(receiver.session.index + std::size_t{1});

  std::vector<Receiver>& receivers = by_client_[client];
  of_shard[receiver.session.index] = {static_cast<std::uint32_t>(receivers.size()), kNowhere};
  receivers.push_back(receiver);
  ++count_;
  if (address_range.empty()) return;
  of_shard[receiver.session.index].in_ranged = static_cast<std::uint32_t>(ranged_.size());
  ranged_.push_back({receiver, std::string(address_range), compiled(address_range)});
}

void Directory::remove(const Receiver& receiver) noexcept {
  const std::size_t client = place_of(receiver.client);
  if (client >= by_client_.size() || receiver.shard >= places_.size()) return;
  if (receiver.session.index >= places_[receiver.shard].size()) return;

  const auto [in_client, in_ranged] = places(receiver);
  std::vector<Receiver>& receivers = by_client_[client];
  if (in_client >= receivers.size() || !same_session(receivers[in_client], receiver)) return;
  --count_;
  if (in_client + std::size_t{1} != receivers.size()) {
    receivers[in_client] = receivers.back();
    places(receivers[in_client]).in_client = in_client;
  }
  receivers.pop_back();

  if (in_ranged == kNowhere) return;
  if (in_ranged + std::size_t{1} != ranged_.size()) {
    ranged_[in_ranged] = std::move(ranged_.back());
    places(ranged_[in_ranged].receiver).in_ranged = in_ranged;
  }
  ranged_.pop_back();
}

Candidates Directory::of(message::ClientId client, std::uint8_t near) noexcept {
  const std::size_t place = place_of(client);
  if (place >= by_client_.size() || by_client_[place].empty()) return {};
  return Candidates(by_client_[place], ++turn_, near);
}

bool Directory::covers(const Ranged& ranged, std::string_view destination) noexcept {
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
