#include "smpp/pdu_view.h"

#include <bit>
#include <utility>

#include "smpp/internal/pdu_specs.h"

namespace smppd::smpp {

namespace {

// C-string, 2 octets, C-string, 2 octets, C-string, 3 octets, 2 C-strings, 5 octets, the text.
constexpr bool is_message_layout(const PduSpec& spec) noexcept {
  constexpr std::string_view kKinds = "tootootooottooooos";
  if (spec.field_count != kKinds.size()) return false;
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    const FieldKind kind = spec.fields[i].kind;
    const bool text = kind == FieldKind::cstring || kind == FieldKind::date;
    if (kKinds[i] != (text ? 't' : kind == FieldKind::u8 ? 'o' : 's')) return false;
  }
  return true;
}

}  // namespace

// One decode() in progress: a cursor over the bytes and the verdict so far.
class Decoder {
 public:
  Decoder(PduView& view, Strictness strictness) noexcept
      : view_(view), base_(view.base_), end_(view.size_), strict_(strictness == Strictness::strict) {}

  DecodeResult run() noexcept {
    const PduSpec& spec = *view_.spec_;
    using enum CommandId;
    bool whole;
    switch (spec.id) {
      case submit_sm: whole = unrolled<submit_sm>(); break;
      case deliver_sm: whole = unrolled<deliver_sm>(); break;
      case submit_sm_resp: whole = unrolled<submit_sm_resp>(); break;
      case deliver_sm_resp: whole = unrolled<deliver_sm_resp>(); break;
      case data_sm: whole = unrolled<data_sm>(); break;
      default: whole = rolled(spec); break;
    }
    if (whole && at_ > 0xFFFF) whole = fail(Fault::too_long, Field::none, CommandStatus::ESME_RINVCMDLEN);
    if (whole ? tail(spec) : forgive(spec)) {
      result_.leniency = leniency_;
      return result_;
    }
    view_.present_ = 0;
    view_.tlvs_at_ = view_.tlvs_size_ = 0;
    return result_;
  }

