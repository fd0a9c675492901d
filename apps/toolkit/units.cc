#include "toolkit/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "runtime/resolver.h"

namespace smppd::toolkit {

namespace {

struct Number {
  double value;
  std::string_view unit;
};

Fallible<Number> parse_number(std::string_view text, std::string_view what) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) {
    return failure("'" + std::string(text) + "' is no " + std::string(what));
  }
  return Number{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

bool scale_by_suffix(Number& number) {
  if (number.unit.empty()) return true;
  const char suffix = number.unit.front();
  if (suffix == 'k' || suffix == 'K') {
    number.value *= 1e3;
  } else if (suffix == 'M') {
    number.value *= 1e6;
  } else {
    return false;
  }
  number.unit.remove_prefix(1);
  return true;
}

}  // namespace

Fallible<Duration> parse_duration(std::string_view text) {
  const auto number = parse_number(text, "duration (write 250us, 50ms, 1.5s, 2m, 1h)");
  if (!number) return failure(number.error());
  constexpr std::array<std::pair<std::string_view, double>, 6> kUnits{
      {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  for (const auto& [unit, nanoseconds] : kUnits) {
    if (number->unit == unit) return Duration(static_cast<Duration::rep>(std::min(number->value * nanoseconds, 9e18)));
  }
  if (number->unit.empty() && number->value == 0) return Duration::zero();
  return failure("'" + std::string(text) + "' needs a unit: us, ms, s, m or h");
}

Fallible<double> parse_share(std::string_view text) {
  const auto number = parse_number(text, "share (write 0.05 or 5%)");
  if (!number) return failure(number.error());
  double share = number->value;
  if (number->unit == "%") {
    share /= 100;
  } else if (!number->unit.empty()) {
    return failure("'" + std::string(text) + "' is no share (write 0.05 or 5%)");
  }
  if (share > 1) return failure("'" + std::string(text) + "' is more than all (shares go from 0 to 1)");
  return share;
}

Fallible<double> parse_rate(std::string_view text) {
  auto number = parse_number(text, "rate (write 20000, 20k, 10/s or 600/m)");
  if (!number) return failure(number.error());
  scale_by_suffix(*number);
  if (number->unit.empty() || number->unit == "/s") return number->value;
  if (number->unit == "/m") return number->value / 60;
  if (number->unit == "/h") return number->value / 3600;
  return failure("'" + std::string(text) + "' is no rate (write 20000, 20k, 10/s or 600/m)");
}

Fallible<std::uint64_t> parse_count(std::string_view text) {
  auto number = parse_number(text, "count (write 1000, 10k or 2M)");
  if (!number) return failure(number.error());
  if (!scale_by_suffix(*number) || !number->unit.empty() || number->value > 9e15 ||
      number->value != std::floor(number->value)) {
    return failure("'" + std::string(text) + "' is no count (write 1000, 10k or 2M)");
  }
  return static_cast<std::uint64_t>(number->value);
}

Fallible<bool> parse_switch(std::string_view text) {
  if (text.empty() || text == "true" || text == "yes" || text == "on" || text == "1") return true;
  if (text == "false" || text == "no" || text == "off" || text == "0") return false;
  return failure("'" + std::string(text) + "' is neither true nor false");
}

Fallible<runtime::SocketAddress> parse_endpoint(std::string_view text) {
  const auto wrong = [&] { return failure("'" + std::string(text) + "' is no address (write HOST:PORT)"); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string host(text.substr(0, colon));
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "0.0.0.0";
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return wrong();
  auto found = runtime::Resolver::lookup(host, port);
  if (!found) return failure(found.error());
  if (found->empty()) return failure("'" + host + "' has no address");
  return found->front();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Fallible<std::vector<Setting>> parse_settings(std::string_view text,
                                              std::initializer_list<std::string_view> list_keys) {
  std::vector<Setting> settings;
  if (text.empty()) return settings;
  for (const std::string_view item : split(text, ',')) {
    const std::size_t equals = item.find('=');
    if (equals != std::string_view::npos) {
      settings.push_back({std::string(item.substr(0, equals)), std::string(item.substr(equals + 1))});
      if (settings.back().key.empty()) return failure("'" + std::string(item) + "' has no key before '='");
      continue;
    }
    const bool goes_on =
        !settings.empty() && std::find(list_keys.begin(), list_keys.end(), settings.back().key) != list_keys.end();
    if (goes_on) {
      settings.back().value.append(",").append(item);
    } else if (item.empty()) {
      return failure("'" + std::string(text) + "' has an empty item between commas");
    } else {
      settings.push_back({std::string(item), {}});
    }
  }
  return settings;
}

Fallible<std::string> parse_hex(std::string_view text) {
  std::string octets;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == ':') continue;
    const char* digits = "0123456789abcdef";
    const char* found = std::char_traits<char>::find(digits, 16, static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
    if (found == nullptr) return failure("'" + std::string(text) + "' is not hexadecimal");
    const int value = static_cast<int>(found - digits);
    if (high < 0) {
      high = value;
    } else {
      octets.push_back(static_cast<char>(high << 4 | value));
      high = -1;
    }
  }
  if (high >= 0) return failure("'" + std::string(text) + "' has an odd number of hexadecimal digits");
  return octets;
}

}  // namespace smppd::toolkit
