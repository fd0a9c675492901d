#include "telemetry/internal/log_line.h"

#include <cmath>
#include <ctime>
#include <iterator>

#include <fmt/format.h>

#include "telemetry/json_text.h"

namespace smppd::telemetry {
namespace {

constexpr const char* kLevelNames[] = {"debug", "info", "warn", "error", "off"};

template <typename Append>
void append_cut(std::string& out, std::string_view text, Append append) {
  if (text.size() <= kMaxLogValue) return append(out, text);
  std::string cut(text.substr(0, kMaxLogValue));
  fmt::format_to(std::back_inserter(cut), "... ({} octets more)", text.size() - kMaxLogValue);
  append(out, cut);
}

bool reads_as_one_word(std::string_view text) noexcept {
  if (text.empty()) return false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

void append_word_or_quoted(std::string& out, std::string_view text) {
  if (reads_as_one_word(text)) {
    out += text;
  } else {
    append_json_string(out, text);
  }
}

// A sentence stays readable: escaped like a JSON string, but without the quotes around it.
void append_sentence(std::string& out, std::string_view text) {
  std::string quoted;
  append_json_string(quoted, text);
  std::size_t at = 1;
  while (at + 1 < quoted.size()) {
    if (quoted[at] == '\\' && quoted[at + 1] == '"') ++at;
    out += quoted[at++];
  }
}

void append_number(std::string& out, double value, LineFormat format) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    out += format == LineFormat::kJson ? "null" : "nan";
  }
}

void append_value(std::string& out, const LogField& field, LineFormat format) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    append_cut(out, *text, format == LineFormat::kJson ? append_json_string : append_word_or_quoted);
  } else if (const auto* number = std::get_if<double>(&field.value)) {
    append_number(out, *number, format);
  } else if (const auto* flag = std::get_if<bool>(&field.value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
    fmt::format_to(std::back_inserter(out), "{}", *integer);
  } else {
    fmt::format_to(std::back_inserter(out), "{}", std::get<std::uint64_t>(field.value));
  }
}

}  // namespace

void append_line_body(std::string& out, LineFormat format, std::string_view module, std::string_view sentence,
                      std::initializer_list<LogField> fields) {
  if (format == LineFormat::kJson) {
    out += ",\"module\":";
    append_json_string(out, module);
    out += ",\"msg\":";
    append_cut(out, sentence, append_json_string);
    for (const LogField& field : fields) {
      out += ',';
      append_json_string(out, field.key);
      out += ':';
      append_value(out, field, format);
    }
    out += '}';
    return;
  }
  out += module;
  out += ": ";
  append_cut(out, sentence, append_sentence);
  for (const LogField& field : fields) {
    out += ' ';
    append_word_or_quoted(out, field.key);
    out += '=';
    append_value(out, field, format);
  }
}

void append_line(std::string& out, LineFormat format, std::chrono::system_clock::time_point time, Level level,
                 std::string_view body) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(since_epoch).count();
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  const auto milliseconds = since_epoch.count() - seconds * 1000;
  const bool json = format == LineFormat::kJson;
  const char* name = kLevelNames[static_cast<std::size_t>(level)];
  fmt::format_to(std::back_inserter(out), "{}{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", json ? "{\"ts\":\"" : "",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, milliseconds);
  if (json) {
    fmt::format_to(std::back_inserter(out), "\",\"level\":\"{}\"", name);
  } else {
    fmt::format_to(std::back_inserter(out), " {:<5} ", name);
  }
  out += body;
  out += '\n';
}

}  // namespace smppd::telemetry
