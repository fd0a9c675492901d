// smppd receipts formats | unmatched | replay: asks the management listener of a running smppd.
#include <iostream>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "manager.h"

namespace smppd::cli {

namespace {

namespace json = boost::json;

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<std::uint8_t>(c);
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[octet >> 4U], kHex[octet & 15U]};
    }
  }
  return out;
}

std::string word(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : value.is_null() ? "-" : json::serialize(value);
}

void print_formats(const json::value& answer) {
  for (const json::value& one : answer.at("formats").as_array()) {
    const json::value& evidence = one.at("evidence");
    std::cout << word(one.at("upstream")) << ": " << word(one.at("configured")) << ", learned "
              << word(one.at("learned")) << "; pairs as_is " << word(evidence.at("as_is")) << ", hex_to_dec "
              << word(evidence.at("hex_to_dec")) << ", dec_to_hex " << word(evidence.at("dec_to_hex")) << ", ambiguous "
              << word(evidence.at("ambiguous"));
    if (const json::value& pair = one.at("last_pair"); pair.is_object()) {
      std::cout << "; last " << word(pair.at("response")) << " -> " << word(pair.at("receipt"));
    }
    std::cout << "\n";
  }
}

void print_unmatched(const json::value& answer) {
  for (const json::value& one : answer.at("unmatched").as_array()) {
    std::cout << word(one.at("received")) << " " << word(one.at("upstream")) << " id " << word(one.at("id")) << " from "
              << word(one.at("source_addr")) << " to " << word(one.at("destination_addr")) << " stat "
              << word(one.at("stat")) << " err " << word(one.at("err")) << " text " << json::serialize(one.at("text"))
              << "\n";
  }
  std::cout << word(answer.at("kept")) << " kept, " << word(answer.at("dropped")) << " dropped for want of room\n";
}

void print_replay(const json::value& answer) {
  std::cout << word(answer.at("tried")) << " tried, " << word(answer.at("matched")) << " matched, "
            << word(answer.at("left")) << " left (" << word(answer.at("client_away"))
            << " because their client is away)\n";
}

}  // namespace

int receipts(const ReceiptQuestion& question) {
  const auto manager = manager_of(question.manager);
  if (!manager) {
    std::cerr << "smppd: " << manager.error() << "\n";
    return kBadConfig;
  }
  const bool replay = question.what == "replay";
  std::string target = "/api/receipts/" + (replay ? std::string("unmatched/replay") : question.what);
  char joint = '?';
  const auto add = [&](const char* key, const std::string& value) {
    if (value.empty()) return;
    target += joint + std::string(key) + "=" + percent_encoded(value);
    joint = '&';
  };
  add("upstream", question.upstream);
  add("limit", question.limit);
  const auto answer = ask(*manager, replay ? "POST" : "GET", target);
  if (!answer) {
    std::cerr << "smppd: " << answer.error() << "\n";
    return kFailed;
  }
  boost::system::error_code bad;
  const json::value parsed = json::parse(*answer, bad);
  if (question.json || bad) {
    std::cout << *answer;
  } else if (question.what == "formats") {
    print_formats(parsed);
  } else if (replay) {
    print_replay(parsed);
  } else {
    print_unmatched(parsed);
  }
  return kOk;
}

}  // namespace smppd::cli