 private:
  template <CommandId kId>
  bool unrolled() noexcept {
    static constexpr const PduSpec& kSpec = table::kPdus[table::position_of(kId)];
    return [this]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
      return (step(kSpec.fields[kIndex], kIndex) && ...) && finish(kSpec.field_count);
    }(std::make_index_sequence<kSpec.field_count>());
  }

  bool rolled(const PduSpec& spec) noexcept {
    for (std::size_t i = 0; i < spec.field_count; ++i) {
      if (!step(spec.fields[i], i)) return false;
    }
    return finish(spec.field_count);
  }

  bool finish(std::size_t count) noexcept {
    view_.at_[count] = static_cast<std::uint16_t>(at_);
    view_.present_ = static_cast<std::uint8_t>(count);
    return true;
  }

  // Reads field number `index`; on false result_ says why and present_ counts the fields before it.
  [[gnu::always_inline]] bool step(const FieldSpec& field, std::size_t index) noexcept {
    view_.at_[index] = static_cast<std::uint16_t>(at_);
    switch (field.kind) {
      case FieldKind::u8:
        if (at_ == end_) return cut(field, index);
        last_u8_ = base_[at_++];
        return true;
      case FieldKind::cstring:
      case FieldKind::date: return cstring(field, index);
      case FieldKind::octets:
        if (end_ - at_ < last_u8_) {
          view_.present_ = static_cast<std::uint8_t>(index - 1);
          return fail(Fault::sm_length, Field::sm_length, CommandStatus::ESME_RINVMSGLEN);
        }
        at_ += last_u8_;
        return true;
      case FieldKind::destinations:
      case FieldKind::unsuccess:
      case FieldKind::message_ids: return list(field, index);
    }
    return false;
  }

  [[gnu::always_inline]] bool cstring(const FieldSpec& field, std::size_t index) noexcept {
    const std::uint32_t nul = find_nul(base_, at_, end_);
    if (nul == end_) [[unlikely]]
      return unterminated(field, index);
    if (nul - at_ >= field.max[2]) [[unlikely]] {
      if (strict_) return fail(Fault::too_long, field.field, field.fault);
      leniency_ |= kLongText;
    }
    at_ = nul + 1;
    return true;
  }

  // A C-string without NUL is forgiven when nothing can follow it.
  [[gnu::noinline]] bool unterminated(const FieldSpec& field, std::size_t index) noexcept {
    if (at_ == end_) return cut(field, index);
    const PduSpec& spec = *view_.spec_;
    view_.present_ = static_cast<std::uint8_t>(index);
    if (strict_ || index + 1U != spec.field_count) return fail(Fault::no_nul, field.field, field.fault);
    if (end_ - at_ >= field.max[2]) leniency_ |= kLongText;
    leniency_ |= kMissingNul;
    at_ = end_;
    return true;
  }

  [[gnu::noinline]] bool list(const FieldSpec& field, std::size_t index) noexcept {
    for (unsigned i = 0; i < last_u8_; ++i) {
      if (!entry(field)) {
        // The count and its list come and go together.
        view_.present_ = static_cast<std::uint8_t>(index - 1);
        return false;
      }
    }
    return true;
  }

  bool entry(const FieldSpec& field) noexcept {
    std::uint16_t max = kListAddressMax;
    if (field.kind == FieldKind::message_ids) max = field.max[2];
    if (field.kind == FieldKind::unsuccess && !skip(field, 2)) return false;
    if (field.kind == FieldKind::destinations) {
      if (at_ == end_) return fail(Fault::truncated, field.field, CommandStatus::ESME_RINVCMDLEN);
      const auto flag = static_cast<DestFlag>(base_[at_++]);
      if (flag == DestFlag::sme_address) {
        if (!skip(field, 2)) return false;
      } else if (flag != DestFlag::distribution_list) {
        return fail(Fault::dest_flag, field.field, CommandStatus::ESME_RINVDESTFLAG);
      }
    }
    const std::uint32_t nul = find_nul(base_, at_, end_);
    if (nul == end_) return fail(Fault::truncated, field.field, CommandStatus::ESME_RINVCMDLEN);
    if (nul - at_ >= max) {
      if (strict_) return fail(Fault::too_long, field.field, field.fault);
      leniency_ |= kLongText;
    }
    at_ = nul + 1;
    return field.kind != FieldKind::unsuccess || skip(field, 4);
  }

  bool skip(const FieldSpec& field, std::uint32_t octets) noexcept {
    if (end_ - at_ < octets) return fail(Fault::truncated, field.field, CommandStatus::ESME_RINVCMDLEN);
    at_ += octets;
    return true;
  }

  // The PDU ends where `field` should begin.
  [[gnu::noinline]] bool cut(const FieldSpec& field, std::size_t index) noexcept {
    view_.present_ = static_cast<std::uint8_t>(index);
    return fail(Fault::truncated, field.field, CommandStatus::ESME_RINVCMDLEN);
  }

  [[gnu::noinline]] bool fail(Fault fault, Field field, CommandStatus status) noexcept {
    result_.fault = fault;
    result_.field = field;
    result_.status = status;
    return false;
  }

  bool take_tlvs(std::uint32_t from) noexcept {
    if (!check_tlvs({base_ + from, end_ - from})) return false;
    view_.tlvs_at_ = from;
    view_.tlvs_size_ = end_ - from;
    return true;
  }

  // An error response whose message_id is left out while its TLVs are there (interop row 20).
  bool take_tlvs_without_id() noexcept {
    if (strict_ || !is_error_response() || view_.spec_->field_count == 0 || end_ == kHeaderSize) return false;
    if (!take_tlvs(kHeaderSize)) return false;
    view_.present_ = 0;
    leniency_ = kTlvsWithoutId;
    result_ = {};
    return true;
  }

  // After the mandatory part.
  bool tail(const PduSpec& spec) noexcept {
    if ((leniency_ & kMissingNul) != 0 && take_tlvs_without_id()) return true;
    if (at_ == end_ || take_tlvs(at_)) return true;
    if (take_tlvs_without_id()) return true;
    if (!strict_ && (is_response(spec.id) || spec.field_count == 0)) {
      leniency_ |= kStrayOctets;
      return true;
    }
    return refuse_tail(spec);
  }

  bool refuse_tail(const PduSpec& spec) noexcept {
    const bool no_tlv_starts = end_ - at_ < kTlvHeaderSize;
    if (no_tlv_starts && spec.has(Field::short_message)) {
      return fail(Fault::sm_length, Field::sm_length, CommandStatus::ESME_RINVMSGLEN);
    }
    if (no_tlv_starts || spec.field_count == 0) {
      return fail(Fault::trailing, Field::none, CommandStatus::ESME_RINVCMDLEN);
    }
    return fail(Fault::tlv_stream, Field::none, CommandStatus::ESME_RINVOPTPARSTREAM);
  }

  // After the mandatory part turned out incomplete: responses are taken with the fields they have.
  bool forgive(const PduSpec& spec) noexcept {
    if (!is_response(spec.id)) return false;
    if (end_ == kHeaderSize && (!strict_ || is_error_response())) {
      leniency_ = kNoBody;
      result_ = {};
      return true;
    }
    if (take_tlvs_without_id()) return true;
    if (strict_ || !is_error_response() || result_.fault != Fault::truncated || at_ != end_) return false;
    leniency_ |= kShortBody;
    result_ = {};
    return true;
  }

  bool is_error_response() const noexcept {
    return is_response(view_.spec_->id) && view_.status() != CommandStatus::ESME_ROK;
  }

  PduView& view_;
  const std::uint8_t* const base_;
  const std::uint32_t end_;
  std::uint32_t at_ = kHeaderSize;
  std::uint8_t last_u8_ = 0;
  std::uint8_t leniency_ = kNothingForgiven;
  const bool strict_;
  DecodeResult result_;
};

