// Message ids made up here, for mock upstreams and `response:` routes: "mock-${counter}".
// Fields: ${counter} ${id} ${uuid} ${source_addr} ${destination_addr}. Compiled by the control thread, then immutable.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/facts.h"
#include "message/ids.h"

namespace smppd::message {

// The longest message_id a response may carry, without its NUL (SMPP 3.4 §5.2.23).
inline constexpr std::size_t kMaxMessageId = 64;

class IdText {
 public:
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }
  // What does not fit is left out.
  void append(std::string_view more) noexcept;

 private:
  std::array<char, kMaxMessageId> text_{};
  std::uint8_t size_ = 0;
};

class IdTemplate {
 public:
  // Refuses unknown fields, and templates whose ids could be longer than kMaxMessageId.
  [[nodiscard]] static Fallible<IdTemplate> compile(std::string_view text);

  struct Values {
    const MessageFacts& facts;
    OwnId id = 0;                           // written as 16 hexadecimal digits
    std::uint64_t counter = 0;              // written in decimal
    std::array<std::uint64_t, 2> random{};  // the bits of ${uuid}, version 4
  };
  void write(const Values& values, IdText& out) const noexcept;

 private:
  enum class Field : std::uint8_t { kLiteral, kCounter, kId, kUuid, kSourceAddr, kDestinationAddr };
  struct Piece {
    Field field = Field::kLiteral;
    std::string literal;
  };
  struct Known;

  std::vector<Piece> pieces_;
};

}  // namespace smppd::message
