#include "toolkit/json_writer.h"

#include <cmath>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "telemetry/json_text.h"

namespace smppd::toolkit {

void JsonWriter::separate() {
  if (comma_) text_.push_back(',');
  comma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  text_.push_back(bracket);
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  text_.push_back(bracket);
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  telemetry::append_json_string(text_, name);
  text_.push_back(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  telemetry::append_json_string(text_, text);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  separate();
  if (std::isfinite(number)) {
    fmt::format_to(std::back_inserter(text_), "{:.6g}", number);
  } else {
    text_.append("null");
  }
  return *this;
}

JsonWriter& JsonWriter::literal(std::string_view json) {
  separate();
  text_.append(json);
  return *this;
}

bool write_report(const std::string& path, std::string_view text) {
  const auto close = [](std::FILE* file) { return file == stdout ? std::fflush(file) : std::fclose(file); };
  std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  bool good = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fputc('\n', file) != EOF;
  good = close(file) == 0 && good;
  return good;
}

}  // namespace smppd::toolkit