namespace {

constexpr const PduSpec& kSubmit = table::kPdus[table::position_of(CommandId::submit_sm)];
constexpr const PduSpec& kDeliver = table::kPdus[table::position_of(CommandId::deliver_sm)];

static_assert(is_message_layout(kSubmit) && is_message_layout(kDeliver));
static_assert(kSubmit.index_of(Field::data_coding) == static_cast<std::size_t>(MessageField::data_coding));

}  // namespace

// submit_sm and deliver_sm as nearly all of them are: the strings end within 64 octets and in time, the text is as long
// as it says, and nothing but TLVs follows. False, and nothing decided, for all others.
bool PduView::decode_message() noexcept {
  if (size_ > 0xFFFF) return false;
  std::uint64_t nuls = nul_mask(base_ + kHeaderSize, size_ - static_cast<std::uint32_t>(kHeaderSize));
  std::uint32_t here = kHeaderSize;
  // Steps over a string of field `index` and `behind` single octets.
  const auto text = [&]<std::size_t kIndex, std::uint32_t kBehind>() __attribute__((always_inline)) {
    constexpr std::uint32_t kMax = kSubmit.fields[kIndex].max[2];
    if (nuls == 0) return false;
    const auto length = static_cast<std::uint32_t>(std::countr_zero(nuls));
    if (length >= kMax) return false;
    here += length + 1;
    count_up(kIndex + 1, here);
    here += kBehind;
    nuls >>= length + 1 + kBehind;
    return true;
  };
  at_[0] = kHeaderSize;
  if (!text.operator()<0, 2>() || !text.operator()<3, 2>() || !text.operator()<6, 3>() || !text.operator()<10, 0>() ||
      !text.operator()<11, 5>()) {
    return false;
  }
  if (here > size_ || size_ - here < base_[here - 1]) return false;
  count_up(14, here - 3);
  here += base_[here - 1];
  at_[kMessageFields] = static_cast<std::uint16_t>(here);
  if (here != size_) {
    if (!check_tlvs({base_ + here, size_ - here})) return false;
    tlvs_at_ = here;
    tlvs_size_ = size_ - here;
  }
  present_ = kMessageFields;
  return true;
}

