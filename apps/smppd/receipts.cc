// smppd receipts formats | unmatched | replay: asks the management listener of a running smppd.
#include <iostream>
#include <string>

#include "http/url.h"
#include "management_client.h"

namespace smppd::cli {

namespace {

namespace json = boost::json;

void print_formats(const json::object& answer) {
  for (const json::value& value : answer.at("formats").as_array()) {
    const json::object& one = value.as_object();
    const json::object& evidence = one.at("evidence").as_object();
    std::cout << shown(one, "upstream") << ": " << shown(one, "configured") << ", learned " << shown(one, "learned")
              << "; pairs as_is " << shown(evidence, "as_is") << ", hex_to_dec " << shown(evidence, "hex_to_dec")
              << ", dec_to_hex " << shown(evidence, "dec_to_hex") << ", ambiguous " << shown(evidence, "ambiguous");
    if (const json::object* pair = one.at("last_pair").if_object(); pair != nullptr) {
      std::cout << "; last " << shown(*pair, "response") << " -> " << shown(*pair, "receipt");
    }
    std::cout << "\n";
  }
}

void print_unmatched(const json::object& answer) {
  for (const json::value& value : answer.at("unmatched").as_array()) {
    const json::object& one = value.as_object();
    std::cout << shown(one, "received") << " " << shown(one, "upstream") << " id " << shown(one, "id") << " from "
              << shown(one, "source_addr") << " to " << shown(one, "destination_addr") << " stat " << shown(one, "stat")
              << " err " << shown(one, "err") << " text " << json::serialize(one.at("text")) << "\n";
  }
  std::cout << shown(answer, "kept") << " kept, " << shown(answer, "dropped") << " dropped for want of room\n";
}

void print_replay(const json::object& answer) {
  std::cout << shown(answer, "tried") << " tried, " << shown(answer, "matched") << " matched, " << shown(answer, "left")
            << " left (" << shown(answer, "client_away") << " because their client is away)\n";
}

}  // namespace

int receipts(const ManagementChoice& choice, const ReceiptQuestion& question, bool as_json) {
  const bool replay = question.what == "replay";
  std::string target = "/api/receipts/" + (replay ? std::string("unmatched/replay") : question.what);
  char joint = '?';
  const auto add = [&](const char* key, const std::string& value) {
    if (value.empty()) return;
    target += joint + std::string(key) + "=" + http::percent_encode(value);
    joint = '&';
  };
  add("upstream", question.upstream);
  add("limit", question.limit);
  const AskedObject asked = ask_object(choice, replay ? "POST" : "GET", target);
  if (asked.code != kOk) return asked.code;
  if (as_json) {
    std::cout << asked.body;
  } else if (question.what == "formats") {
    print_formats(asked.answer);
  } else if (replay) {
    print_replay(asked.answer);
  } else {
    print_unmatched(asked.answer);
  }
  return kOk;
}

}  // namespace smppd::cli
