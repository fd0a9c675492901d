#include "accounts/password.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>

namespace smppd::accounts {
namespace {

constexpr unsigned kMaxArgonMemoryKib = 1 << 20;
constexpr unsigned kMaxArgonPasses = 1000;
constexpr unsigned kMaxArgonLanes = 64;

// Takes "m=65536" off the front of `text`; 0 if it is not there.
unsigned parameter(std::string_view& text, char name, char after) {
  unsigned value = 0;
  if (text.size() < 3 || text[0] != name || text[1] != '=') return 0;
  const auto [end, problem] = std::from_chars(text.data() + 2, text.data() + text.size(), value);
  if (problem != std::errc{} || end == text.data() + text.size() || *end != after) return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return value;
}

bool is_base64(std::string_view text) {
  return text.size() >= 8 &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") ==
             std::string_view::npos;
}

// The library only says whether it can read a hash after it has worked through it, so its shape is checked here.
bool is_argon2id(std::string_view text) {
  constexpr std::string_view kOpening = "$argon2id$";
  if (!text.starts_with(kOpening)) return false;
  text.remove_prefix(kOpening.size());
  const unsigned version = parameter(text, 'v', '$');
  const unsigned memory = parameter(text, 'm', ',');
  const unsigned passes = parameter(text, 't', ',');
  const unsigned lanes = parameter(text, 'p', '$');
  const std::size_t dollar = text.find('$');
  if (version == 0 || passes == 0 || lanes == 0 || dollar == std::string_view::npos) return false;
  if (version > 0x13 || memory < 8 * lanes || memory > kMaxArgonMemoryKib) return false;
  return passes <= kMaxArgonPasses && lanes <= kMaxArgonLanes && is_base64(text.substr(0, dollar)) &&
         is_base64(text.substr(dollar + 1));
}

// "$2b$10$...": each step doubles the work; 20 takes a minute.
bool has_bearable_bcrypt_cost(std::string_view text) {
  int cost = 0;
  const auto [end, problem] =
      std::from_chars(text.data() + 4, text.data() + std::min<std::size_t>(text.size(), 6), cost);
  return problem == std::errc{} && end == text.data() + 6 && cost >= 4 && cost <= 20;
}

bool is_crypt(const std::string& text) {
  struct Shape {
    std::string_view opening;
    std::size_t tail;  // characters of the digest after the last $
  };
  static constexpr std::array<Shape, 6> kShapes{
      {{"$2a$", 53}, {"$2b$", 53}, {"$2y$", 53}, {"$5$", 43}, {"$6$", 86}, {"$y$", 43}}};
  for (const Shape& shape : kShapes) {
    if (!text.starts_with(shape.opening)) continue;
    if (shape.opening[1] == '2' && !has_bearable_bcrypt_cost(text)) return false;
    const int salt = crypt_checksalt(text.c_str());
    return salt != CRYPT_SALT_INVALID && salt != CRYPT_SALT_METHOD_DISABLED &&
           text.size() - text.rfind('$') - 1 == shape.tail;
  }
  return false;
}

bool crypt_accepts(const std::string& hash, std::string_view password) {
  if (password.size() >= CRYPT_MAX_PASSPHRASE_SIZE || password.find('\0') != std::string_view::npos) return false;
  std::string terminated(password);
  auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(terminated.c_str(), hash.c_str(), data.get());
  const bool right = made != nullptr && equal_in_constant_time(made, hash);
  OPENSSL_cleanse(terminated.data(), terminated.size());
  OPENSSL_cleanse(data.get(), sizeof(crypt_data));
  return right;
}

}  // namespace

Secret Secret::plain(std::string password) { return {Kind::kPlain, std::move(password)}; }

Fallible<Secret> Secret::hashed(std::string hash) {
  if (is_argon2id(hash)) return Secret(Kind::kArgon2id, std::move(hash));
  if (is_crypt(hash)) return Secret(Kind::kCrypt, std::move(hash));
  return failure("the hash is none of argon2id ($argon2id$), bcrypt ($2b$), sha-crypt ($5$, $6$) or yescrypt ($y$)");
}

bool Secret::accepts(std::string_view password) const noexcept {
  switch (kind_) {
    case Kind::kNone: return false;
    case Kind::kPlain: return equal_in_constant_time(text_, password);
    case Kind::kArgon2id: return argon2id_verify(text_.c_str(), password.data(), password.size()) == ARGON2_OK;
    case Kind::kCrypt: return crypt_accepts(text_, password);
  }
  return false;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace smppd::accounts
