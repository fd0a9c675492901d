#include "flow/internal/adapt.h"

#include <algorithm>
#include <array>
#include <string>

#include "flow/internal/facts_of.h"
#include "smpp/flags.h"
#include "smpp/text/charset.h"
#include "smpp/text/udh.h"

namespace smppd::flow {

namespace {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;
using smpp::TlvTag;
using smpp::Version;

constexpr unsigned kUdhi = 0x40;  // of esm_class

// The longest text a message can have: a message_payload of 64 KiB.
constexpr std::size_t kMaxText = 65'536;

bool alphabets_differ(const smpp::PduView& view, const PeerSide& from, const PeerSide& to) noexcept {
  if (from.alphabet == to.alphabet) return false;
  const std::uint8_t coding = view.u8(Field::data_coding);
  return smpp::read_data_coding(coding, from.alphabet).alphabet != smpp::read_data_coding(coding, to.alphabet).alphabet;
}

// A 3.3 peer gets no TLVs, even from another 3.3 peer: receipts have gained some on their way.
bool has_what_33_lacks(const smpp::PduView& view, const PeerSide& to) noexcept {
  return to.version == Version::v33 && (!view.tlv_bytes().empty() || view.id() == CommandId::data_sm);
}

// The body in the alphabet the other side reads, its UDH untouched.
void transcode_body(ByteSpan body, std::uint8_t esm_class, std::uint8_t coding, const PeerSide& from,
                    const PeerSide& to, std::vector<std::uint8_t>& out) {
  ByteSpan text = body;
  out.clear();
  if (smpp::EsmClass{esm_class}.has_udh()) {
    text = without_udh(body);
    out.assign(body.begin(), body.end() - static_cast<std::ptrdiff_t>(text.size()));
  }
  const std::size_t header = out.size();
  out.resize(header + smpp::max_octets(smpp::max_utf8_octets(text.size())));
  const auto converted = smpp::transcode(text, smpp::Coding(smpp::read_data_coding(coding, from.alphabet).alphabet),
                                         smpp::Coding(smpp::read_data_coding(coding, to.alphabet).alphabet),
                                         std::span(out).subspan(header));
  out.resize(header + converted.written);
}

// Puts the text where this peer can read it: short_message while it fits, else message_payload.
CommandStatus place_text(smpp::PduBuilder& builder, ByteSpan text, const PeerSide& to) {
  const bool has_short = smpp::spec_of(builder.id())->has(Field::short_message);
  if (has_short && text.size() <= short_message_limit(to)) {
    builder.remove_tlv(TlvTag::message_payload);
    builder.set(Field::short_message, text);
    return CommandStatus::ESME_ROK;
  }
  if (to.version == Version::v33 || text.size() >= kMaxText) return CommandStatus::ESME_RINVMSGLEN;
  if (has_short) builder.set(Field::short_message, ByteSpan{});
  builder.replace_tlv(TlvTag::message_payload, text);
  return CommandStatus::ESME_ROK;
}

// data_sm in the clothes of submit_sm or deliver_sm, for peers that know no data_sm.
void redress(const smpp::PduView& view, CommandId as, Version version, smpp::PduBuilder& builder) {
  builder.reset(as, version);
  for (const Field field : {Field::service_type, Field::source_addr, Field::destination_addr}) {
    builder.set(field, view.text(field));
  }
  for (const Field field : {Field::source_addr_ton, Field::source_addr_npi, Field::dest_addr_ton, Field::dest_addr_npi,
                            Field::esm_class, Field::registered_delivery, Field::data_coding}) {
    builder.set(field, view.u8(field));
  }
  for (const smpp::Tlv tlv : view.tlvs()) builder.add_tlv(tlv.tag, tlv.value);
}

// 3.3 has no TLVs: sar parameters become a user data header, or the parts would arrive as messages of their own.
ByteSpan with_sar_as_header(const smpp::PduView& view, ByteSpan text, smpp::PduBuilder& builder) {
  static thread_local std::vector<std::uint8_t> joined;
  const auto part = smpp::concat_of_tlvs(view.tlv_bytes());
  const std::uint8_t esm_class = view.u8(Field::esm_class);
  if (!part || smpp::EsmClass{esm_class}.has_udh()) return text;
  smpp::UdhBuilder header;
  header.add(*part);
  joined.assign(header.bytes().begin(), header.bytes().end());
  joined.insert(joined.end(), text.begin(), text.end());
  builder.set(Field::esm_class, static_cast<std::uint8_t>(esm_class | kUdhi));
  return joined;
}

void apply_defaults(const config::MessageDefaults& defaults, const message::MessageFacts& facts,
                    smpp::PduBuilder& builder) {
  if (defaults.registered_delivery && facts.registered_delivery == 0) {
    builder.set(Field::registered_delivery, *defaults.registered_delivery);
  }
  if (!defaults.service_type.empty() && facts.service_type.empty()) {
    builder.set(Field::service_type, defaults.service_type);
  }
  if (defaults.source_addr_ton && facts.source_addr_ton == 0) {
    builder.set(Field::source_addr_ton, *defaults.source_addr_ton);
  }
  if (defaults.source_addr_npi && facts.source_addr_npi == 0) {
    builder.set(Field::source_addr_npi, *defaults.source_addr_npi);
  }
}

// Whether apply_defaults() would change anything.
bool fills_in(const UpstreamFacts& to, const message::MessageFacts& facts) noexcept {
  if (!to.has_defaults) return false;
  const config::MessageDefaults& defaults = to.options->message;
  return (defaults.registered_delivery && facts.registered_delivery == 0) ||
         (!defaults.service_type.empty() && facts.service_type.empty()) ||
         (defaults.source_addr_ton && facts.source_addr_ton == 0) ||
         (defaults.source_addr_npi && facts.source_addr_npi == 0);
}

std::expected<void, CommandStatus> finish(const smpp::PduView& view, const PeerSide& from, const PeerSide& to,
                                          smpp::PduBuilder& builder, std::vector<std::uint8_t>& out) {
  static thread_local std::vector<std::uint8_t> transcoded;
  const bool transcode = alphabets_differ(view, from, to);
  const ByteSpan body = body_of(view);
  if (transcode || body.size() > short_message_limit(to) || to.version == Version::v33) {
    ByteSpan text = body;
    if (transcode) {
      transcode_body(body, view.u8(Field::esm_class), view.u8(Field::data_coding), from, to, transcoded);
      text = transcoded;
    }
    if (to.version == Version::v33) text = with_sar_as_header(view, text, builder);
    if (const auto status = place_text(builder, text, to); status != CommandStatus::ESME_ROK) {
      return std::unexpected(status);
    }
  }
  const auto encoded = builder.encode(out, CommandStatus::ESME_ROK, view.sequence_number());
  if (encoded) return {};
  const auto problem = encoded.error().problem;
  const bool too_much = problem == smpp::EncodeProblem::too_long || problem == smpp::EncodeProblem::payload_in_v33;
  return std::unexpected(too_much ? CommandStatus::ESME_RINVMSGLEN : CommandStatus::ESME_RSYSERR);
}

struct Message {
  Draft& draft;
  const message::MessageFacts& facts;
  const PeerSide& from;
  const UpstreamFacts& upstream;
};

// `to`: the side it is written for, the upstream's or one with more room.
std::expected<void, CommandStatus> adapt_to(const Message& m, const PeerSide& to, smpp::PduBuilder& builder,
                                            std::vector<std::uint8_t>& out) {
  static thread_local std::vector<std::uint8_t> edited;
  const smpp::PduView& original = m.draft.original();
  const smpp::PduView* view = &original;
  // By what the upstream is, also where `to` has more room.
  const bool redresses = original.id() == CommandId::data_sm && m.upstream.side.version == Version::v33;
  // A filter rewrote it: take what it wrote through the wire form of the client's version, then adapt that.
  smpp::PduView again;
  if (m.draft.edited()) {
    edited.clear();
    const auto encoded = m.draft.edit().encode(edited, CommandStatus::ESME_ROK, original.sequence_number());
    if (!encoded || !again.decode(edited)) return std::unexpected(CommandStatus::ESME_RSYSERR);
    if (!redresses && !fills_in(m.upstream, m.facts) && fits_as_it_is(again, m.from, to)) {
      out.insert(out.end(), edited.begin(), edited.end());
      return {};
    }
    view = &again;
  }
  if (redresses) {
    redress(*view, CommandId::submit_sm, to.version, builder);
  } else {
    builder.from(*view, to.version);
  }
  if (m.upstream.has_defaults) apply_defaults(m.upstream.options->message, m.facts, builder);
  return finish(*view, m.from, to, builder, out);
}

}  // namespace

std::size_t short_message_limit(const PeerSide& to) noexcept {
  const std::size_t most = to.version == Version::v33 ? 254 : to.version == Version::v34 ? 254 : 255;
  return to.max_short_message == 0 ? most : std::min<std::size_t>(to.max_short_message, most);
}

bool fits_as_it_is(const smpp::PduView& view, const PeerSide& from, const PeerSide& to) noexcept {
  if (has_what_33_lacks(view, to) || alphabets_differ(view, from, to)) return false;
  const std::size_t text =
      view.message_layout() ? view.short_message().size() : view.octets(Field::short_message).size();
  return text <= short_message_limit(to);
}

std::uint32_t plain_below(const UpstreamFacts& to) noexcept {
  if (to.has_defaults || to.side.version == Version::v33) return 0;
  return std::min(static_cast<std::uint32_t>(short_message_limit(to.side)), to.long_rules.look_above) + 1;
}

bool needs_adapting(const smpp::PduView& view, const message::MessageFacts& facts, const PeerSide& from,
                    const UpstreamFacts& to) noexcept {
  if (fills_in(to, facts) || has_what_33_lacks(view, to.side) || alphabets_differ(view, from, to.side)) return true;
  const std::size_t text =
      view.message_layout() ? view.short_message().size() : view.octets(Field::short_message).size();
  return text > short_message_limit(to.side);
}

std::expected<void, CommandStatus> adapt(Draft& draft, const message::MessageFacts& facts, const PeerSide& from,
                                         const UpstreamFacts& to, smpp::PduBuilder& builder,
                                         std::vector<std::uint8_t>& out) {
  return adapt_to({draft, facts, from, to}, to.side, builder, out);
}

std::expected<void, CommandStatus> adapt_whole(Draft& draft, const message::MessageFacts& facts, const PeerSide& from,
                                               const UpstreamFacts& to, smpp::PduBuilder& builder,
                                               std::vector<std::uint8_t>& out) {
  const PeerSide roomy{std::max(to.side.version, Version::v34), to.side.alphabet, 0};
  return adapt_to({draft, facts, from, to}, roomy, builder, out);
}

std::expected<void, CommandStatus> adapt_delivery(const smpp::PduView& view, const smpp::PduBuilder* edited,
                                                  const PeerSide& from, const PeerSide& to, smpp::PduBuilder& builder,
                                                  std::vector<std::uint8_t>& out) {
  if (edited != nullptr) {
    std::vector<std::uint8_t> octets;
    const auto encoded = edited->encode(octets, CommandStatus::ESME_ROK, view.sequence_number());
    smpp::PduView again;
    if (!encoded || !again.decode(octets)) return std::unexpected(CommandStatus::ESME_RSYSERR);
    return adapt_delivery(again, nullptr, from, to, builder, out);
  }
  if (view.id() == CommandId::data_sm && to.version == Version::v33) {
    redress(view, CommandId::deliver_sm, to.version, builder);
    return finish(view, from, to, builder, out);
  }
  if (fits_as_it_is(view, from, to)) {
    out.insert(out.end(), view.bytes().begin(), view.bytes().end());
    return {};
  }
  builder.from(view, to.version);
  return finish(view, from, to, builder, out);
}

}  // namespace smppd::flow
