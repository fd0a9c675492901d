#include "flow/segmenter.h"

#include <algorithm>
#include <array>
#include <limits>

#include "flow/internal/adapt.h"
#include "flow/internal/facts_of.h"
#include "smpp/flags.h"
#include "smpp/text/split.h"

namespace smppd::flow {

namespace {

using config::LongText;
using smpp::Alphabet;
using smpp::CommandStatus;
using smpp::Field;
using smpp::TlvTag;
using smpp::Version;

constexpr unsigned kUdhi = smpp::EsmClass::kUdhi;
constexpr std::uint8_t kReceiptBits = 0x1F;  // of registered_delivery: final, delivery acknowledgement, intermediate
constexpr std::uint8_t kFinalReceipt = smpp::RegisteredDelivery::kReceiptMask;
constexpr std::uint8_t kAnyFinalReceipt = 0x01;
constexpr std::size_t kConcat8 = 5;  // octets of the element
constexpr std::size_t kConcat16 = 6;

// A message's text, taken apart.
struct Body {
  bool well_formed = true;  // its header is one
  std::optional<smpp::UserDataHeader> header;
  ByteSpan text;
  smpp::DataCoding coding;
  smpp::Gsm7Tables tables;
  std::size_t other_elements = 0;  // octets in the header that are not of concatenation
  bool in_short_message = false;   // the PDU has that field

