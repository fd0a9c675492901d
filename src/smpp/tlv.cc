#include "smpp/tlv.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace smppd::smpp {
namespace {

constexpr auto kStandard = std::to_array<TlvSpec>({
#define SMPPD_X(name, tag, type, min, max, since) {#name, TlvTag::name, TlvType::type, min, max, Version::since},
    SMPPD_SMPP_TLVS(SMPPD_X)
#undef SMPPD_X
});
static_assert(std::ranges::is_sorted(kStandard, {}, &TlvSpec::tag));

// 5.0 §4.8.4 gives these another name than 3.4 did.
struct Alias {
  std::string_view name;
  TlvTag tag;
};
constexpr auto kAliases = std::to_array<Alias>({
    {"dest_port", TlvTag::destination_port},
    {"alert_on_msg_delivery", TlvTag::alert_on_message_delivery},
    {"dest_addr_np_info", TlvTag::dest_addr_np_information},
    {"billing_id", TlvTag::billing_identification},
});

const TlvSpec* search(std::span<const TlvSpec> specs, TlvTag tag) noexcept {
  const auto it = std::ranges::lower_bound(specs, tag, {}, &TlvSpec::tag);
  return it != specs.end() && it->tag == tag ? &*it : nullptr;
}

const TlvSpec* search(std::span<const TlvSpec> specs, std::string_view name) noexcept {
  const auto it = std::ranges::find(specs, name, &TlvSpec::name);
  return it != specs.end() ? &*it : nullptr;
}

struct Bounds {
  std::uint16_t min;
  std::uint16_t max;
};
constexpr Bounds bounds_of(TlvType type) noexcept {
  switch (type) {
    case TlvType::u8: return {1, 1};
    case TlvType::u16: return {2, 2};
    case TlvType::u32: return {4, 4};
    case TlvType::none: return {0, 0};
    case TlvType::cstring: return {1, 65535};
    case TlvType::octets: break;
  }
  return {0, 65535};
}

bool is_fixed(TlvType type) noexcept { return bounds_of(type).min == bounds_of(type).max; }

std::string hex(unsigned tag) {
  char text[8];
  std::snprintf(text, sizeof text, "0x%04X", tag);
  return text;
}

// Empty when the vendor TLV is acceptable beside the standard ones.
std::string objection(const VendorTlv& tlv) {
  const std::string where = "vendor TLV '" + tlv.name + "': ";
  const auto legal = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (tlv.name.empty() || !std::ranges::all_of(tlv.name, legal)) {
    return where + "the name must consist of a-z, 0-9 and _";
  }
  if (tlv.tag < kVendorTagFirst || tlv.tag > kVendorTagLast) {
    return where + "tag " + hex(tlv.tag) + " is outside the vendor range 0x1400-0x3FFF";
  }
  if (search(kStandard, tlv.name) != nullptr || std::ranges::find(kAliases, tlv.name, &Alias::name) != kAliases.end()) {
    return where + "the name belongs to a standard TLV";
  }
  const Bounds bounds = bounds_of(tlv.type);
  if (is_fixed(tlv.type)) return {};
  if (tlv.min > tlv.max) return where + "min is greater than max";
  if (tlv.max < bounds.min) return where + "a cstring has at least 1 octet";
  return {};
}

}  // namespace

std::span<const TlvSpec> standard_tlvs() noexcept { return kStandard; }
const TlvSpec* standard_tlv(TlvTag tag) noexcept { return search(kStandard, tag); }

bool check_tlvs(ByteSpan bytes) noexcept {
  while (!bytes.empty()) {
    if (bytes.size() < kTlvHeaderSize) return false;
    const std::size_t whole = kTlvHeaderSize + load_be<std::uint16_t>(bytes.data() + 2);
    if (bytes.size() < whole) return false;
    bytes = bytes.subspan(whole);
  }
  return true;
}

std::optional<ByteSpan> find_tlv(ByteSpan bytes, TlvTag tag) noexcept {
  for (const Tlv tlv : TlvRange(bytes)) {
    if (tlv.tag == tag) return tlv.value;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> tlv_integer(ByteSpan value) noexcept {
  if (value.empty() || value.size() > 4) return std::nullopt;
  std::uint32_t number = 0;
  for (const std::uint8_t octet : value) number = number << 8 | octet;
  return number;
}

std::string_view tlv_text(ByteSpan value) noexcept {
  const std::string_view text = as_text(value);
  return text.substr(0, text.find('\0'));
}

Fallible<TlvRegistry> TlvRegistry::with_vendor_tlvs(std::vector<VendorTlv> vendor) {
  TlvRegistry registry;
  for (VendorTlv& tlv : vendor) {
    if (std::string why = objection(tlv); !why.empty()) return failure(std::move(why));
    if (search(registry.vendor_, tlv.name) != nullptr) return failure("vendor TLV '" + tlv.name + "' is given twice");
    const auto at = std::ranges::lower_bound(registry.vendor_, static_cast<TlvTag>(tlv.tag), {}, &TlvSpec::tag);
    if (at != registry.vendor_.end() && at->tag == static_cast<TlvTag>(tlv.tag)) {
      return failure("vendor TLVs '" + std::string(at->name) + "' and '" + tlv.name + "' have the same tag " +
                     hex(tlv.tag));
    }
    const Bounds bounds = bounds_of(tlv.type);
    const bool fixed = is_fixed(tlv.type);
    const std::string& name = registry.names_.emplace_back(std::move(tlv.name));
    registry.vendor_.insert(
        at, TlvSpec{name, static_cast<TlvTag>(tlv.tag), tlv.type, std::max(bounds.min, fixed ? bounds.min : tlv.min),
                    fixed ? bounds.max : tlv.max, Version::v34});
  }
  return registry;
}

const TlvSpec* TlvRegistry::find(TlvTag tag) const noexcept {
  const TlvSpec* standard = search(kStandard, tag);
  return standard != nullptr ? standard : search(vendor_, tag);
}

const TlvSpec* TlvRegistry::find(std::string_view name) const noexcept {
  if (const auto it = std::ranges::find(kAliases, name, &Alias::name); it != kAliases.end()) {
    return search(kStandard, it->tag);
  }
  const TlvSpec* standard = search(kStandard, name);
  return standard != nullptr ? standard : search(vendor_, name);
}

std::string TlvRegistry::name_of(TlvTag tag) const {
  const TlvSpec* spec = find(tag);
  return spec != nullptr ? std::string(spec->name) : hex(static_cast<unsigned>(tag));
}

std::string_view name_of(TlvType type) noexcept {
  switch (type) {
    case TlvType::u8: return "u8";
    case TlvType::u16: return "u16";
    case TlvType::u32: return "u32";
    case TlvType::cstring: return "cstring";
    case TlvType::octets: return "octets";
    case TlvType::none: return "none";
  }
  return "";
}

std::optional<TlvType> parse_tlv_type(std::string_view text) noexcept {
  for (const TlvType type :
       {TlvType::u8, TlvType::u16, TlvType::u32, TlvType::cstring, TlvType::octets, TlvType::none}) {
    if (name_of(type) == text) return type;
  }
  return std::nullopt;
}

}  // namespace smppd::smpp
