// Is this password the client's? One per process; any thread. Plain passwords are answered at once. Hashes are checked
// on the PasswordPool, and the answer is remembered as HMAC(process key, system_id, hash, password): a thousand
// re-binds cost one check, nothing that could be read back is kept, and a changed hash is a new question. Wrong answers
// are remembered apart from right ones, so that guessing evicts nobody. The same question asked while it is being
// checked waits for that answer.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "accounts/password.h"
#include "accounts/password_pool.h"
#include "message/ids.h"

namespace smppd::accounts {

class PasswordVerifier {
 public:
  struct Options {
    std::size_t remembered = 65'536;  // answers of each kind
    std::size_t askers = 4096;        // waiting for one answer
  };
  enum class Answer : std::uint8_t {
    kRight,
    kWrong,
    kLater,  // `done` will be called
    kBusy,   // try again later; SMPP: ESME_RTHROTTLED
  };
  // Called on a pool thread exactly once after kLater, unless the pool is destroyed first. Must be quick: post to your
  // shard and return.
  using Done = std::function<void(bool right)>;

  explicit PasswordVerifier(PasswordPool& pool);
  PasswordVerifier(PasswordPool& pool, Options options);
  PasswordVerifier(const PasswordVerifier&) = delete;
  PasswordVerifier& operator=(const PasswordVerifier&) = delete;
  ~PasswordVerifier();

  [[nodiscard]] Answer verify(message::ClientId client, std::string_view system_id, const Secret& secret,
                              std::string_view password, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the jobs under way
};

}  // namespace smppd::accounts