  [[nodiscard]] bool packed() const noexcept { return coding.alphabet == Alphabet::gsm7_packed; }
};

Body read_body(const smpp::PduView& pdu, const PeerSide& to) noexcept {
  Body body;
  body.text = body_of(pdu);
  body.coding = smpp::read_data_coding(pdu.u8(Field::data_coding), to.alphabet);
  body.in_short_message = pdu.spec()->has(Field::short_message);
  if (!smpp::EsmClass{pdu.u8(Field::esm_class)}.has_udh()) return body;
  body.header = smpp::UserDataHeader::parse(body.text);
  if (!body.header) {
    body.well_formed = false;
    return body;
  }
  for (const smpp::InformationElement element : *body.header) {
    if (element.id != smpp::iei::kConcat8 && element.id != smpp::iei::kConcat16) {
      body.other_elements += 2 + element.data.size();
    }
  }
  body.text = body.text.subspan(body.header->octets());
  body.tables = body.header->languages();
  return body;
}

// What fits, in septets or octets, behind a header of `octets` (its length octet included).
std::size_t fitting(const Body& body, std::size_t octets, const PeerSide& to) noexcept {
  std::size_t room = body.in_short_message ? short_message_limit(to) : std::numeric_limits<std::uint16_t>::max();
  room = room > octets ? room - octets : 0;
  return body.packed() ? smpp::gsm7_packed_septets(room, octets == 0 ? 0 : smpp::gsm7_fill_bits(octets)) : room;
}

smpp::SplitLimits limits_of(const Body& body, const PeerSide& to, const LongRules& rules) noexcept {
  const auto reference = rules.wide_reference ? smpp::ConcatReference::bits16 : smpp::ConcatReference::bits8;
  smpp::SplitLimits limits = smpp::split_limits(body.coding.alphabet, reference, body.other_elements);
  const std::size_t others = body.other_elements == 0 ? 0 : 1 + body.other_elements;
  std::size_t of_part = others;
  if (rules.method == LongText::kUdh) of_part = 1 + body.other_elements + (rules.wide_reference ? kConcat16 : kConcat8);
  limits.single = std::min(limits.single, fitting(body, others, to));
  limits.part = std::min(limits.part, fitting(body, of_part, to));
  return limits;
}

std::size_t units_of(const Body& body) noexcept {
  if (!body.packed()) return body.text.size();
  return smpp::gsm7_packed_septets(body.text.size(), body.header ? smpp::gsm7_fill_bits(body.header->octets()) : 0);
}

// Septets one by one, UTF-16 in network order: text that can be cut anywhere between its characters.
ByteSpan plain_text(const Body& body) {
  static thread_local std::vector<std::uint8_t> plain;
  if (body.packed()) {
    const unsigned fill = body.header ? smpp::gsm7_fill_bits(body.header->octets()) : 0;
    plain.resize(smpp::gsm7_packed_septets(body.text.size(), fill));
    plain.resize(smpp::gsm7_unpack(body.text, plain, fill));
    return plain;
  }
  // Only the first part would have the mark that says so.
  const bool swapped =
      body.coding.alphabet == Alphabet::ucs2 && body.text.size() > 1 && body.text[0] == 0xFF && body.text[1] == 0xFE;
  if (!swapped) return body.text;
  plain.assign(body.text.begin(), body.text.end());
  for (std::size_t i = 0; i + 1 < plain.size(); i += 2) std::swap(plain[i], plain[i + 1]);
  return plain;
}

// Header and text as they lie in short_message; `plain` as plain_text() gives it.
ByteSpan user_data(ByteSpan header, ByteSpan plain, bool packed) {
  static thread_local std::vector<std::uint8_t> joined;
  joined.assign(header.begin(), header.end());
  if (!packed) {
    joined.insert(joined.end(), plain.begin(), plain.end());
    return joined;
  }
  const unsigned fill = header.empty() ? 0 : smpp::gsm7_fill_bits(header.size());
  joined.resize(header.size() + smpp::gsm7_packed_octets(plain.size(), fill));
  (void)smpp::gsm7_pack(plain, std::span(joined).subspan(header.size()), fill);
  return joined;
}

void set_sar(smpp::PduBuilder& builder, const smpp::Concat& concat) {
  const smpp::SarTlvs sar = smpp::sar_from_concat(concat);
  std::array<std::uint8_t, 2> reference{};
  store_be(reference.data(), sar.ref_num);
  builder.replace_tlv(TlvTag::sar_msg_ref_num, reference)
      .replace_tlv(TlvTag::sar_total_segments, ByteSpan(&sar.total_segments, 1))
      .replace_tlv(TlvTag::sar_segment_seqnum, ByteSpan(&sar.segment_seqnum, 1));
}

void remove_sar(smpp::PduBuilder& builder) {
  for (const TlvTag tag : {TlvTag::sar_msg_ref_num, TlvTag::sar_total_segments, TlvTag::sar_segment_seqnum}) {
    builder.remove_tlv(tag);
  }
}

void set_body(smpp::PduBuilder& builder, const smpp::PduView& from, ByteSpan header, ByteSpan octets,
              bool in_short_message) {
  const unsigned esm_class = from.u8(Field::esm_class);
  builder.set(Field::esm_class, static_cast<std::uint8_t>(header.empty() ? esm_class & ~kUdhi : esm_class | kUdhi));
  if (in_short_message) {
    builder.remove_tlv(TlvTag::message_payload);
    builder.set(Field::short_message, octets);
  } else {
    builder.replace_tlv(TlvTag::message_payload, octets);
  }
}

std::uint8_t receipts_of_part(std::uint8_t asked, const LongRules& rules, bool last) noexcept {
  if (rules.receipts == config::PartReceipts::kLast && !last) return static_cast<std::uint8_t>(asked & ~kReceiptBits);
  // Which state the message ends in is known only when each part's is.
  if (rules.receipts == config::PartReceipts::kAllParts && (asked & kFinalReceipt) != 0) {
    return static_cast<std::uint8_t>((asked & ~kFinalReceipt) | kAnyFinalReceipt);
  }
  return asked;
}

std::expected<void, CommandStatus> written(const smpp::PduBuilder& builder, std::uint32_t sequence,
                                           std::vector<std::uint8_t>& out) {
  if (builder.encode(out, CommandStatus::ESME_ROK, sequence)) return {};
  return std::unexpected(CommandStatus::ESME_RSYSERR);
}

std::expected<std::uint8_t, CommandStatus> move_to_payload(const smpp::PduView& whole, const PeerSide& to,
                                                           smpp::PduBuilder& builder, std::vector<std::uint8_t>& out) {
  const ByteSpan body = body_of(whole);
  builder.from(whole, to.version);
  if (whole.spec()->has(Field::short_message)) builder.set(Field::short_message, ByteSpan{});
  builder.replace_tlv(TlvTag::message_payload, body);
  if (const auto done = written(builder, whole.sequence_number(), out); !done) return std::unexpected(done.error());
  return std::uint8_t{1};
}

}  // namespace

LongRules long_rules(const config::Upstream& upstream, const config::Multipart& multipart) noexcept {
  LongRules rules;
  if (upstream.message.long_messages == LongText::kAsIs) return rules;
  rules.references = multipart.reference.mode;
  rules.wide_reference = multipart.reference.wide;
  rules.receipts = multipart.segmentation.receipts;
  rules.max_parts = static_cast<std::uint8_t>(std::clamp(multipart.segmentation.max_parts, 1, 255));
  if (upstream.message.long_messages) {
    rules.method = *upstream.message.long_messages;
  } else if (multipart.segmentation.enabled) {
    rules.method = multipart.segmentation.method;
    if (smpp::from_interface_version(upstream.bind.interface_version) == Version::v33) rules.method = LongText::kUdh;
  }
  if (rules.method == LongText::kAsIs) return rules;
  // Half of what fits in the tightest alphabet: a letter of another alphabet may take two septets here.
  constexpr std::uint32_t kNeverTooLong = smpp::kAirOctets / 2;
  const int most = upstream.message.max_length;
  rules.look_above = most == 0 ? kNeverTooLong : std::min(kNeverTooLong, static_cast<std::uint32_t>(most) / 2);
  return rules;
}

std::optional<smpp::Concat> part_of(const smpp::PduView& pdu) noexcept {
  if (smpp::EsmClass{pdu.u8(Field::esm_class)}.has_udh()) {
    const auto header = smpp::UserDataHeader::parse(body_of(pdu));
    if (header) {
      if (const auto concat = header->concat()) return concat;
    }
  }
  return smpp::concat_of_tlvs(pdu.tlv_bytes());
}

bool exceeds_one(const smpp::PduView& whole, const PeerSide& to, const LongRules& rules) noexcept {
  const Body body = read_body(whole, to);
  return body.well_formed && units_of(body) > limits_of(body, to, rules).single;
}

std::expected<std::uint8_t, CommandStatus> cut_message(const smpp::PduView& whole, const PeerSide& to,
                                                       const LongRules& rules, std::uint16_t reference,
                                                       smpp::PduBuilder& builder, std::vector<std::uint8_t>& out) {
  if (rules.method == LongText::kPayload) return move_to_payload(whole, to, builder, out);
  const Body body = read_body(whole, to);
  const Alphabet alphabet = body.packed() ? Alphabet::gsm7 : body.coding.alphabet;
  smpp::SplitLimits limits = limits_of(body, to, rules);
  limits.single = 0;  // without the padding of packed text it might seem to fit
  smpp::OctetSplitter splitter(plain_text(body), {alphabet, body.tables}, limits);
  if (splitter.parts() == 0 || splitter.parts() > rules.max_parts) {
    return std::unexpected(CommandStatus::ESME_RINVMSGLEN);
  }
  smpp::Concat concat{reference, static_cast<std::uint8_t>(splitter.parts()), 0, rules.wide_reference};
  if (!concat.is16) concat.ref &= 0xFFU;
  const std::uint8_t asked = whole.u8(Field::registered_delivery);
  builder.from(whole, to.version);
  remove_sar(builder);
  ByteSpan text;
  while (splitter.next(text)) {
    ++concat.part;
    smpp::UdhBuilder header;
    const bool by_header = rules.method == LongText::kUdh;
    if ((by_header && !header.add(concat)) || (body.header && !header.add_all_but_concat(*body.header))) {
      return std::unexpected(CommandStatus::ESME_RINVMSGLEN);
    }
    if (!by_header) set_sar(builder, concat);
    set_body(builder, whole, header.bytes(), user_data(header.bytes(), text, body.packed()), body.in_short_message);
    builder.set(Field::registered_delivery, receipts_of_part(asked, rules, concat.part == concat.total));
    if (concat.part == 2 && body.in_short_message) {
      builder.set(Field::replace_if_present_flag, 0);  // or each part would replace the one before
    }
    if (const auto done = written(builder, whole.sequence_number(), out); !done) return std::unexpected(done.error());
  }
  return concat.total;
}

bool rewrite_part(const smpp::PduView& part, const PeerSide& to, const LongRules& rules,
                  std::optional<std::uint16_t> reference, smpp::PduBuilder& builder, std::vector<std::uint8_t>& out) {
  const Body body = read_body(part, to);
  const auto by_header = body.header ? body.header->concat() : std::nullopt;
  auto concat = by_header ? by_header : smpp::concat_of_tlvs(part.tlv_bytes());
  if (!concat || !body.well_formed) return false;
  bool to_header = by_header.has_value();
  if (rules.method == LongText::kUdh) to_header = true;
  if (rules.method == LongText::kSar && to.version != Version::v33) to_header = false;
  const bool moves = to_header != by_header.has_value();
  if (!moves && (!reference || *reference == concat->ref)) return false;
  if (reference) concat->ref = *reference;
  if (moves && to_header) {
    // An SMSC has to make the shorter header of a small reference, or the text would not fit the air.
    const std::size_t wide_fits =
        smpp::split_limits(body.coding.alphabet, smpp::ConcatReference::bits16, body.other_elements).part;
    concat->is16 = concat->ref > 0xFF && units_of(body) <= wide_fits;
    if (!concat->is16) concat->ref &= 0xFFU;
    const std::size_t header = 1 + body.other_elements + (concat->is16 ? kConcat16 : kConcat8);
    const auto reach = concat->is16 ? smpp::ConcatReference::bits16 : smpp::ConcatReference::bits8;
    const std::size_t fits =
        std::min(smpp::split_limits(body.coding.alphabet, reach, body.other_elements).part, fitting(body, header, to));
    if (units_of(body) > fits) return false;
  }
  smpp::UdhBuilder header;
  if ((to_header && !header.add(*concat)) || (body.header && !header.add_all_but_concat(*body.header))) return false;
  builder.from(part, to.version);
  if (to_header) {
    remove_sar(builder);
  } else {
    set_sar(builder, *concat);
  }
  const bool in_short = body.in_short_message && !part.octets(Field::short_message).empty();
  set_body(builder, part, header.bytes(), user_data(header.bytes(), plain_text(body), body.packed()), in_short);
  return written(builder, part.sequence_number(), out).has_value();
}

}  // namespace smppd::flow
