// smppd queue, dead-letters, message: questions and orders to a running smppd, over its management listener.
#include <iostream>

#include "http/url.h"
#include "management_client.h"

namespace smppd::cli {

namespace {

namespace json = boost::json;

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
    if (!value.empty()) query += (query.empty() ? "?" : "&") + std::string(key) + "=" + http::percent_encode(value);
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
  const AskedObject asked = ask_object(choice, "GET", "/store/stats");
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
  const AskedObject asked = ask_object(choice, "GET", "/api/dead-letters" + query_of(letters));
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
  const AskedObject asked = ask_object(choice, "POST", "/api/dead-letters/requeue" + query_of(letters));
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
    const std::string target = "/api/dead-letters/" + http::percent_encode(id);
    const AskedObject asked =
        drop ? ask_object(choice, "DELETE", target) : ask_object(choice, "POST", target + "/requeue");
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
  const AskedObject asked = ask_object(choice, "GET", "/api/messages/" + http::percent_encode(id));
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
