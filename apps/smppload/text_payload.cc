#include "smppload/text_payload.h"

#include <algorithm>

namespace smppd::load {

namespace {

constexpr std::size_t kPartOctets = 134;  // 140 less the header 05 00 03 ref total part
constexpr std::size_t kPartSeptets = 153;

std::string repeated(const std::string& text, std::size_t size) {
  std::string out;
  out.reserve(size + text.size());
  while (out.size() < size) out += text.empty() ? "x" : text;
  out.resize(size);
  return out;
}

}  // namespace

Fallible<Payload> make_payload(const MessageOptions& message) {
  Payload payload;
  payload.data_coding = message.data_coding.value_or(0);
  std::string octets = message.octets.value_or(message.text);
  if (message.parts == 1) {
    if (message.size) octets = repeated(octets, *message.size);
    payload.parts.push_back(std::move(octets));
    return payload;
  }
  const std::size_t room = payload.data_coding == 0 ? kPartSeptets : kPartOctets;
  const std::size_t each = std::min<std::size_t>(message.size.value_or(static_cast<std::uint32_t>(room)), room);
  const std::string whole = repeated(octets, each * message.parts);
  payload.has_udh = true;
  for (unsigned i = 0; i < message.parts; ++i) {
    const char header[] = {5, 0, 3, 0, static_cast<char>(message.parts), static_cast<char>(i + 1)};
    payload.parts.push_back(std::string(header, sizeof header) + whole.substr(i * each, each));
  }
  return payload;
}

}  // namespace smppd::load
