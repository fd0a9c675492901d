#include "message/id_template.h"

#include <algorithm>
#include <charconv>

#include "message/own_id.h"

namespace smppd::message {
namespace {

constexpr std::size_t kMaxAddress = 20;  // SMPP 3.4 §5.2.8

void append_uuid(const std::array<std::uint64_t, 2>& random, IdText& out) noexcept {
  std::array<char, 36> text{};
  std::size_t at = 0;
  for (std::size_t nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) text[at++] = '-';
    unsigned value = random[nibble / 16] >> (nibble % 16 * 4) & 0xFU;
    if (nibble == 12) value = 4;                      // version
    if (nibble == 16) value = (value & 0x3U) | 0x8U;  // variant
    text[at++] = "0123456789abcdef"[value];
  }
  out.append({text.data(), text.size()});
}

}  // namespace

struct IdTemplate::Known {
  std::string_view name;
  Field field;
  std::size_t octets;  // at most

  static const Known* find(std::string_view name) noexcept {
    static constexpr std::array kAll = {Known{"counter", Field::kCounter, 20}, Known{"id", Field::kId, 16},
                                        Known{"uuid", Field::kUuid, 36},
                                        Known{"source_addr", Field::kSourceAddr, kMaxAddress},
                                        Known{"destination_addr", Field::kDestinationAddr, kMaxAddress}};
    const auto* at = std::find_if(kAll.begin(), kAll.end(), [&](const Known& known) { return known.name == name; });
    return at == kAll.end() ? nullptr : at;
  }
};

void IdText::append(std::string_view more) noexcept {
  more = more.substr(0, text_.size() - size_);
  std::copy(more.begin(), more.end(), text_.begin() + size_);
  size_ = static_cast<std::uint8_t>(size_ + more.size());
}

Fallible<IdTemplate> IdTemplate::compile(std::string_view text) {
  IdTemplate result;
  std::size_t octets = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto open = text.find("${", at);
    const auto literal = text.substr(at, open - at);
    if (!literal.empty()) result.pieces_.push_back({Field::kLiteral, std::string(literal)});
    octets += literal.size();
    if (open == std::string_view::npos) break;
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) return failure("'" + std::string(text) + "': ${ without }");
    const auto name = text.substr(open + 2, close - open - 2);
    const Known* known = Known::find(name);
    if (known == nullptr) {
      return failure("'" + std::string(text) + "': unknown field ${" + std::string(name) +
                     "}; known are counter, id, uuid, source_addr and destination_addr");
    }
    result.pieces_.push_back({known->field, {}});
    octets += known->octets;
    at = close + 1;
  }
  if (octets == 0) return failure("a message id may not be empty");
  if (octets > kMaxMessageId) {
    return failure("'" + std::string(text) + "': may become longer than the 64 octets of a message_id");
  }
  return result;
}

void IdTemplate::write(const Values& values, IdText& out) const noexcept {
  for (const Piece& piece : pieces_) {
    switch (piece.field) {
      case Field::kLiteral: out.append(piece.literal); break;
      case Field::kCounter: {
        std::array<char, 20> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), values.counter).ptr;
        out.append({digits.data(), static_cast<std::size_t>(end - digits.data())});
        break;
      }
      case Field::kId: out.append(OwnIdText(values.id, IdFormat::kHex).view()); break;
      case Field::kUuid: append_uuid(values.random, out); break;
      case Field::kSourceAddr: out.append(values.facts.source_addr.substr(0, kMaxAddress)); break;
      case Field::kDestinationAddr: out.append(values.facts.destination_addr.substr(0, kMaxAddress)); break;
    }
  }
}

}  // namespace smppd::message
