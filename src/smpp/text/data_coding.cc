// data_coding in and out of its meaning; declared in charset.h.
#include <array>

#include "smpp/text/charset.h"

namespace smppd::smpp {
namespace {

constexpr std::array<std::string_view, kAlphabets> kNames = {"gsm7", "gsm7_packed", "latin1", "ascii",
                                                             "ucs2", "utf8",        "binary"};

Alphabet smpp_alphabet(std::uint8_t data_coding, Alphabet peer_default) noexcept {
  switch (data_coding) {
    case 0x00: return peer_default;
    case 0x01: return Alphabet::ascii;
    case 0x03: return Alphabet::latin1;
    case 0x08: return Alphabet::ucs2;
    default: return Alphabet::binary;
  }
}

Alphabet gsm_alphabet(unsigned bits, Alphabet peer_default) noexcept {
  switch (bits & 3U) {
    case 0: return peer_default;
    case 2: return Alphabet::ucs2;
    default: return Alphabet::binary;
  }
}

}  // namespace

std::string_view name_of(Alphabet alphabet) noexcept { return kNames[static_cast<std::size_t>(alphabet)]; }

std::optional<Alphabet> parse_alphabet(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Alphabet>(i);
  }
  return std::nullopt;
}

DataCoding read_data_coding(std::uint8_t data_coding, Alphabet peer_default) noexcept {
  DataCoding meaning;
  const unsigned group = data_coding >> 4U;
  const auto read_class = [&] { meaning.message_class = static_cast<std::uint8_t>(data_coding & 0x03U); };
  const auto read_waiting = [&](WaitingAction action, Alphabet alphabet) {
    meaning.alphabet = alphabet;
    meaning.waiting = action;
    meaning.waiting_kind = data_coding & 0x03U;
    meaning.waiting_active = (data_coding & 0x08U) != 0;
  };
  if (group == 0x0) {
    meaning.alphabet = smpp_alphabet(data_coding, peer_default);
  } else if (group <= 0x7) {  // general group, with (4-7) or without (1-3) automatic deletion
    meaning.compressed = (data_coding & 0x20U) != 0;
    meaning.alphabet = meaning.compressed ? Alphabet::binary : gsm_alphabet(data_coding >> 2U, peer_default);
    if ((data_coding & 0x10U) != 0) read_class();
  } else if (group == 0xC) {
    read_waiting(WaitingAction::discard, peer_default);
  } else if (group == 0xD) {
    read_waiting(WaitingAction::store, peer_default);
  } else if (group == 0xE) {
    read_waiting(WaitingAction::store, Alphabet::ucs2);
  } else if (group == 0xF) {
    meaning.alphabet = (data_coding & 0x04U) != 0 ? Alphabet::binary : peer_default;
    read_class();
  } else {
    meaning.alphabet = Alphabet::binary;  // reserved
  }
  return meaning;
}

std::optional<std::uint8_t> data_coding_for(Alphabet alphabet, Alphabet peer_default,
                                            std::optional<std::uint8_t> message_class) noexcept {
  if (message_class) {
    const unsigned class_bits = *message_class & 0x03U;
    if (alphabet == Alphabet::ucs2) return static_cast<std::uint8_t>(0x18U | class_bits);
    if (alphabet == Alphabet::binary) return static_cast<std::uint8_t>(0xF4U | class_bits);
    if (alphabet == peer_default) return static_cast<std::uint8_t>(0xF0U | class_bits);
    return std::nullopt;
  }
  switch (alphabet) {
    case Alphabet::ucs2: return std::uint8_t{0x08};
    case Alphabet::binary: return std::uint8_t{0x04};
    case Alphabet::ascii: return std::uint8_t{0x01};
    case Alphabet::latin1: return std::uint8_t{0x03};
    default: break;
  }
  if (alphabet == peer_default) return std::uint8_t{0x00};
  return std::nullopt;
}

}  // namespace smppd::smpp
