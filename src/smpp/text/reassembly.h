// Putting the parts of long messages together again, whatever their order, with duplicates and losses.
//
// Shard-local; no clock and no I/O of its own. A message is complete when all its parts are there, whichever came last.
// Bounds: messages and octets held; a part beyond them is refused and the caller passes it on alone, so nothing is lost
// in silence. A message that stays incomplete is given out as it is after the timeout.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "smpp/text/udh.h"

namespace smppd::smpp {

class Reassembler {
 public:
  struct Limits {
    std::size_t max_messages = 10'000;                // incomplete ones; as many completed ones are remembered
    std::size_t max_octets = std::size_t{16} << 20U;  // memory of incomplete messages, bookkeeping included
    Duration timeout = std::chrono::minutes(5);
    Duration remember = std::chrono::minutes(1);  // completed messages, to know late duplicates
  };

  struct Part {
    std::uint8_t number = 0;
    std::string octets;     // without the header
    std::uint64_t tag = 0;  // the caller's
  };

  struct Message {
    std::string key;
    Concat concat;            // of its first part to arrive
    std::vector<Part> parts;  // by number; some are missing unless complete()
    [[nodiscard]] bool complete() const noexcept { return parts.size() == concat.total; }
    // Octets of all parts in order. Text that is packed, or whose parts differ in coding, must be decoded part by part.
    [[nodiscard]] std::string joined() const;
  };

  enum class Outcome : std::uint8_t {
    waiting,    // kept
    complete,   // `message` is whole
    duplicate,  // this part is already here, or its message was given out: answer it and forget it
    refused,    // at a bound: pass the part on by itself
  };

  struct Added {
    Outcome outcome = Outcome::waiting;
    // The whole message; or, with `waiting`, the incomplete older one whose reference this part's message has reused.
    std::optional<Message> message;
  };

  explicit Reassembler(const Limits& limits) : limits_(limits) {}
  Reassembler(const Reassembler&) = delete;
  Reassembler& operator=(const Reassembler&) = delete;

  // `key` names who sent to whom over what (upstream or client, source, destination): parts are only ever joined under
  // one key. `concat` as parsed: 1 <= part <= total.
  [[nodiscard]] Added add(Instant now, std::string_view key, const Concat& concat, ByteSpan octets,
                          std::uint64_t tag = 0);

  // One message whose time is up, as far as it came, oldest first; nullopt when there is none.
  [[nodiscard]] std::optional<Message> expire(Instant now);
  // When expire() will next have something to do.
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;
  // The oldest message, whatever its age: for shutdown.
  [[nodiscard]] std::optional<Message> drain();

  [[nodiscard]] std::size_t messages() const noexcept { return open_.size(); }
  [[nodiscard]] std::size_t octets() const noexcept { return octets_; }

 private:
  struct Digest {
    std::uint8_t number;
    std::size_t value;
  };
  struct Group {
    std::string name;  // key and reference; what the index holds views of
    Message message;
    std::vector<Digest> digests;  // of the parts that came, in order of coming
    Instant deadline{};
    bool done = false;
  };
  using Groups = std::list<Group>;

  [[nodiscard]] bool fits(std::size_t more_octets, bool new_message) const noexcept;
  [[nodiscard]] static std::size_t weight(const Group& group) noexcept;
  Groups::iterator open_group(Instant now, std::string name, std::string_view key, const Concat& concat);
  Message take(Groups::iterator group);
  Message finish(Instant now, Groups::iterator group);
  void forget_done(Instant now);

  Limits limits_;
  Groups open_;  // oldest first
  Groups done_;  // oldest first; messages are empty
  std::unordered_map<std::string_view, Groups::iterator> index_;
  std::size_t octets_ = 0;
};

}  // namespace smppd::smpp
