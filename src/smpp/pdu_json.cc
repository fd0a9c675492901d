#include <cstdio>

#include "smpp/pdu_inspect.h"

namespace smppd::smpp {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string hex_number(std::uint32_t value, int digits) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%0*X", digits, static_cast<unsigned>(value));
  return text;
}

class Json {
 public:
  // Opens the member `name` of the object being written; the caller writes its value.
  Json& member(std::string_view name) {
    comma();
    string(name);
    out_ += ':';
    fresh_ = true;
    return *this;
  }
  Json& open(char bracket) {
    comma();
    out_ += bracket;
    fresh_ = true;
    return *this;
  }
  Json& close(char bracket) {
    out_ += bracket;
    fresh_ = false;
    return *this;
  }
  Json& number(std::uint64_t value) {
    comma();
    out_ += std::to_string(value);
    return *this;
  }
  Json& text(std::string_view value) {
    comma();
    string(value);
    return *this;
  }
  Json& hex(ByteSpan value) {
    comma();
    out_ += '"';
    for (const std::uint8_t octet : value) {
      out_ += kHexDigits[octet >> 4];
      out_ += kHexDigits[octet & 0x0F];
    }
    out_ += '"';
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }
  void string(std::string_view value) {
    out_ += '"';
    for (const char c : value) {
      const auto octet = static_cast<std::uint8_t>(c);
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (octet < 0x20 || octet >= 0x7F) {
        out_ += "\\u00";
        out_ += kHexDigits[octet >> 4];
        out_ += kHexDigits[octet & 0x0F];
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  std::string out_;
  bool fresh_ = true;  // nothing written since the last bracket or colon
};

void write_destinations(Json& json, const PduView& view) {
  json.open('[');
  for (const Destination& destination : view.destinations()) {
    json.open('{');
    if (destination.flag == DestFlag::distribution_list) {
      json.member("dl_name").text(destination.address);
    } else {
      json.member("dest_addr_ton").number(destination.ton);
      json.member("dest_addr_npi").number(destination.npi);
      json.member("destination_addr").text(destination.address);
    }
    json.close('}');
  }
  json.close(']');
}

void write_unsuccess(Json& json, const PduView& view) {
  json.open('[');
  for (const Unsuccess& entry : view.unsuccess()) {
    json.open('{');
    json.member("dest_addr_ton").number(entry.ton);
    json.member("dest_addr_npi").number(entry.npi);
    json.member("destination_addr").text(entry.address);
    json.member("error_status_code").text(name_of(entry.error_status_code));
    json.close('}');
  }
  json.close(']');
}

void write_field(Json& json, const PduView& view, const FieldSpec& field, Secrets secrets) {
  json.member(name_of(field.field));
  switch (field.kind) {
    case FieldKind::u8: json.number(view.u8(field.field)); break;
    case FieldKind::cstring:
    case FieldKind::date: {
      const bool hide = field.field == Field::password && secrets == Secrets::hidden;
      json.text(hide ? std::string_view("***") : view.text(field.field));
      break;
    }
    case FieldKind::octets: json.hex(view.octets(field.field)); break;
    case FieldKind::destinations: write_destinations(json, view); break;
    case FieldKind::unsuccess: write_unsuccess(json, view); break;
    case FieldKind::message_ids:
      json.open('[');
      for (const std::string_view id : view.message_ids()) json.text(id);
      json.close(']');
      break;
  }
}

void write_tlv_value(Json& json, const Tlv& tlv, const TlvSpec* spec) {
  const TlvType type = spec != nullptr ? spec->type : TlvType::octets;
  const auto number = tlv_integer(tlv.value);
  const bool whole_text = !tlv.value.empty() && tlv_text(tlv.value).size() + 1 == tlv.value.size();
  if (number && (type == TlvType::u8 || type == TlvType::u16 || type == TlvType::u32)) {
    json.number(*number);
  } else if (type == TlvType::cstring && whole_text) {
    json.text(tlv_text(tlv.value));
  } else {
    json.hex(tlv.value);
  }
}

}  // namespace

std::string to_json(const PduView& view, const TlvRegistry& registry, Secrets secrets) {
  const Header header = view.header();
  Json json;
  json.open('{');
  json.member("command_id").text(name_of(header.command_id));
  json.member("command_status").text(name_of(header.command_status));
  json.member("sequence_number").number(header.sequence_number);
  json.member("command_length").number(header.command_length);
  if (view.spec() != nullptr) {
    json.member("body").open('{');
    for (const FieldSpec& field : view.spec()->body()) {
      if (view.has(field.field)) write_field(json, view, field, secrets);
    }
    json.close('}');
  }
  if (!view.tlvs().empty()) {
    json.member("tlvs").open('[');
    for (const Tlv tlv : view.tlvs()) {
      const TlvSpec* spec = registry.find(tlv.tag);
      json.open('{');
      if (spec != nullptr) json.member("name").text(spec->name);
      json.member("tag").text(hex_number(static_cast<std::uint32_t>(tlv.tag), 4));
      json.member("value");
      write_tlv_value(json, tlv, spec);
      json.close('}');
    }
    json.close(']');
  }
  json.close('}');
  return json.take();
}

}  // namespace smppd::smpp
