// Small value types that several sections of the configuration share. Plain values, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace smppd::config {

using Millis = std::chrono::milliseconds;

// Where a value stands in the user's file, for messages that come after loading.
struct Mark {
  int line = 0;      // 1-based; 0 when the value is a default
  std::string path;  // upstreams[0].hosts[1]
  // A thing that moved within the file is still the same thing: reload compares whole objects.
  bool operator==(const Mark&) const { return true; }
};

struct Endpoint {
  std::string host;  // empty: all interfaces (listeners only)
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

struct RateLimit {
  double messages_per_second = 0;  // 0: unlimited
  double burst = 0;                // 0: one second's worth
  bool operator==(const RateLimit&) const = default;
};

// One value of a match: exact, glob or regex, as written.
struct Pattern {
  enum class Kind : std::uint8_t { kExact, kGlob, kPrefix, kRegex };
  Kind kind = Kind::kExact;
  std::string text;
  bool operator==(const Pattern&) const = default;
};

}  // namespace smppd::config
