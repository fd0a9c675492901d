#include "smppload/text_payload.h"

#include <algorithm>

#include "smpp/text/charset.h"
#include "smpp/text/split.h"

namespace smppd::load {

namespace {

using smpp::Alphabet;

constexpr std::size_t kReferenceOctets = 6;  // 05 00 03 ref total part

// Octets repeated and cut to `size`; UCS-2 loses no half character.
std::string fill(const std::string& octets, std::size_t size, Alphabet alphabet) {
  std::string out;
  out.reserve(size + octets.size());
  while (out.size() < size) out += octets.empty() ? "x" : octets;
  out.resize(alphabet == Alphabet::ucs2 ? size & ~std::size_t{1} : size);
  return out;
}

Fallible<Alphabet> choose_alphabet(const MessageOptions& message) {
  if (message.octets) return Alphabet::binary;
  if (message.data_coding) return smpp::read_data_coding(*message.data_coding, Alphabet::gsm7).alphabet;
  const auto smallest = smpp::smallest_alphabet(message.text);
  if (!smallest) return failure("--text is not UTF-8");
  return *smallest;
}

std::string encode(std::string_view text, Alphabet alphabet) {
  return alphabet == Alphabet::binary ? std::string(text) : smpp::from_utf8(text, alphabet);
}

// The text again and again until it takes as many parts as asked for; further ones are left off.
Fallible<std::vector<std::string>> cut(const std::string& text, Alphabet alphabet, unsigned parts, std::size_t part) {
  const smpp::SplitLimits limits{0, part};
  const std::size_t units = std::max<std::size_t>(smpp::text_units(text, alphabet), 1);
  std::string whole;
  for (std::size_t i = 0; i < part * parts / units; ++i) whole += text;
  while (smpp::Splitter(whole, alphabet, limits).parts() < parts) {
    whole += text.empty() ? "x" : text;
    if (smpp::text_units(whole, alphabet) > (parts + 1) * part + units)
      return failure("--long: the text cannot be cut");
  }
  smpp::Splitter splitter(whole, alphabet, limits);
  std::vector<std::string> out;
  std::string_view piece;
  while (out.size() < parts && splitter.next(piece)) out.push_back(encode(piece, alphabet));
  return out;
}

}  // namespace

Fallible<Payload> make_payload(const MessageOptions& message) {
  Payload payload;
  const auto alphabet = choose_alphabet(message);
  if (!alphabet) return failure(alphabet.error());
  const std::uint8_t fallback = message.octets ? 4 : 0;  // octets of no alphabet
  payload.data_coding =
      message.data_coding.value_or(smpp::data_coding_for(*alphabet, Alphabet::gsm7).value_or(fallback));
  const std::string& text = message.octets ? *message.octets : message.text;
  if (message.parts == 1) {
    payload.parts.push_back(encode(text, *alphabet));
    if (message.size) payload.parts.front() = fill(payload.parts.front(), *message.size, *alphabet);
    return payload;
  }
  std::size_t room = smpp::split_limits(*alphabet, smpp::ConcatReference::bits8).part;
  if (message.size) room = std::clamp<std::size_t>(*message.size, 4, room);
  auto parts = cut(text, *alphabet, message.parts, room);
  if (!parts) return failure(parts.error());
  payload.has_udh = true;
  for (unsigned i = 0; i < message.parts; ++i) {
    const char header[kReferenceOctets] = {5, 0, 3, 0, static_cast<char>(message.parts), static_cast<char>(i + 1)};
    payload.parts.push_back(std::string(header, sizeof header) + (*parts)[i]);
  }
  return payload;
}

}  // namespace smppd::load
