#include "admin/internal/receipt_views.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "telemetry/json_text.h"

namespace smppd::admin {
namespace {

namespace json = boost::json;

json::string as_json(std::string_view from) { return json::string(telemetry::valid_utf8(from)); }

json::object format_object(const ReceiptFormat& format) {
  json::object out{{"upstream", as_json(format.upstream)},
                   {"configured", as_json(format.configured)},
                   {"learned", nullptr},
                   {"evidence", json::object{{"as_is", format.as_is},
                                             {"hex_to_dec", format.hex_to_dec},
                                             {"dec_to_hex", format.dec_to_hex},
                                             {"ambiguous", format.ambiguous}}},
                   {"last_pair", nullptr}};
  if (!format.learned.empty()) out["learned"] = as_json(format.learned);
  if (!format.response_id.empty()) {
    out["last_pair"] = json::object{{"response", as_json(format.response_id)}, {"receipt", as_json(format.receipt_id)}};
  }
  return out;
}

json::object receipt_object(const UnmatchedReceipt& receipt) {
  const auto received = std::chrono::floor<std::chrono::seconds>(receipt.received);
  json::object out{{"upstream", as_json(receipt.upstream)},
                   {"received", as_json(fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(received)))},
                   {"id", nullptr},
                   {"source_addr", as_json(receipt.source_addr)},
                   {"destination_addr", as_json(receipt.destination_addr)},
                   {"stat", as_json(receipt.stat)},
                   {"err", as_json(receipt.err)},
                   {"text", as_json(receipt.text)}};
  if (!receipt.id.empty()) out["id"] = as_json(receipt.id);
  return out;
}

}  // namespace

std::string formats_json(std::vector<ReceiptFormat> formats) {
  std::ranges::sort(formats, {}, &ReceiptFormat::upstream);
  json::array all;
  for (const ReceiptFormat& format : formats) all.push_back(format_object(format));
  return json::serialize(json::object{{"formats", std::move(all)}}) + "\n";
}

std::string unmatched_json(const UnmatchedReceipts& unmatched) {
  json::array all;
  for (const UnmatchedReceipt& receipt : unmatched.receipts) all.push_back(receipt_object(receipt));
  return json::serialize(
             json::object{{"unmatched", std::move(all)}, {"kept", unmatched.kept}, {"dropped", unmatched.dropped}}) +
         "\n";
}

std::string replay_json(const ReplayOutcome& outcome) {
  return json::serialize(json::object{{"tried", outcome.tried},
                                      {"matched", outcome.matched},
                                      {"client_away", outcome.away},
                                      {"left", outcome.tried - outcome.matched}}) +
         "\n";
}

}  // namespace smppd::admin