DecodeResult PduView::decode(ByteSpan pdu, Strictness strictness) noexcept {
  base_ = pdu.data();
  size_ = pdu.size() > 0xFFFFFFFFU ? 0 : static_cast<std::uint32_t>(pdu.size());
  spec_ = nullptr;
  present_ = 0;
  tlvs_at_ = tlvs_size_ = 0;
  if (size_ < kHeaderSize || load_be<std::uint32_t>(base_) != size_) {
    return {Fault::length, Field::none, kNothingForgiven, CommandStatus::ESME_RINVCMDLEN};
  }
  const CommandId id = header().command_id;
  if (id == CommandId::submit_sm || id == CommandId::deliver_sm) [[likely]] {
    spec_ = id == CommandId::submit_sm ? &kSubmit : &kDeliver;
    if (decode_message()) [[likely]]
      return {};
    return Decoder(*this, strictness).run();
  }
  const std::size_t position = table::position_of(id);
  if (position == table::kNoPdu) {
    return {Fault::unknown_command, Field::none, kNothingForgiven, CommandStatus::ESME_RINVCMDID};
  }
  spec_ = &table::kPdus[position];
  return Decoder(*this, strictness).run();
}

void PduView::follow(const PduView& original, ByteSpan pdu, std::size_t text_size) noexcept {
  *this = original;
  base_ = pdu.data();
  size_ = static_cast<std::uint32_t>(pdu.size());
  const std::size_t end = at_[kMessageFields - 1] + text_size;
  at_[kMessageFields] = static_cast<std::uint16_t>(end);
  tlvs_size_ = size_ - static_cast<std::uint32_t>(end);
  tlvs_at_ = tlvs_size_ == 0 ? 0 : static_cast<std::uint32_t>(end);
}

void read_entry(ByteSpan& rest, std::string_view& out) noexcept {
  const auto size = static_cast<std::uint32_t>(rest.size());
  const std::uint32_t nul = find_nul(rest.data(), 0, size);
  out = as_text(rest.first(nul));
  rest = rest.subspan(nul < size ? nul + 1 : nul);
}

void read_entry(ByteSpan& rest, Destination& out) noexcept {
  out.flag = static_cast<DestFlag>(rest[0]);
  const bool sme = out.flag == DestFlag::sme_address;
  out.ton = sme ? rest[1] : std::uint8_t{0};
  out.npi = sme ? rest[2] : std::uint8_t{0};
  rest = rest.subspan(sme ? 3 : 1);
  read_entry(rest, out.address);
}

void read_entry(ByteSpan& rest, Unsuccess& out) noexcept {
  out.ton = rest[0];
  out.npi = rest[1];
  rest = rest.subspan(2);
  read_entry(rest, out.address);
  out.error_status_code = static_cast<CommandStatus>(load_be<std::uint32_t>(rest.data()));
  rest = rest.subspan(4);
}

std::string_view name_of(Fault fault) noexcept {
  switch (fault) {
    case Fault::none: return "none";
    case Fault::length: return "length";
    case Fault::unknown_command: return "unknown_command";
    case Fault::truncated: return "truncated";
    case Fault::too_long: return "too_long";
    case Fault::no_nul: return "no_nul";
    case Fault::sm_length: return "sm_length";
    case Fault::dest_flag: return "dest_flag";
    case Fault::tlv_stream: return "tlv_stream";
    case Fault::trailing: return "trailing";
  }
  return "";
}

}  // namespace smppd::smpp
