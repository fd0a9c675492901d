// A client's secret as the configuration gives it, and the slow check of a password against a hash. Immutable, shared
// by all shards. PasswordVerifier is what binds go through.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace smppd::accounts {

class Secret {
 public:
  enum class Kind : std::uint8_t {
    kNone,  // no password is right
    kPlain,
    kArgon2id,  // $argon2id$v=19$m=...,t=...,p=...$salt$hash
    kCrypt,     // $2a$ $2b$ $2y$ bcrypt, $5$ and $6$ sha-crypt, $y$ yescrypt
  };

  Secret() = default;
  bool operator==(const Secret&) const = default;
  [[nodiscard]] static Secret plain(std::string password);
  // Fails with a sentence that does not contain the hash.
  [[nodiscard]] static Fallible<Secret> hashed(std::string hash);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }  // the password or the hash

  // Takes 1 to 100 ms for hashes: never on a shard. Any thread.
  [[nodiscard]] bool accepts(std::string_view password) const noexcept;

 private:
  Secret(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}

  Kind kind_ = Kind::kNone;
  std::string text_;
};

// Compares without telling by its duration where the difference is; only the lengths show.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace smppd::accounts
