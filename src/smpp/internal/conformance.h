// docs/conformance.md, written from the tables: what tests/tools/conformance_doc prints and conformance_test compares.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "smpp/pdu_table.h"
#include "smpp/tlv.h"
#include "smpp/values.h"

namespace smppd::smpp::conformance {

inline std::string hex(std::uint32_t value, int digits) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%0*X", digits, static_cast<unsigned>(value));
  return text;
}

inline std::string versions(const PduSpec& spec) {
  std::string text;
  for (const Version version : {Version::v33, Version::v34, Version::v50}) {
    if (!spec.has_version(version)) continue;
    if (!text.empty()) text += ", ";
    text += name_of(version);
  }
  return text;
}

inline std::string since(Version version) {
  std::string text;
  for (const Version each : {Version::v33, Version::v34, Version::v50}) {
    if (each < version) continue;
    if (!text.empty()) text += ", ";
    text += name_of(each);
  }
  return text;
}

inline std::string length_of(const FieldSpec& field) {
  const auto [v33, v34, v50] = field.max;
  std::string number = std::to_string(v34);
  if (v33 != v34) number = std::to_string(v33) + " (3.3), " + number;
  if (v50 != v34) number += ", " + std::to_string(v50) + " (5.0)";
  return number;
}

inline std::string form_of(const FieldSpec& field) {
  switch (field.kind) {
    case FieldKind::u8: return "";
    case FieldKind::cstring: return " ≤ " + length_of(field);
    case FieldKind::date: return " 1 or " + length_of(field);
    case FieldKind::octets: return " octets ≤ " + length_of(field);
    case FieldKind::destinations: return " list ≤ " + length_of(field);
    case FieldKind::unsuccess:
    case FieldKind::message_ids: return " list";
  }
  return "";
}

inline std::string judges(const PduSpec& spec) {
  std::string text = "own";
  if (spec.has_version(Version::v34) || spec.has_version(Version::v50)) text += ", tshark";
  if (spec.has_version(Version::v34)) text += ", libsmpp34";
  return text;
}

inline std::string tlvs_of(const PduSpec& spec) {
  if (spec.tlvs.empty()) return "-";
  return std::to_string(spec.tlvs.size()) + (spec.tlvs_since == Version::v50 ? " (5.0)" : "");
}

inline void write_pdus(std::string& out) {
  out +=
      "## PDUs\n\n"
      "| PDU | command_id | versions | body (octets of variable fields, C-strings with their NUL) | TLVs | judges |\n"
      "|---|---|---|---|---|---|\n";
  for (const PduSpec& spec : all_pdus()) {
    out += "| `" + std::string(spec.name) + "` | " + hex(static_cast<std::uint32_t>(spec.id), 8) + " | " +
           versions(spec) + " | ";
    for (const FieldSpec& field : spec.body()) {
      if (field.field != spec.fields[0].field) out += "; ";
      out += std::string(name_of(field.field)) + form_of(field);
    }
    out += spec.field_count == 0 ? "none" : "";
    out += " | " + tlvs_of(spec) + " | " + judges(spec) + " |\n";
  }
}

inline void write_tlvs(std::string& out) {
  out += "\n## TLVs\n\n| TLV | tag | type | octets | versions | on |\n|---|---|---|---|---|---|\n";
  for (const TlvSpec& tlv : standard_tlvs()) {
    const std::string min = std::to_string(tlv.min);
    const std::string max = std::to_string(tlv.max);
    const std::string octets = min == max ? min : min + "-" + max;
    out += "| `" + std::string(tlv.name) + "` | " + hex(static_cast<std::uint32_t>(tlv.tag), 4) + " | " +
           std::string(name_of(tlv.type)) + " | " + octets + " | " + since(tlv.since) + " | ";
    bool first = true;
    for (const PduSpec& spec : all_pdus()) {
      if (!spec.allows(tlv.tag)) continue;
      if (!first) out += ", ";
      first = false;
      out += spec.name;
    }
    out += " |\n";
  }
}

