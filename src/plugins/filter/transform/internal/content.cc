#include "plugins/filter/transform/internal/content.h"

#include <algorithm>

#include "smpp/text/split.h"

namespace smppd::plugins {
namespace {

using smpp::Alphabet;
using smpp::Field;
using smpp::TlvTag;

constexpr unsigned kUdhi = 0x40;
constexpr std::size_t kMaxShortMessage = 254;
constexpr std::size_t kMaxPayload = 64'000;
constexpr std::size_t kConcatHeader = 6;  // what an SMSC writes for SAR parameters

Alphabet default_alphabet(const flow::MessageContext& context) noexcept {
  if (context.client == nullptr) return Alphabet::gsm7;
  return smpp::parse_alphabet(context.client->default_alphabet).value_or(Alphabet::gsm7);
}

// UCS-2 in the same class or waiting group; nullopt where there is no such data_coding.
std::optional<std::uint8_t> as_ucs2(std::uint8_t data_coding, const smpp::DataCoding& now, Alphabet peer_default) {
  if (now.waiting == smpp::WaitingAction::discard) return std::nullopt;
  if (now.waiting == smpp::WaitingAction::store) return static_cast<std::uint8_t>(0xE0U | (data_coding & 0x0FU));
  return smpp::data_coding_for(Alphabet::ucs2, peer_default, now.message_class);
}

// Octets of TP-User-Data, as an SMSC sends it on.
std::size_t air_octets(Alphabet alphabet, std::size_t header, std::size_t units) noexcept {
  if (alphabet != Alphabet::gsm7) return header + units;
  return header + smpp::gsm7_packed_octets(units, header == 0 ? 0 : smpp::gsm7_fill_bits(header));
}

}  // namespace

bool ContentWriter::encode(std::string_view utf8, const smpp::Coding& coding, smpp::Unencodable policy,
                           std::size_t& units) {
  encoded_.resize(smpp::max_octets(utf8.size()));
  const auto done = smpp::from_utf8(utf8, coding, encoded_, policy);
  units = done.written;
  return done.unencodable == 0 && done.read == utf8.size();
}

std::optional<ContentWriter::Encoding> ContentWriter::choose(const flow::MessageContext& context, std::string_view utf8,
                                                             std::optional<std::uint8_t> wanted,
                                                             std::size_t header_octets, smpp::Gsm7Tables tables) {
  const Alphabet peer_default = default_alphabet(context);
  Encoding encoding;
  encoding.data_coding = wanted.value_or(context.facts.data_coding);
  const auto coding = smpp::read_data_coding(encoding.data_coding, peer_default);
  encoding.alphabet = coding.alphabet;
  if (coding.alphabet == Alphabet::binary) return std::nullopt;
  const auto in = [&](Alphabet alphabet) {
    return smpp::Coding(alphabet, tables, header_octets == 0 ? 0 : smpp::gsm7_fill_bits(header_octets));
  };
  if (encode(utf8, in(coding.alphabet), smpp::Unencodable::stop, encoding.units)) return encoding;
  const auto ucs2 = as_ucs2(encoding.data_coding, coding, peer_default);
  const bool may_change = !wanted && ucs2 && context.draft.original().has(Field::data_coding);
  if (may_change && encode(utf8, in(Alphabet::ucs2), smpp::Unencodable::stop, encoding.units)) {
    encoding.data_coding = *ucs2;
    encoding.alphabet = Alphabet::ucs2;
    return encoding;
  }
  encode(utf8, in(coding.alphabet), smpp::Unencodable::transliterate, encoding.units);
  return encoding;
}

ContentWriter::Result ContentWriter::write(flow::MessageContext& context, std::string_view utf8,
                                           std::optional<std::uint8_t> data_coding) {
  auto& facts = context.facts;
  const auto& original = context.draft.original();
  const auto present = smpp::read_data_coding(facts.data_coding, default_alphabet(context));
  if (present.alphabet == Alphabet::binary) return Result::kNoText;

  ByteSpan header;
  bool is_part = original.tlv(TlvTag::sar_total_segments).has_value();
  smpp::Gsm7Tables tables;
  const bool has_header = (facts.esm_class & kUdhi) != 0;
  if (has_header) {
    const auto udh = smpp::UserDataHeader::parse(facts.short_message);
    if (!udh) return Result::kNoText;
    header = facts.short_message.first(udh->octets());
    tables = udh->languages();
  }
  const auto encoding = choose(context, utf8, data_coding, header.size(), tables);
  if (!encoding) return Result::kNoText;
  const std::size_t air_header = std::max(header.size(), is_part ? kConcatHeader : 0);
  is_part = is_part || has_header;
  if (is_part && air_octets(encoding->alphabet, air_header, encoding->units) > smpp::kAirOctets) {
    return Result::kTooLong;
  }

  next_body_.assign(header.begin(), header.end());
  next_body_.insert(next_body_.end(), encoded_.begin(),
                    encoded_.begin() + static_cast<std::ptrdiff_t>(encoding->units));
  const bool was_payload = original.octets(Field::short_message).empty() && original.tlv(TlvTag::message_payload);
  const bool in_payload = was_payload || !original.has(Field::short_message) || next_body_.size() > kMaxShortMessage;
  if (const auto placed = place(context, next_body_, in_payload); placed != Result::kWritten) return placed;
  if (encoding->data_coding != facts.data_coding) {
    context.draft.edit().set(Field::data_coding, encoding->data_coding);
    facts.data_coding = encoding->data_coding;
  }
  next_text_.assign(utf8);  // utf8 may be text_'s own
  text_.text.swap(next_text_);
  body_.swap(next_body_);
  facts.short_message = body_;
  facts.text = &text_;
  return Result::kWritten;
}

ContentWriter::Result ContentWriter::place(flow::MessageContext& context, const std::vector<std::uint8_t>& body,
                                           bool in_payload) {
  if (in_payload && (context.version == smpp::Version::v33 || body.size() > kMaxPayload)) return Result::kTooLong;
  auto& draft = context.draft.edit();
  if (context.draft.original().has(Field::short_message)) {
    draft.set(Field::short_message, in_payload ? ByteSpan() : ByteSpan(body));
  }
  if (in_payload) {
    draft.replace_tlv(TlvTag::message_payload, body);
  } else {
    draft.remove_tlv(TlvTag::message_payload);
  }
  return Result::kWritten;
}

}  // namespace smppd::plugins
