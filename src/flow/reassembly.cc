#include "flow/reassembly.h"

#include <algorithm>
#include <limits>

#include "smpp/text/udh.h"

namespace smppd::flow {
namespace {

using smpp::Alphabet;
using smpp::Field;
using smpp::TlvTag;

constexpr std::uint8_t kUdhIndicator = 0x40;
constexpr std::size_t kMaxShortMessage = 254;
constexpr std::uint8_t kUcs2 = 0x08;

// One part, taken apart.
struct Part {
  std::optional<smpp::Concat> concat;
  ByteSpan header;  // with its length octet
  ByteSpan text;
  smpp::Gsm7Tables tables;
};

std::optional<smpp::Concat> sar_of(const smpp::PduView& pdu) noexcept {
  const auto ref = pdu.tlv_u16(TlvTag::sar_msg_ref_num);
  const auto total = pdu.tlv_u8(TlvTag::sar_total_segments);
  const auto part = pdu.tlv_u8(TlvTag::sar_segment_seqnum);
  if (!ref || !total || !part) return std::nullopt;
  return smpp::concat_from_sar({.ref_num = *ref, .total_segments = *total, .segment_seqnum = *part});
}

Part read_part(const smpp::PduView& pdu) noexcept {
  Part part;
  part.text = pdu.octets(Field::short_message);
  if (part.text.empty()) part.text = pdu.tlv(TlvTag::message_payload).value_or(ByteSpan());
  part.concat = sar_of(pdu);
  if ((pdu.u8(Field::esm_class) & kUdhIndicator) == 0) return part;
  const auto header = smpp::UserDataHeader::parse(part.text);
  if (!header) return {};  // not what its esm_class says: nobody can join that
  if (const auto concat = header->concat()) part.concat = concat;
  part.header = part.text.first(header->octets());
  part.text = part.text.subspan(header->octets());
  part.tables = header->languages();
  return part;
}

void append_address(std::string& key, const smpp::PduView& pdu, Field ton, Field npi, Field address) {
  key += static_cast<char>(pdu.u8(ton));
  key += static_cast<char>(pdu.u8(npi));
  key += pdu.text(address);
  key += '\0';
}

// What the parts of one message have in common, and the text if it had to be decoded.
struct Joined {
  std::vector<std::uint8_t> text;
  std::uint8_t data_coding = 0;
  bool keeps_header_elements = true;
};

// Joins parts that agree in coding octet by octet, and others by their text. False when that is impossible.
class Joiner {
 public:
  explicit Joiner(Alphabet peer_default) : peer_default_(peer_default) {}

  void add(const smpp::PduView& pdu, const Part& part) {
    const std::uint8_t data_coding = pdu.u8(Field::data_coding);
    if (first_) {
      data_coding_ = data_coding;
      tables_ = part.tables;
      first_ = false;
    }
    const auto coding = smpp::read_data_coding(data_coding, peer_default_);
    same_ = same_ && data_coding == data_coding_ && part.tables == tables_;
    packed_ = packed_ || coding.alphabet == Alphabet::gsm7_packed;
    binary_ = binary_ || coding.alphabet == Alphabet::binary;
    octets_.insert(octets_.end(), part.text.begin(), part.text.end());
    const unsigned fill = part.header.empty() ? 0 : smpp::gsm7_fill_bits(part.header.size());
    utf8_ += smpp::to_utf8(part.text, smpp::Coding(coding.alphabet, part.tables, fill));
  }

  [[nodiscard]] std::optional<Joined> take() {
    if (same_ && !packed_) return Joined{std::move(octets_), data_coding_, true};
    if (binary_) return std::nullopt;
    const auto coding = smpp::read_data_coding(data_coding_, peer_default_);
    const bool stays = same_ && coding.alphabet == Alphabet::gsm7_packed && tables_ == smpp::Gsm7Tables{};
    const auto alphabet = stays ? coding.alphabet : Alphabet::ucs2;
    const std::string text = smpp::from_utf8(utf8_, alphabet);
    const auto octets = as_bytes(text);
    const std::uint8_t data_coding =
        stays ? data_coding_
              : smpp::data_coding_for(Alphabet::ucs2, peer_default_, coding.message_class).value_or(kUcs2);
    return Joined{{octets.begin(), octets.end()}, data_coding, false};
  }

