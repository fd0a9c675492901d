// Writes JSON text in the order told. The caller keeps the nesting right; commas and escapes are done here.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace smppd::toolkit {

class JsonWriter {
 public:
  JsonWriter& open_object() { return open('{'); }
  JsonWriter& close_object() { return close('}'); }
  JsonWriter& open_array() { return open('['); }
  JsonWriter& close_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool yes) { return literal(yes ? "true" : "false"); }
  JsonWriter& value(double number);
  template <std::integral Number>
    requires(!std::same_as<Number, bool>)
  JsonWriter& value(Number number) {
    return literal(std::to_string(number));
  }
  // Text that is JSON already.
  JsonWriter& literal(std::string_view json);

  template <typename Value>
  JsonWriter& member(std::string_view name, const Value& of) {
    key(name);
    return value(of);
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  void clear() noexcept {
    text_.clear();
    comma_ = false;
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();
  std::string text_;
  bool comma_ = false;
};

// Writes `text` and a line end to a file, or to standard output for "-". False if that failed.
[[nodiscard]] bool write_report(const std::string& path, std::string_view text);

}  // namespace smppd::toolkit
