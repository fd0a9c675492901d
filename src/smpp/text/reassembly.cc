#include "smpp/text/reassembly.h"

#include <algorithm>
#include <functional>
#include <iterator>

namespace smppd::smpp {
namespace {

std::string group_name(std::string_view key, const Concat& concat) {
  std::string name(key);
  name += static_cast<char>(concat.is16 ? 16 : 8);
  name += static_cast<char>(concat.ref >> 8U);
  name += static_cast<char>(concat.ref & 0xFFU);
  name += static_cast<char>(concat.total);
  return name;
}

}  // namespace

std::string Reassembler::Message::joined() const {
  std::string all;
  for (const auto& part : parts) all += part.octets;
  return all;
}

Reassembler::Added Reassembler::add(Instant now, std::string_view key, const Concat& concat, ByteSpan octets,
                                    std::uint64_t tag) {
  if (concat.part == 0 || concat.part > concat.total) return {Outcome::refused, {}};
  forget_done(now);
  const auto digest = std::hash<std::string_view>{}(as_text(octets));
  auto name = group_name(key, concat);
  Added added;
  const auto found = index_.find(name);
  auto group = found == index_.end() ? open_.end() : found->second;
  bool is_new = found == index_.end();
  if (!is_new) {
    const auto& digests = group->digests;
    const auto known =
        std::find_if(digests.begin(), digests.end(), [&](const Digest& part) { return part.number == concat.part; });
    is_new = known != digests.end();  // other content under the same reference: another message
    if (is_new && known->value == digest) return {Outcome::duplicate, {}};
  }
  const bool displaces = is_new && found != index_.end();
  const bool displaces_open = displaces && !group->done;
  const std::size_t part_weight = sizeof(Part) + sizeof(Digest) + octets.size();
  if (!fits(part_weight + (is_new ? sizeof(Group) + name.size() : 0), is_new && !displaces_open)) {
    return {Outcome::refused, {}};
  }
  if (displaces) {
    auto old = take(group);
    if (displaces_open) added.message = std::move(old);
  }
  if (is_new) group = open_group(now, std::move(name), key, concat);

  group->digests.push_back({concat.part, digest});
  octets_ += part_weight;
  auto& parts = group->message.parts;
  const auto at = std::lower_bound(parts.begin(), parts.end(), concat.part,
                                   [](const Part& part, std::uint8_t number) { return part.number < number; });
  parts.insert(at, Part{concat.part, std::string(as_text(octets)), tag});
  if (!group->message.complete()) return added;
  // Nothing was displaced then: an incomplete message has two parts or more, and so has the one that reuses its name.
  return {Outcome::complete, finish(now, group)};
}

std::optional<Reassembler::Message> Reassembler::expire(Instant now) {
  forget_done(now);
  if (open_.empty() || open_.front().deadline > now) return std::nullopt;
  return take(open_.begin());
}

std::optional<Instant> Reassembler::next_deadline() const noexcept {
  if (open_.empty()) return std::nullopt;
  return open_.front().deadline;
}

std::optional<Reassembler::Message> Reassembler::drain() {
  if (open_.empty()) return std::nullopt;
  return take(open_.begin());
}

bool Reassembler::fits(std::size_t more_octets, bool new_message) const noexcept {
  if (new_message && open_.size() >= limits_.max_messages) return false;
  return octets_ + more_octets <= limits_.max_octets;
}

std::size_t Reassembler::weight(const Group& group) noexcept {
  std::size_t octets = sizeof(Group) + group.name.size();
  for (const auto& part : group.message.parts) octets += sizeof(Part) + sizeof(Digest) + part.octets.size();
  return octets;
}

Reassembler::Groups::iterator Reassembler::open_group(Instant now, std::string name, std::string_view key,
                                                      const Concat& concat) {
  auto& group = open_.emplace_back();
  group.name = std::move(name);
  group.message.key = key;
  group.message.concat = concat;
  group.deadline = now + limits_.timeout;
  octets_ += weight(group);
  const auto at = std::prev(open_.end());
  index_.emplace(at->name, at);
  return at;
}

Reassembler::Message Reassembler::take(Groups::iterator group) {
  if (!group->done) octets_ -= weight(*group);
  Message message = std::move(group->message);
  index_.erase(group->name);
  (group->done ? done_ : open_).erase(group);
  return message;
}

// The group stays, without its octets, to know duplicates.
Reassembler::Message Reassembler::finish(Instant now, Groups::iterator group) {
  octets_ -= weight(*group);
  Message message = std::move(group->message);
  group->message = {};
  group->done = true;
  group->deadline = now + limits_.remember;
  done_.splice(done_.end(), open_, group);
  if (done_.size() > limits_.max_messages) (void)take(done_.begin());
  return message;
}

void Reassembler::forget_done(Instant now) {
  while (!done_.empty() && done_.front().deadline <= now) (void)take(done_.begin());
}

}  // namespace smppd::smpp
