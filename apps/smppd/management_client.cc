#include "management_client.h"

#include <charconv>
#include <cstdlib>
#include <iostream>

#include "base/result.h"
#include "config/loader.h"
#include "http/fetch.h"

namespace smppd::cli {

namespace {

namespace json = boost::json;

constexpr std::uint16_t kDefaultPort = 8081;

Fallible<http::Fetch> configured(const ConfigChoice& choice, http::Fetch request) {
  const config::Loaded loaded = config::load_file(choice.file, {choice.lenient, choice.overrides, {}});
  if (loaded.config == nullptr) return failure(config::to_text(loaded.diagnostics));
  const config::Management& management = loaded.config->management;
  if (!management.enabled) return failure(choice.file + ": management.enabled is false");
  const std::string& host = management.address.host;
  request.host = host.empty() || host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host;
  request.port = management.address.port;
  if (management.auth_type == "basic") request.credentials = {management.username, management.password};
  return request;
}

Fallible<http::Fetch> addressed(const std::string& address, http::Fetch request) {
  const std::size_t colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? std::string() : address.substr(colon + 1);
  const auto [end, bad] = std::from_chars(port.data(), port.data() + port.size(), request.port);
  if (port.empty() || bad != std::errc() || end != port.data() + port.size() || request.port == 0) {
    return failure("--management is HOST:PORT, not " + address);
  }
  request.host = address.substr(0, colon);
  if (request.host.starts_with('[') && request.host.ends_with(']')) {
    request.host = request.host.substr(1, request.host.size() - 2);
  }
  if (request.host.empty()) request.host = "127.0.0.1";
  return request;
}

Fallible<http::Fetch> request_to(const ManagementChoice& choice) {
  http::Fetch request;
  request.host = "127.0.0.1";
  request.port = kDefaultPort;
  if (!choice.config.file.empty()) {
    auto found = configured(choice.config, std::move(request));
    if (!found) return found;
    request = std::move(*found);
  }
  if (!choice.address.empty()) {
    auto found = addressed(choice.address, std::move(request));
    if (!found) return found;
    request = std::move(*found);
  }
  if (!choice.username.empty()) {
    const char* password = std::getenv("SMPPD_MANAGEMENT_PASSWORD");
    if (password == nullptr) return failure("--user needs the password in SMPPD_MANAGEMENT_PASSWORD");
    request.credentials = {choice.username, password};
  }
  return request;
}

void print_refusal(const http::Response& answer) {
  boost::system::error_code broken;
  const json::value value = json::parse(answer.body, broken);
  const json::object* why = broken ? nullptr : value.if_object();
  if (why == nullptr || !why->contains("error")) {
    std::cerr << "smppd: the management listener answered " << answer.status << "\n";
    return;
  }
  std::cerr << "smppd: " << shown(*why, "error") << "\n";
  if (why->contains("hint")) std::cerr << "  " << shown(*why, "hint") << "\n";
}

}  // namespace

std::string shown(const json::object& from, std::string_view key) {
  const json::value* value = from.if_contains(key);
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

Asked ask(const ManagementChoice& choice, const std::string& method, const std::string& target) {
  auto request = request_to(choice);
  if (!request) {
    std::cerr << "smppd: " << request.error() << "\n";
    return {kBadConfig, {}};
  }
  request->method = method;
  request->target = target;
  auto answer = http::fetch(*request);
  if (!answer) {
    std::cerr << "smppd: " << answer.error() << "; is smppd running, with this management.address?\n";
    return {kFailed, {}};
  }
  if (answer->status == 200) return {kOk, std::move(answer->body)};
  print_refusal(*answer);
  return {answer->status == 404 ? kNoMatch : kFailed, std::move(answer->body)};
}

AskedObject ask_object(const ManagementChoice& choice, const std::string& method, const std::string& target) {
  Asked asked = ask(choice, method, target);
  boost::system::error_code broken;
  json::value value = json::parse(asked.body, broken);
  if (!broken && value.is_object()) return {asked.code, std::move(asked.body), std::move(value.get_object())};
  if (asked.code != kOk) return {asked.code, {}, {}};
  std::cerr << "smppd: the answer is no JSON object; is that smppd's management.address?\n";
  return {kFailed, {}, {}};
}

}  // namespace smppd::cli
