#include "message/own_id.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/bytes.h"

namespace smppd::message {

namespace {

constexpr auto kEpoch = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
constexpr std::uint64_t kShardBits = 5;
constexpr std::uint64_t kNodeBits = 7;
constexpr std::uint64_t kShortLimit = std::uint64_t{1} << 32;
constexpr char kHex[] = "0123456789abcdef";

std::uint64_t tick_of(WallTime now) noexcept {
  const auto since = now - WallTime(kEpoch);
  return since <= Duration::zero() ? 1 : static_cast<std::uint64_t>(since / std::chrono::nanoseconds(200));
}

// The 64 bits sit in the last two groups; the first groups are a fixed mark of version 8 (RFC 9562 §5.8).
constexpr std::string_view kUuidHead = "736d7070-6400-8000-";

std::optional<OwnId> parse_hex(std::string_view text) noexcept {
  OwnId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

// Eight digits at once: each half of a word is spread until every octet holds a digit's value, the first digit on top.
void write_hex(char* at, std::uint32_t value) noexcept {
  std::uint64_t digits = value;
  digits = (digits << 16U | digits) & 0x0000'FFFF'0000'FFFFU;
  digits = (digits << 8U | digits) & 0x00FF'00FF'00FF'00FFU;
  digits = (digits << 4U | digits) & 0x0F0F'0F0F'0F0F'0F0FU;
  const std::uint64_t is_letter = ((digits + 0x0606'0606'0606'0606U) >> 4U) & 0x0101'0101'0101'0101U;
  store_be(reinterpret_cast<std::uint8_t*>(at), digits + 0x3030'3030'3030'3030U + is_letter * ('a' - '0' - 10));
}

}  // namespace

OwnIdGenerator::OwnIdGenerator(unsigned node, unsigned shard, WallTime now) noexcept
    : tick_(tick_of(now)),
      low_bits_((node & ((1U << kNodeBits) - 1)) << kShardBits | (shard & ((1U << kShardBits) - 1))),
      short_counter_(static_cast<std::uint32_t>(tick_ >> 12)),
      shard_(shard) {}

void OwnIdGenerator::start_after(OwnId given) noexcept { tick_ = std::max(tick_, given >> (kShardBits + kNodeBits)); }

OwnId OwnIdGenerator::next(WallTime now) noexcept {
  tick_ = std::max(tick_ + 1, tick_of(now));
  return tick_ << (kShardBits + kNodeBits) | low_bits_;
}

OwnId OwnIdGenerator::next_short() noexcept {
  ++short_counter_;
  const OwnId id = ((std::uint64_t{short_counter_} << kShardBits) | shard_) & (kShortLimit - 1);
  return id == 0 ? next_short() : id;
}

OwnIdText::OwnIdText(OwnId id, IdFormat format) noexcept {
  if (is_short(id)) {
    write_hex(text_, static_cast<std::uint32_t>(id));
    size_ = 8;
  } else if (format == IdFormat::kHex) {
    write_hex16(reinterpret_cast<std::uint8_t*>(text_), id);
    size_ = 16;
  } else if (format == IdFormat::kDecimal) {
    size_ = static_cast<std::uint8_t>(std::to_chars(text_, text_ + sizeof text_, id).ptr - text_);
  } else {
    char digits[16];
    write_hex16(reinterpret_cast<std::uint8_t*>(digits), id);
    digits[0] = kHex[0x8 | ((id >> 60) & 0x3)];  // the variant takes two bits that an id does not use before 2054
    std::memcpy(text_, kUuidHead.data(), kUuidHead.size());
    std::memcpy(text_ + kUuidHead.size(), digits, 4);
    text_[kUuidHead.size() + 4] = '-';
    std::memcpy(text_ + kUuidHead.size() + 5, digits + 4, 12);
    size_ = static_cast<std::uint8_t>(kUuidHead.size() + 17);
  }
}

std::optional<OwnId> parse_own_id(std::string_view text, IdFormat format) noexcept {
  if (text.size() == 8) return parse_hex(text);
  if (format == IdFormat::kDecimal) {
    OwnId id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return id;
  }
  if (format == IdFormat::kHex) return text.size() == 16 ? parse_hex(text) : std::nullopt;
  if (text.size() != kUuidHead.size() + 17 || !text.starts_with(kUuidHead)) return std::nullopt;
  const auto high = parse_hex(text.substr(kUuidHead.size(), 4));
  const auto low = parse_hex(text.substr(kUuidHead.size() + 5));
  if (!high || !low) return std::nullopt;
  return (*high & 0x3FFF) << 48 | *low;
}

}  // namespace smppd::message
