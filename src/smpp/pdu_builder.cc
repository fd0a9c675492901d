#include "smpp/pdu_builder.h"

#include <algorithm>
#include <bit>

namespace smppd::smpp {
namespace {

constexpr std::uint32_t bit_of(MessageField field) noexcept { return 1U << static_cast<unsigned>(field); }

// Of a submit_sm and deliver_sm.
constexpr std::uint32_t kTexts = bit_of(MessageField::service_type) | bit_of(MessageField::source_addr) |
                                 bit_of(MessageField::destination_addr) | bit_of(MessageField::schedule_delivery_time) |
                                 bit_of(MessageField::validity_period) | bit_of(MessageField::short_message);

constexpr std::size_t kMaxTlvLength = 0xFFFF;

void append(std::vector<std::uint8_t>& to, std::string_view text) {
  const ByteSpan bytes = as_bytes(text);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

std::uint8_t* copy(std::uint8_t* at, ByteSpan bytes) noexcept {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

bool is_text(FieldKind kind) noexcept { return kind == FieldKind::cstring || kind == FieldKind::date; }

}  // namespace

PduBuilder& PduBuilder::reset(CommandId id, Version version) noexcept {
  id_ = id;
  version_ = version;
  spec_ = spec_of(id);
  failed_ = false;
  fault_ = {};
  values_.fill({});
  copied_ = false;
  changed_ = 0;
  arena_.clear();
  clear_list();
  tlvs_.clear();
  if (spec_ == nullptr) return fail(EncodeProblem::unknown_command, Field::none);
  if (!spec_->has_version(version)) return fail(EncodeProblem::not_in_version, Field::none);
  return *this;
}

PduBuilder& PduBuilder::from(const PduView& view, Version version) {
  reset(view.id(), version);
  if (spec_ == nullptr) return *this;
  const ByteSpan tlvs = view.tlv_bytes();
  tlvs_.assign(tlvs.begin(), tlvs.end());
  if (view.message_layout()) {
    copy_message(view);
    return *this;
  }
  for (std::size_t i = 0; i < spec_->field_count; ++i) {
    const FieldSpec& field = spec_->fields[i];
    if (!view.has(field.field)) break;
    const ByteSpan raw = view.field_bytes(field.field);
    if (field.kind == FieldKind::u8) {
      values_[i].at = raw[0];
    } else if (is_text(field.kind) || field.kind == FieldKind::octets) {
      const std::string_view text = is_text(field.kind) ? view.text(field.field) : as_text(raw);
      values_[i] = {static_cast<std::uint32_t>(arena_.size()), static_cast<std::uint32_t>(text.size())};
      append(arena_, text);
    } else {
      copy_list(view, field);
    }
  }
  return *this;
}

void PduBuilder::copy_message(const PduView& view) {
  places_ = view.message_offsets();
  const ByteSpan whole = view.bytes().first(places_.back());
  arena_.assign(whole.begin(), whole.end());
  copied_ = true;
  const ByteSpan text = view.short_message();
  if (text.size() != view.u8_at(MessageField::sm_length)) set(Field::short_message, text);
}

void PduBuilder::copy_list(const PduView& view, const FieldSpec& field) {
  const ByteSpan raw = view.field_bytes(field.field);
  list_.assign(raw.begin(), raw.end());
  const auto look_at = [this](std::string_view text, std::size_t max) {
    ++list_count_;
    list_long_ = list_long_ || text.size() >= max;
  };
  if (field.kind == FieldKind::destinations) {
    for (const Destination& entry : view.destinations()) look_at(entry.address, kListAddressMax);
  } else if (field.kind == FieldKind::unsuccess) {
    for (const Unsuccess& entry : view.unsuccess()) look_at(entry.address, kListAddressMax);
  } else {
    for (const std::string_view id : view.message_ids()) look_at(id, field.max[version_index(version_)]);
  }
}

PduBuilder& PduBuilder::fail(EncodeProblem problem, Field field, TlvTag tag) noexcept {
  if (!failed_) fault_ = {problem, field, tag};
  failed_ = true;
  return *this;
}

// Null, with the failure noted, when the PDU has no such field.
const FieldSpec* PduBuilder::field_spec(Field field) noexcept {
  if (spec_ != nullptr && spec_->has(field)) return &spec_->fields[spec_->index_of(field)];
  fail(EncodeProblem::no_such_field, field);
  return nullptr;
}

// Whether the u8 at `index` is the length or count of the field behind it.
bool PduBuilder::derived(std::size_t index) const noexcept {
  return index + 1 < spec_->field_count && is_counted(spec_->fields[index + 1].kind);
}

PduBuilder& PduBuilder::set(Field field, std::string_view value) {
  const FieldSpec* spec = field_spec(field);
  if (spec == nullptr) return *this;
  if (!is_text(spec->kind) && spec->kind != FieldKind::octets) return fail(EncodeProblem::wrong_kind, field);
  if (value.size() > kMaxTlvLength) return fail(EncodeProblem::too_long, field);
  if (is_text(spec->kind) && value.find('\0') != std::string_view::npos) {
    return fail(EncodeProblem::embedded_nul, field);
  }
  const std::size_t index = spec_->index_of(field);
  values_[index] = {static_cast<std::uint32_t>(arena_.size()), static_cast<std::uint32_t>(value.size())};
  changed_ |= 1U << index;
  append(arena_, value);
  return *this;
}

PduBuilder& PduBuilder::set_number(Field field, std::uint64_t value) noexcept {
  const FieldSpec* spec = field_spec(field);
  if (spec == nullptr) return *this;
  const std::size_t index = spec_->index_of(field);
  if (spec->kind != FieldKind::u8 || derived(index)) return fail(EncodeProblem::wrong_kind, field);
  if (value > 0xFF) return fail(EncodeProblem::out_of_range, field);
  values_[index].at = static_cast<std::uint32_t>(value);
  changed_ |= 1U << index;
  return *this;
}

bool PduBuilder::list_of(FieldKind kind, Field field) noexcept {
  const FieldSpec* spec = field_spec(field);
  if (spec != nullptr && spec->kind != kind) fail(EncodeProblem::wrong_kind, field);
  return spec != nullptr && spec->kind == kind;
}

void PduBuilder::append_list_text(std::string_view text, std::size_t max, Field field) {
  if (text.find('\0') != std::string_view::npos) fail(EncodeProblem::embedded_nul, field);
  list_long_ = list_long_ || text.size() >= max;
  append(list_, text);
  list_.push_back(0);
  ++list_count_;
}

PduBuilder& PduBuilder::add_destination(const Destination& destination) {
  if (!list_of(FieldKind::destinations, Field::dest_address)) return *this;
  list_.push_back(static_cast<std::uint8_t>(destination.flag));
  if (destination.flag == DestFlag::sme_address) {
    list_.push_back(destination.ton);
    list_.push_back(destination.npi);
  } else if (destination.flag != DestFlag::distribution_list) {
    return fail(EncodeProblem::out_of_range, Field::dest_address);
  }
  append_list_text(destination.address, kListAddressMax, Field::dest_address);
  return *this;
}

PduBuilder& PduBuilder::add_unsuccess(const Unsuccess& unsuccess) {
  if (!list_of(FieldKind::unsuccess, Field::unsuccess_sme)) return *this;
  list_.push_back(unsuccess.ton);
  list_.push_back(unsuccess.npi);
  append_list_text(unsuccess.address, kListAddressMax, Field::unsuccess_sme);
  std::uint8_t code[4];
  store_be(code, static_cast<std::uint32_t>(unsuccess.error_status_code));
  list_.insert(list_.end(), code, code + sizeof code);
  return *this;
}

PduBuilder& PduBuilder::add_message_id(std::string_view message_id) {
  if (!list_of(FieldKind::message_ids, Field::message_ids)) return *this;
  append_list_text(message_id, spec_->fields[spec_->index_of(Field::message_ids)].max[0], Field::message_ids);
  return *this;
}

PduBuilder& PduBuilder::clear_list() noexcept {
  list_.clear();
  list_count_ = 0;
  list_long_ = false;
  return *this;
}

PduBuilder& PduBuilder::add_tlv(TlvTag tag, ByteSpan value) {
  if (value.size() > kMaxTlvLength) return fail(EncodeProblem::tlv_too_long, Field::none, tag);
  std::uint8_t head[kTlvHeaderSize];
  store_be(head, static_cast<std::uint16_t>(tag));
  store_be(head + 2, static_cast<std::uint16_t>(value.size()));
  tlvs_.insert(tlvs_.end(), head, head + sizeof head);
  tlvs_.insert(tlvs_.end(), value.begin(), value.end());
  return *this;
}

PduBuilder& PduBuilder::add_tlv_u8(TlvTag tag, std::uint8_t value) { return add_tlv(tag, {&value, 1}); }

PduBuilder& PduBuilder::add_tlv_u16(TlvTag tag, std::uint16_t value) {
  std::uint8_t octets[2];
  store_be(octets, value);
  return add_tlv(tag, octets);
}

PduBuilder& PduBuilder::add_tlv_u32(TlvTag tag, std::uint32_t value) {
  std::uint8_t octets[4];
  store_be(octets, value);
  return add_tlv(tag, octets);
}

PduBuilder& PduBuilder::add_tlv_text(TlvTag tag, std::string_view value) {
  if (value.size() >= kMaxTlvLength) return fail(EncodeProblem::tlv_too_long, Field::none, tag);
  add_tlv(tag, as_bytes(value));
  if (failed_) return *this;
  tlvs_.push_back(0);
  std::uint8_t* length = tlvs_.data() + tlvs_.size() - 1 - value.size() - 2;
  store_be(length, static_cast<std::uint16_t>(value.size() + 1));
  return *this;
}

bool PduBuilder::remove_tlv(TlvTag tag) {
  bool removed = false;
  std::size_t at = 0;
  while (at < tlvs_.size()) {
    const auto found = static_cast<TlvTag>(load_be<std::uint16_t>(tlvs_.data() + at));
    const std::size_t whole = kTlvHeaderSize + load_be<std::uint16_t>(tlvs_.data() + at + 2);
    if (found != tag) {
      at += whole;
      continue;
    }
    const auto first = tlvs_.begin() + static_cast<std::ptrdiff_t>(at);
    tlvs_.erase(first, first + static_cast<std::ptrdiff_t>(whole));
    removed = true;
  }
  return removed;
}

PduBuilder& PduBuilder::replace_tlv(TlvTag tag, ByteSpan value) {
  std::size_t at = 0;
  for (const Tlv tlv : TlvRange(tlvs_)) {
    if (tlv.tag == tag) break;
    at += kTlvHeaderSize + tlv.value.size();
  }
  remove_tlv(tag);
  const std::size_t before = tlvs_.size();
  add_tlv(tag, value);
  const auto begin = tlvs_.begin();
  std::rotate(begin + static_cast<std::ptrdiff_t>(at), begin + static_cast<std::ptrdiff_t>(before), tlvs_.end());
  return *this;
}

std::expected<std::size_t, EncodeFault> PduBuilder::field_size(std::size_t index) const noexcept {
  const FieldSpec& field = spec_->fields[index];
  const std::size_t max = field.max[version_index(version_)];
  const std::size_t size = values_[index].size;
  switch (field.kind) {
    case FieldKind::u8: return 1;
    case FieldKind::cstring:
    case FieldKind::date:
      if (size >= max) return std::unexpected(EncodeFault{EncodeProblem::too_long, field.field});
      return size + 1;
    case FieldKind::octets:
      if (size > max) return std::unexpected(EncodeFault{EncodeProblem::too_long, field.field});
      return size;
    case FieldKind::destinations:
    case FieldKind::unsuccess:
    case FieldKind::message_ids: {
      const std::size_t most = field.kind == FieldKind::destinations ? max : 0xFF;
      if (list_count_ > most) return std::unexpected(EncodeFault{EncodeProblem::too_many, field.field});
      if (list_long_) return std::unexpected(EncodeFault{EncodeProblem::too_long, field.field});
      return list_.size();
    }
  }
  return 0;
}

std::expected<std::size_t, EncodeFault> PduBuilder::copied_body_size() const noexcept {
  const std::size_t version = version_index(version_);
  std::size_t total = places_.back() - kHeaderSize;
  for (std::uint32_t rest = kTexts; rest != 0; rest &= rest - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(rest));
    const FieldSpec& field = spec_->fields[i];
    const std::size_t copied = places_[i + 1] - places_[i];
    std::size_t size = copied;
    if ((changed_ >> i & 1U) != 0) size = values_[i].size + (field.kind == FieldKind::octets ? 0 : 1);
    if (size > field.max[version]) return std::unexpected(EncodeFault{EncodeProblem::too_long, field.field});
    total += size - copied;
  }
  return total;
}

std::expected<std::size_t, EncodeFault> PduBuilder::body_size() const noexcept {
  if (copied_) return copied_body_size();
  std::size_t total = 0;
  for (std::size_t i = 0; i < spec_->field_count; ++i) {
    const auto size = field_size(i);
    if (!size) return size;
    total += *size;
  }
  return total;
}

std::expected<PduBuilder::Plan, EncodeFault> PduBuilder::plan(CommandStatus status) const noexcept {
  if (failed_) return std::unexpected(fault_);
  if (spec_ == nullptr) return std::unexpected(EncodeFault{EncodeProblem::unknown_command});
  Plan plan;
  const bool error = is_response(id_) && status != CommandStatus::ESME_ROK;
  const bool explained = id_ == CommandId::data_sm_resp && !tlvs_.empty();
  plan.body = !error || version_ == Version::v50 || explained;
  plan.tlvs = plan.body && version_ != Version::v33;
  if (plan.body && !plan.tlvs && find_tlv(tlvs_, TlvTag::message_payload)) {
    return std::unexpected(EncodeFault{EncodeProblem::payload_in_v33, Field::none, TlvTag::message_payload});
  }
  plan.size = kHeaderSize;
  if (plan.body) {
    const auto body = body_size();
    if (!body) return std::unexpected(body.error());
    plan.size += *body;
  }
  if (plan.tlvs) plan.size += tlvs_.size();
  return plan;
}

std::uint8_t* PduBuilder::write_field(std::uint8_t* at, std::size_t index) const noexcept {
  const FieldKind kind = spec_->fields[index].kind;
  const Value value = values_[index];
  if (kind == FieldKind::u8) {
    std::size_t number = value.at;
    if (derived(index)) {
      number = spec_->fields[index + 1].kind == FieldKind::octets ? values_[index + 1].size : list_count_;
    }
    *at++ = static_cast<std::uint8_t>(number);
    return at;
  }
  if (!is_text(kind) && kind != FieldKind::octets) return copy(at, list_);
  at = copy(at, ByteSpan(arena_).subspan(value.at, value.size));
  if (is_text(kind)) *at++ = 0;
  return at;
}

std::uint8_t* PduBuilder::write_copied_body(std::uint8_t* at) const noexcept {
  const ByteSpan copied(arena_);
  std::uint32_t rest = changed_;
  if ((rest & bit_of(MessageField::short_message)) != 0) rest |= bit_of(MessageField::sm_length);
  std::size_t from = kHeaderSize;
  for (; rest != 0; rest &= rest - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(rest));
    at = copy(at, copied.subspan(from, places_[i] - from));
    at = write_field(at, i);
    from = places_[i + 1];
  }
  return copy(at, copied.subspan(from, places_.back() - from));
}

void PduBuilder::write(std::uint8_t* at, const Plan& plan, CommandStatus status,
                       std::uint32_t sequence) const noexcept {
  write_header(at, {static_cast<std::uint32_t>(plan.size), id_, status, sequence});
  at += kHeaderSize;
  if (!plan.body) return;
  if (copied_) {
    at = write_copied_body(at);
  } else {
    for (std::size_t i = 0; i < spec_->field_count; ++i) at = write_field(at, i);
  }
  if (plan.tlvs) copy(at, tlvs_);
}

Encoded PduBuilder::encode(std::vector<std::uint8_t>& out, CommandStatus status, std::uint32_t sequence) const {
  const auto planned = plan(status);
  if (!planned) return std::unexpected(planned.error());
  const std::size_t before = out.size();
  out.resize(before + planned->size);
  write(out.data() + before, *planned, status, sequence);
  return planned->size;
}

Encoded PduBuilder::encode(std::span<std::uint8_t> out, CommandStatus status, std::uint32_t sequence) const noexcept {
  const auto planned = plan(status);
  if (!planned) return std::unexpected(planned.error());
  if (out.size() < planned->size) return std::unexpected(EncodeFault{EncodeProblem::no_room});
  write(out.data(), *planned, status, sequence);
  return planned->size;
}

std::string_view name_of(EncodeProblem problem) noexcept {
  switch (problem) {
    case EncodeProblem::unknown_command: return "unknown_command";
    case EncodeProblem::not_in_version: return "not_in_version";
    case EncodeProblem::no_such_field: return "no_such_field";
    case EncodeProblem::wrong_kind: return "wrong_kind";
    case EncodeProblem::out_of_range: return "out_of_range";
    case EncodeProblem::too_long: return "too_long";
    case EncodeProblem::embedded_nul: return "embedded_nul";
    case EncodeProblem::too_many: return "too_many";
    case EncodeProblem::tlv_too_long: return "tlv_too_long";
    case EncodeProblem::payload_in_v33: return "payload_in_v33";
    case EncodeProblem::no_room: return "no_room";
  }
  return "";
}

std::string describe(const EncodeFault& fault) {
  std::string text;
  if (fault.field != Field::none) text = std::string(name_of(fault.field)) + ": ";
  if (fault.tag != TlvTag{}) text = TlvRegistry().name_of(fault.tag) + ": ";
  return text + std::string(name_of(fault.problem));
}

}  // namespace smppd::smpp
