// What the server tells of receipts: the id formats of its upstreams, and the receipts that found no message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/time.h"

namespace smppd::admin {

// What the receipts of one upstream do to the ids of its responses.
struct ReceiptFormat {
  std::string upstream;
  std::string configured;   // auto, as_is, hex_to_dec, dec_to_hex
  std::string learned;      // empty: nothing (yet), or a format is configured
  std::uint64_t as_is = 0;  // pairs that showed it
  std::uint64_t hex_to_dec = 0;
  std::uint64_t dec_to_hex = 0;
  std::uint64_t ambiguous = 0;  // pairs that fit more than one
  std::string response_id;      // of the last pair that was looked at, its middle masked; empty: none was
  std::string receipt_id;
};

struct UnmatchedReceipt {
  std::string upstream;
  WallTime received{};
  std::string id;  // empty: none was found in it
  std::string source_addr;
  std::string destination_addr;
  std::string stat;
  std::string err;
  std::string text;  // short_message as it came
};

struct UnmatchedReceipts {
  std::vector<UnmatchedReceipt> receipts;
  std::size_t kept = 0;       // on all shards, for all upstreams
  std::uint64_t dropped = 0;  // for want of room, since the start
};

struct ReplayOutcome {
  std::size_t tried = 0;
  std::size_t matched = 0;  // found their message and are kept no longer
  std::size_t away = 0;     // of these nothing could be told: their client has no session that receives
};

// Called on the HTTP thread, like Backend: must return at once; a callback may come from any thread, once. An empty
// upstream means all.
class ReceiptBackend {
 public:
  virtual ~ReceiptBackend() = default;
  virtual void receipt_formats(std::function<void(std::vector<ReceiptFormat>)> done) = 0;
  // Newest first, at most `limit`.
  virtual void unmatched_receipts(const std::string& upstream, std::size_t limit,
                                  std::function<void(UnmatchedReceipts)> done) = 0;
  virtual void replay_receipts(const std::string& upstream, std::function<void(ReplayOutcome)> done) = 0;
};

}  // namespace smppd::admin
