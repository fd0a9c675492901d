#include "smpp/text/udh.h"

#include <algorithm>

#include "smpp/tlv.h"

namespace smppd::smpp {
namespace {

std::optional<Concat> read_concat(const InformationElement& element) noexcept {
  const bool is16 = element.id == iei::kConcat16;
  if (element.data.size() != (is16 ? 4U : 3U)) return std::nullopt;
  Concat concat;
  concat.is16 = is16;
  concat.ref = is16 ? load_be<std::uint16_t>(element.data.data()) : element.data[0];
  concat.total = element.data[element.data.size() - 2];
  concat.part = element.data[element.data.size() - 1];
  if (concat.part == 0 || concat.part > concat.total) return std::nullopt;
  return concat;
}

std::optional<Ports> read_ports(const InformationElement& element) noexcept {
  if (element.id == iei::kPorts8 && element.data.size() == 2) return Ports{element.data[0], element.data[1], false};
  if (element.id == iei::kPorts16 && element.data.size() == 4) {
    return Ports{load_be<std::uint16_t>(element.data.data()), load_be<std::uint16_t>(element.data.data() + 2), true};
  }
  return std::nullopt;
}

}  // namespace

std::optional<UserDataHeader> UserDataHeader::parse(ByteSpan user_data) noexcept {
  if (user_data.empty() || user_data[0] > user_data.size() - 1) return std::nullopt;
  const auto elements = user_data.subspan(1, user_data[0]);
  std::size_t at = 0;
  while (at < elements.size()) {
    if (elements.size() - at < 2) return std::nullopt;
    at += 2U + elements[at + 1];
  }
  if (at != elements.size()) return std::nullopt;
  return UserDataHeader(elements);
}

std::optional<InformationElement> UserDataHeader::find(std::uint8_t id) const noexcept {
  std::optional<InformationElement> found;
  for (const auto element : *this) {
    if (element.id == id) found = element;
  }
  return found;
}

std::optional<Concat> UserDataHeader::concat() const noexcept {
  std::optional<Concat> found;
  for (const auto element : *this) {
    if (element.id != iei::kConcat8 && element.id != iei::kConcat16) continue;
    if (const auto concat = read_concat(element)) found = concat;
  }
  return found;
}

std::optional<Ports> UserDataHeader::ports() const noexcept {
  std::optional<Ports> found;
  for (const auto element : *this) {
    if (const auto ports = read_ports(element)) found = ports;
  }
  return found;
}

Gsm7Tables UserDataHeader::languages() const noexcept {
  Gsm7Tables tables;
  for (const auto element : *this) {
    if (element.data.size() != 1) continue;
    if (element.id == iei::kSingleShift) tables.single = language_of(element.data[0]);
    if (element.id == iei::kLockingShift) tables.locking = language_of(element.data[0]);
  }
  return tables;
}

bool UdhBuilder::add(std::uint8_t id, ByteSpan data) noexcept {
  const std::size_t at = std::max<std::size_t>(size_, 1);
  if (data.size() > kMaxOctets || at + 2 + data.size() > kMaxOctets) return false;
  bytes_[at] = id;
  bytes_[at + 1] = static_cast<std::uint8_t>(data.size());
  std::copy(data.begin(), data.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at + 2));
  size_ = at + 2 + data.size();
  bytes_[0] = static_cast<std::uint8_t>(size_ - 1);
  return true;
}

bool UdhBuilder::add(const Concat& concat) noexcept {
  std::array<std::uint8_t, 4> data{};
  if (concat.is16) {
    store_be<std::uint16_t>(data.data(), concat.ref);
    data[2] = concat.total;
    data[3] = concat.part;
    return add(iei::kConcat16, data);
  }
  data = {static_cast<std::uint8_t>(concat.ref & 0xFFU), concat.total, concat.part, 0};
  return add(iei::kConcat8, ByteSpan(data).first(3));
}

bool UdhBuilder::add(const Ports& ports) noexcept {
  std::array<std::uint8_t, 4> data{};
  if (ports.is16) {
    store_be<std::uint16_t>(data.data(), ports.destination);
    store_be<std::uint16_t>(data.data() + 2, ports.source);
    return add(iei::kPorts16, data);
  }
  data = {static_cast<std::uint8_t>(ports.destination & 0xFFU), static_cast<std::uint8_t>(ports.source & 0xFFU), 0, 0};
  return add(iei::kPorts8, ByteSpan(data).first(2));
}

bool UdhBuilder::add(Gsm7Tables tables) noexcept {
  const std::size_t before = size_;
  const auto add_language = [&](std::uint8_t id, Language language) {
    const auto identifier = static_cast<std::uint8_t>(language);
    return language == Language::none || add(id, ByteSpan(&identifier, 1));
  };
  if (add_language(iei::kSingleShift, tables.single) && add_language(iei::kLockingShift, tables.locking)) return true;
  size_ = before;
  bytes_[0] = static_cast<std::uint8_t>(size_ == 0 ? 0 : size_ - 1);
  return false;
}

bool UdhBuilder::add_all_but_concat(const UserDataHeader& header) noexcept {
  const std::size_t before = size_;
  for (const auto element : header) {
    if (element.id == iei::kConcat8 || element.id == iei::kConcat16 || add(element.id, element.data)) continue;
    size_ = before;
    bytes_[0] = static_cast<std::uint8_t>(size_ == 0 ? 0 : size_ - 1);
    return false;
  }
  return true;
}

std::optional<Concat> concat_from_sar(const SarTlvs& sar) noexcept {
  if (sar.segment_seqnum == 0 || sar.segment_seqnum > sar.total_segments) return std::nullopt;
  return Concat{sar.ref_num, sar.total_segments, sar.segment_seqnum, true};
}

SarTlvs sar_from_concat(const Concat& concat) noexcept { return {concat.ref, concat.total, concat.part}; }

std::optional<Concat> concat_of_tlvs(ByteSpan tlvs) noexcept {
  const auto number = [&](TlvTag tag) {
    const auto value = find_tlv(tlvs, tag);
    return value ? tlv_integer(*value) : std::nullopt;
  };
  const auto ref = number(TlvTag::sar_msg_ref_num);
  const auto total = number(TlvTag::sar_total_segments);
  const auto part = number(TlvTag::sar_segment_seqnum);
  if (!ref || !total || !part || *ref > 0xFFFF || *total > 0xFF || *part > 0xFF) return std::nullopt;
  return concat_from_sar({.ref_num = static_cast<std::uint16_t>(*ref),
                          .total_segments = static_cast<std::uint8_t>(*total),
                          .segment_seqnum = static_cast<std::uint8_t>(*part)});
}

}  // namespace smppd::smpp
