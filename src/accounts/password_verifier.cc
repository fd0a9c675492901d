#include "accounts/password_verifier.h"

#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace smppd::accounts {
namespace {

using Question = std::array<std::uint8_t, 32>;

struct QuestionHash {
  std::size_t operator()(const Question& question) const noexcept {
    std::size_t hash;
    std::memcpy(&hash, question.data(), sizeof(hash));  // already uniform
    return hash;
  }
};

// A bounded set that forgets the least recently used half at a time.
class Remembered {
 public:
  explicit Remembered(std::size_t bound) : half_(bound / 2 + 1) {}
  bool has(const Question& question) {
    if (young_.contains(question)) return true;
    if (old_.erase(question) == 0) return false;
    add(question);
    return true;
  }
  void add(const Question& question) {
    if (young_.size() >= half_) {
      old_ = std::move(young_);
      young_.clear();
    }
    young_.insert(question);
  }

 private:
  std::size_t half_;
  std::unordered_set<Question, QuestionHash> young_;
  std::unordered_set<Question, QuestionHash> old_;
};

void append(std::string& to, std::string_view part) {
  const auto size = static_cast<std::uint32_t>(part.size());
  to.append(reinterpret_cast<const char*>(&size), sizeof(size));
  to.append(part);
}

void wipe(std::string& text) noexcept { OPENSSL_cleanse(text.data(), text.size()); }

}  // namespace

struct PasswordVerifier::State {
  State(PasswordPool& p, Options o) : pool(p), options(o), right(o.remembered), wrong(o.remembered) {
    if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) OPENSSL_die("no random numbers", __FILE__, __LINE__);
  }
  ~State() { OPENSSL_cleanse(key.data(), key.size()); }

  [[nodiscard]] Question question(std::string_view system_id, const Secret& secret, std::string_view password) const {
    std::string text;
    text.reserve(system_id.size() + secret.text().size() + password.size() + 12);
    append(text, system_id);
    append(text, secret.text());
    append(text, password);
    Question question{};
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const std::uint8_t*>(text.data()),
         text.size(), question.data(), nullptr);
    wipe(text);
    return question;
  }

  void answer(const Question& question, bool is_right) {
    std::vector<Done> waiting;
    {
      const std::lock_guard lock(mutex);
      (is_right ? right : wrong).add(question);
      auto node = asked.extract(question);
      waiting = std::move(node.mapped());
    }
    for (const Done& done : waiting) done(is_right);
  }

  PasswordPool& pool;
  const Options options;
  std::array<std::uint8_t, 32> key;
  std::mutex mutex;
  Remembered right;                                                     // guarded by mutex
  Remembered wrong;                                                     // guarded by mutex
  std::unordered_map<Question, std::vector<Done>, QuestionHash> asked;  // guarded by mutex: under way
};

PasswordVerifier::PasswordVerifier(PasswordPool& pool) : PasswordVerifier(pool, Options()) {}
PasswordVerifier::PasswordVerifier(PasswordPool& pool, Options options)
    : state_(std::make_shared<State>(pool, options)) {}
PasswordVerifier::~PasswordVerifier() = default;

PasswordVerifier::Answer PasswordVerifier::verify(message::ClientId client, std::string_view system_id,
                                                  const Secret& secret, std::string_view password, Done done) {
  if (secret.kind() == Secret::Kind::kNone) return Answer::kWrong;
  if (secret.kind() == Secret::Kind::kPlain) return secret.accepts(password) ? Answer::kRight : Answer::kWrong;
  const Question question = state_->question(system_id, secret, password);
  const std::lock_guard lock(state_->mutex);
  if (state_->right.has(question)) return Answer::kRight;
  if (state_->wrong.has(question)) return Answer::kWrong;
  const auto [asked, fresh] = state_->asked.try_emplace(question);
  if (!fresh) {
    if (asked->second.size() >= state_->options.askers) return Answer::kBusy;
    asked->second.push_back(std::move(done));
    return Answer::kLater;
  }
  asked->second.push_back(std::move(done));
  // However soon the job is done, its answer waits for the lock and so finds the question.
  const bool taken = state_->pool.submit(
      client.value(), [state = state_, question, secret, password = std::string(password)]() mutable {
        const bool right = secret.accepts(password);
        wipe(password);
        state->answer(question, right);
      });
  if (taken) return Answer::kLater;
  state_->asked.erase(asked);
  return Answer::kBusy;
}

}  // namespace smppd::accounts