 private:
  Alphabet peer_default_;
  bool first_ = true;
  bool same_ = true;
  bool packed_ = false;
  bool binary_ = false;
  std::uint8_t data_coding_ = 0;
  smpp::Gsm7Tables tables_;
  std::vector<std::uint8_t> octets_;
  std::string utf8_;
};

}  // namespace

Reassembly::Options Reassembly::options_of(const config::Multipart& multipart) noexcept {
  return {.timeout = multipart.reassembly_timeout,
          .max_parts = static_cast<std::uint32_t>(std::max(multipart.max_parts, 1)),
          .buffer_parts = static_cast<std::uint32_t>(std::max(multipart.buffer_size, 1))};
}

Reassembly::Reassembly(const Options& options)
    : options_(options),
      parts_({.max_messages = options.buffer_parts,
              .max_octets = std::numeric_limits<std::size_t>::max() / 2,  // buffer_parts is the bound
              .timeout = options.timeout}) {}

Reassembly::Outcome Reassembly::offer(const smpp::PduView& pdu, const message::DeliveryTicket& ticket,
                                      Alphabet peer_default, smpp::Version version, Instant now) {
  const Part part = read_part(pdu);
  if (!part.concat || part.concat->total > options_.max_parts) return Outcome::kNotAPart;
  key_.assign(reinterpret_cast<const char*>(&ticket.upstream), sizeof(ticket.upstream));
  append_address(key_, pdu, Field::source_addr_ton, Field::source_addr_npi, Field::source_addr);
  append_address(key_, pdu, Field::dest_addr_ton, Field::dest_addr_npi, Field::destination_addr);

  if (stats_.held >= options_.buffer_parts) make_room();
  const std::uint32_t at = store(pdu, ticket);
  const auto added = parts_.add(now, key_, *part.concat, part.text, at);
  switch (added.outcome) {
    case smpp::Reassembler::Outcome::waiting:
      if (added.message) release(*added.message);  // its reference was used again before it was complete
      return Outcome::kHeld;
    case smpp::Reassembler::Outcome::duplicate:
      forget(at);
      ++stats_.duplicates;
      return Outcome::kDuplicate;
    case smpp::Reassembler::Outcome::refused: forget(at); return Outcome::kNotAPart;
    case smpp::Reassembler::Outcome::complete: break;
  }
  if (join(*added.message, peer_default, version)) {
    joined_.clear();
    for (const auto& one : added.message->parts) {
      joined_.push_back(held_[one.tag].ticket);
      forget(static_cast<std::uint32_t>(one.tag));
    }
    ++stats_.completed;
    return Outcome::kComplete;
  }
  ++stats_.unjoinable;
  release(*added.message);
  return Outcome::kHeld;
}

bool Reassembly::join(const smpp::Reassembler::Message& message, Alphabet peer_default, smpp::Version version) {
  smpp::PduView first;
  Joiner joiner(peer_default);
  smpp::UdhBuilder other_elements;
  for (const auto& one : message.parts) {
    const auto& bytes = held_[one.tag].pdu;
    smpp::PduView pdu;
    if (!pdu.decode(bytes)) return false;
    const Part part = read_part(pdu);
    if (&one == &message.parts.front()) {
      first = pdu;
      const auto header = smpp::UserDataHeader::parse(part.header);
      if (header) other_elements.add_all_but_concat(*header);
    }
    joiner.add(pdu, part);
  }
  auto joined = joiner.take();
  if (!joined) return false;
  if (joined->keeps_header_elements) {
    const ByteSpan header = other_elements.bytes();
    joined->text.insert(joined->text.begin(), header.begin(), header.end());
  }
  const bool has_header = joined->keeps_header_elements && !other_elements.bytes().empty();

  builder_.from(first, std::max(version, smpp::Version::v34));
  for (const TlvTag tag : {TlvTag::sar_msg_ref_num, TlvTag::sar_total_segments, TlvTag::sar_segment_seqnum,
                           TlvTag::more_messages_to_send, TlvTag::message_payload}) {
    builder_.remove_tlv(tag);
  }
  const std::uint8_t esm_class = first.u8(Field::esm_class);
  builder_.set(Field::esm_class, static_cast<std::uint8_t>(has_header ? esm_class : esm_class & ~kUdhIndicator));
  builder_.set(Field::data_coding, joined->data_coding);
  const bool fits = first.has(Field::short_message) && joined->text.size() <= kMaxShortMessage;
  if (first.has(Field::short_message)) {
    builder_.set(Field::short_message, fits ? ByteSpan(joined->text) : ByteSpan());
  }
  if (!fits) builder_.add_tlv(TlvTag::message_payload, joined->text);
  message_.clear();
  return builder_.encode(message_, smpp::CommandStatus::ESME_ROK, first.sequence_number()).has_value();
}

std::uint32_t Reassembly::store(const smpp::PduView& pdu, const message::DeliveryTicket& ticket) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(held_.size()));
    held_.emplace_back();
  }
  const std::uint32_t at = free_.back();
  free_.pop_back();
  Held& held = held_[at];
  held.ticket = ticket;
  held.ticket.answered = true;
  held.order = ++order_;
  held.pdu.assign(pdu.bytes().begin(), pdu.bytes().end());
  ++stats_.held;
  return at;
}

void Reassembly::forget(std::uint32_t at) noexcept {
  held_[at].pdu.clear();
  free_.push_back(at);
  --stats_.held;
}

void Reassembly::release(const smpp::Reassembler::Message& message) {
  const auto begin = static_cast<std::ptrdiff_t>(released_.size());
  for (const auto& part : message.parts) released_.push_back(static_cast<std::uint32_t>(part.tag));
  std::sort(released_.begin() + begin, released_.end(),
            [this](std::uint32_t one, std::uint32_t other) { return held_[one].order < held_[other].order; });
}

void Reassembly::make_room() {
  if (const auto oldest = parts_.drain()) release(*oldest);
}

std::optional<Reassembly::Released> Reassembly::next_released() noexcept {
  if (released_.empty()) return std::nullopt;
  const std::uint32_t at = released_.front();
  released_.pop_front();
  ++stats_.released;
  released_pdu_.swap(held_[at].pdu);
  const Released out{held_[at].ticket, released_pdu_};
  forget(at);
  return out;
}

void Reassembly::tick(Instant now) {
  while (const auto late = parts_.expire(now)) release(*late);
}

void Reassembly::release_all() {
  while (const auto message = parts_.drain()) release(*message);
}

}  // namespace smppd::flow
