// smppd queue, dead-letters, message: questions and orders to a running smppd, over its management listener.
#include <cstdlib>
#include <iostream>

#include <boost/json.hpp>

#include "commands.h"
#include "config/loader.h"
#include "management_client.h"

namespace smppd::cli {

namespace {

namespace json = boost::json;

// "-" for null and for what is not there.
std::string shown(const json::object& from, std::string_view key) {
  const json::value* value = from.if_contains(key);
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

Fallible<ManagementAccess> access_of(const ManagementChoice& choice) {
  ManagementAccess access;
  if (!choice.config.file.empty()) {
    const config::Loaded loaded =
        config::load_file(choice.config.file, {choice.config.lenient, choice.config.overrides, {}});
    if (loaded.config == nullptr) return failure(config::to_text(loaded.diagnostics));
    const config::Management& management = loaded.config->management;
    if (!management.enabled) return failure(choice.config.file + ": management.enabled is false");
    access = access_to(management);
  }
  if (!choice.address.empty()) {
    const std::size_t colon = choice.address.rfind(':');
    const int port = colon == std::string::npos ? 0 : std::atoi(choice.address.c_str() + colon + 1);
    if (port < 1 || port > 65'535) return failure("--management is HOST:PORT, not " + choice.address);
    access.address.host = choice.address.substr(0, colon);
    if (access.address.host.starts_with('[') && access.address.host.ends_with(']')) {
      access.address.host = access.address.host.substr(1, access.address.host.size() - 2);
    }
    access.address.port = static_cast<std::uint16_t>(port);
  }
  if (!choice.username.empty()) {
    const char* password = std::getenv("SMPPD_MANAGEMENT_PASSWORD");
    if (password == nullptr) return failure("--user needs the password in SMPPD_MANAGEMENT_PASSWORD");
    access.username = choice.username;
    access.password = password;
  }
  return access;
}

// What came, and how the command ends; an error has been printed already.
struct Asked {
  int code = kOk;
  std::string body;
  json::object answer;
};

Asked ask(const ManagementChoice& choice, std::string_view method, const std::string& target) {
  const auto access = access_of(choice);
  if (!access) {
    std::cerr << "smppd: " << access.error() << "\n";
    return {kBadConfig, {}, {}};
  }
  const auto answer = ask_management(*access, method, target);
  if (!answer) {
    std::cerr << "smppd: " << answer.error() << "\n";
    return {kFailed, {}, {}};
  }
  boost::system::error_code broken;
  const json::value value = json::parse(answer->body, broken);
  if (broken || !value.is_object()) {
    std::cerr << "smppd: the answer is no JSON object; is that smppd's management.address?\n";
    return {kFailed, {}, {}};
  }
  Asked asked{kOk, answer->body, value.get_object()};
  if (answer->status == 200) return asked;
  std::cerr << "smppd: " << shown(asked.answer, "error") << "\n";
  if (asked.answer.contains("hint")) std::cerr << "  " << shown(asked.answer, "hint") << "\n";
  asked.code = answer->status == 404 ? kNoMatch : kFailed;
  return asked;
}

void print_queues(const json::object& answer, const char* list, const char* kind, const char* before = "") {
  for (const json::value& one : answer.at(list).as_array()) {
    const json::object& queue = one.as_object();
    std::cout << before << kind << " ";
    if (queue.contains("unknown")) {
      std::cout << "(not in the configuration, " << shown(queue, "unknown") << ")";
    } else {
      std::cout << shown(queue, kind);
    }
    if (queue.contains("priority")) std::cout << " priority " << shown(queue, "priority");
    std::cout << ": " << shown(queue, "waiting") << " waiting, " << shown(queue, "ready") << " ready\n";
  }
}

void print_letter(const json::object& letter) {
  std::cout << shown(letter, "id") << "  " << shown(letter, "given_up") << "  " << shown(letter, "client") << " -> "
            << shown(letter, "upstream") << "  " << shown(letter, "reason") << " " << shown(letter, "command_status")
            << " after " << shown(letter, "attempts") << "  " << shown(letter, "source") << " to "
            << shown(letter, "destination");
  if (letter.contains("text")) std::cout << "  " << shown(letter, "text");
  std::cout << "\n";
}

std::string query_of(const LetterChoice& choice) {
  std::string query;
  const auto add = [&query](const char* key, const std::string& value) {
    if (!value.empty()) query += (query.empty() ? "?" : "&") + std::string(key) + "=" + percent_encode(value);
  };
  add("client", choice.client);
  add("upstream", choice.upstream);
  add("reason", choice.reason);
  add("from", choice.from);
  add("limit", choice.limit == 0 ? "" : std::to_string(choice.limit));
  if (choice.text) add("text", "true");
  if (choice.all) add("all", "true");
  return query;
}

}  // namespace

int show_queue(const ManagementChoice& choice, bool as_json) {
  const Asked asked = ask(choice, "GET", "/store/stats");
  if (asked.code != kOk) return asked.code;
  if (as_json) {
    std::cout << asked.body;
    return kOk;
  }
  if (shown(asked.answer, "storage") == "off") {
    std::cout << "storage is off: " << shown(asked.answer, "hint") << "\n";
    return kOk;
  }
  const json::object& total = asked.answer.at("total").as_object();
  std::cout << shown(total, "items") << " of " << shown(total, "max_messages") << " messages, "
            << shown(total, "item_bytes") << " octets; room: " << shown(total, "room") << "\n";
  print_queues(asked.answer, "queues", "upstream");
  print_queues(asked.answer, "inboxes", "client");
  print_queues(asked.answer, "incomplete", "upstream", "parts of long messages from ");
  return kOk;
}

int list_letters(const ManagementChoice& choice, const LetterChoice& letters, bool as_json) {
  const Asked asked = ask(choice, "GET", "/api/dead-letters" + query_of(letters));
  if (asked.code != kOk) return asked.code;
  if (as_json) {
    std::cout << asked.body;
    return kOk;
  }
  for (const json::value& letter : asked.answer.at("dead_letters").as_array()) print_letter(letter.as_object());
  if (!asked.answer.at("next").is_null()) std::cout << "more: --from " << shown(asked.answer, "next") << "\n";
  return kOk;
}

int requeue_letters(const ManagementChoice& choice, const LetterChoice& letters, bool as_json) {
  const Asked asked = ask(choice, "POST", "/api/dead-letters/requeue" + query_of(letters));
  const bool counted = asked.answer.contains("queued");
  if (as_json && counted) {
    std::cout << asked.body;
  } else if (counted) {
    std::cout << shown(asked.answer, "queued") << " queued again, " << shown(asked.answer, "failed")
              << " stay dead letters: no route takes them, or they cannot be read\n";
    if (shown(asked.answer, "more") == "true") std::cout << "there are more: run it again\n";
  }
  return asked.code;
}

int order_letters(const ManagementChoice& choice, const std::vector<std::string>& ids, bool drop, bool as_json) {
  int worst = kOk;
  for (const std::string& id : ids) {
    const std::string target = "/api/dead-letters/" + percent_encode(id);
    const Asked asked = drop ? ask(choice, "DELETE", target) : ask(choice, "POST", target + "/requeue");
    if (asked.code != kOk) {
      worst = asked.code;
      continue;
    }
    if (as_json) {
      std::cout << asked.body;
    } else {
      std::cout << id << " " << shown(asked.answer, "status") << "\n";
    }
  }
  return worst;
}

int show_message(const ManagementChoice& choice, const std::string& id, bool as_json) {
  const Asked asked = ask(choice, "GET", "/api/messages/" + percent_encode(id));
  if (asked.code != kOk) return asked.code;
  if (as_json) {
    std::cout << asked.body;
    return kOk;
  }
  for (const auto& [key, value] : asked.answer) {
    if (!value.is_null()) std::cout << std::string_view(key) << ": " << shown(asked.answer, key) << "\n";
  }
  return kOk;
}

}  // namespace smppd::cli