inline void write_statuses(std::string& out) {
  out += "\n## command_status\n\n| status | value | versions |\n|---|---|---|\n";
  for (const CommandStatus status : all_statuses()) {
    out += "| `" + name_of(status) + "` | " + hex(static_cast<std::uint32_t>(status), 8) + " | " +
           since(*status_since(status)) + " |\n";
  }
}

inline void write_requests(std::string& out) {
  out +=
      "\n## What smppd does with a request\n\n"
      "| request | what becomes of it | tested in `tests/integration` |\n|---|---|---|\n"
      "| binds, unbind, enquire_link, outbind | answered by the session itself | `test_bind.py`, `test_lifecycle.py` "
      "|\n"
      "| submit_sm, data_sm, broadcast_sm | routed to an upstream | `test_routing.py`, `test_operations.py` |\n"
      "| submit_multi | one submit_sm for each destination, one answer | `test_operations.py` |\n"
      "| query_sm, cancel_sm, replace_sm, query_broadcast_sm, cancel_broadcast_sm | to the SMSC that has the message, "
      "under its id there, for the client that sent it | `test_operations.py` |\n"
      "| query_msg_details | the same, where client and SMSC both speak 3.3 | `test_operations.py` |\n"
      "| query_last_msgs, param_retrieve | to the client's own `upstream`, else where a message without a destination "
      "would be routed, where both speak 3.3; of the message ids the client's own, as it knows them | "
      "`test_operations.py` |\n"
      "| deliver_sm, data_sm from an SMSC | receipts to the client that sent the message; others by `mo_routes` or "
      "address_range | `test_receipts.py`, `test_mo.py` |\n"
      "| alert_notification | to the client that a message from a handset to its esme_addr would go to, unless its "
      "session speaks 3.3 | `test_mo.py` |\n\n"
      "query_msg_details, query_last_msgs and param_retrieve are in no later version: a 3.4 or 5.0 session gets "
      "generic_nack with "
      "ESME_RINVCMDID. A 3.3\n"
      "session whose SMSC does not speak 3.3 gets their own response, with ESME_RQUERYFAIL, param_retrieve with "
      "ESME_RSYSERR.\n";
}

inline std::string document() {
  std::string out =
      "# Conformance with SMPP 3.3, 3.4 and 5.0\n\n"
      "<!-- Written by `build/release/bin/conformance_doc` from src/smpp's tables; a unit test compares. -->\n\n"
      "Every PDU, TLV and command_status below is encoded, decoded, checked and named. Nothing is listed that is not "
      "in\n"
      "the tables the code runs on.\n\n"
      "- **Decoded**: bounds-checked, fields in the order below, TLVs in wire order, unknown TLVs kept. What peers do "
      "that\n"
      "  no specification allows (error responses without a body, missing NULs, stray octets) is accepted and marked "
      "in\n"
      "  lenient mode, refused in strict mode. Tests: `PduView.*`, `Interop.Row19` to `Row26` in `src/smpp`.\n"
      "- **Encoded**: lengths of the session's version; no TLVs towards 3.3; error responses without body in 3.3 and "
      "3.4,\n"
      "  with body in 5.0. Tests: `PduBuilder.*` (round trip of every PDU in every version with random values).\n"
      "- **Checked**: reserved values, TLVs where they do not belong, missing mandatory TLVs. Tests: `PduCheck.*`.\n"
      "- **Other judges**: tshark's dissector and libsmpp34 read a full PDU of every kind and must agree field by "
      "field:\n"
      "  `tests/integration/test_dissectors.py`. tshark does not know the PDUs that only 3.3 has.\n"
      "- **Fuzzed**: `pdu_view_fuzz`, `pdu_builder_fuzz`, `framer_fuzz`.\n"
      "- **outbind** is answered and sent: `docs/outbind.md`, `tests/integration/test_outbind.py`.\n\n"
      "Vendor TLVs (0x1400-0x3FFF) get name, type and bounds from the configuration. Other unknown tags, and\n"
      "command_status values without a name (vendor range 0x400-0x4FF), pass through and are shown in hexadecimal.\n\n";
  write_pdus(out);
  write_requests(out);
  write_tlvs(out);
  write_statuses(out);
  return out;
}

}  // namespace smppd::smpp::conformance
