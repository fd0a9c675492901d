// Writes a new text into a message: alphabet, header, size. Sans-I/O; one per filter, its buffers are used again.
// SMPP 3.4 §4.4.1 (short_message, message_payload), 3GPP TS 23.040 §9.2.3.24 (user data header). interop rows 39,
// 44-46.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/filter.h"
#include "smpp/text/charset.h"
#include "smpp/text/udh.h"

namespace smppd::plugins {

class ContentWriter {
 public:
  enum class Result : std::uint8_t {
    kWritten,
    kNoText,   // binary, compressed, or a header that is none: left as it was
    kTooLong,  // ESME_RINVMSGLEN
  };

  // Makes `utf8` the text of the message. Under `data_coding` if given: what that alphabet lacks is replaced by the
  // nearest there is. Else under the present one, or in UCS-2 when it lacks a character. Updates the facts; what they
  // then point to lives in this object until the next message that is written.
  Result write(flow::MessageContext& context, std::string_view utf8, std::optional<std::uint8_t> data_coding);

 private:
  struct Encoding {
    std::uint8_t data_coding = 0;
    smpp::Alphabet alphabet = smpp::Alphabet::gsm7;
    std::size_t units = 0;
  };
  class Text final : public message::TextSource {
   public:
    [[nodiscard]] std::string_view utf8() noexcept override { return text; }
    std::string text;
  };

  bool encode(std::string_view utf8, const smpp::Coding& coding, smpp::Unencodable policy, std::size_t& units);
  std::optional<Encoding> choose(const flow::MessageContext& context, std::string_view utf8,
                                 std::optional<std::uint8_t> wanted, std::size_t header_octets,
                                 smpp::Gsm7Tables tables);
  static Result place(flow::MessageContext& context, const std::vector<std::uint8_t>& body, bool in_payload);

  std::vector<std::uint8_t> encoded_;
  std::vector<std::uint8_t> body_, next_body_;
  Text text_;
  std::string next_text_;
};

}  // namespace smppd::plugins
