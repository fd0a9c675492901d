#include "config/internal/reader.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>

#include <fmt/format.h>

#include "config/internal/parse.h"

namespace smppd::config {
namespace {

constexpr std::size_t kMaxSecretFile = 65'536;

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

void Reader::error_at(std::string path, Position at, std::string message) {
  add_error(diagnostics_, at, std::move(path), std::move(message));
}

void Reader::error_at(const std::string& path, std::string message) {
  error_at(path, position_of(path), std::move(message));
}

void Reader::warn_at(const std::string& path, std::string message) {
  const Position at = position_of(path);
  diagnostics_.push_back({Diagnostic::Severity::kWarning, {}, at.line, at.column, path, std::move(message)});
}

void Reader::unknown(Position at, std::string path, std::string message) {
  error_at(std::move(path), at, std::move(message));
  if (lenient()) diagnostics_.back().severity = Diagnostic::Severity::kWarning;
}

Position Reader::position_of(std::string path) const {
  while (!path.empty()) {
    if (const auto found = positions_.find(path); found != positions_.end()) return found->second;
    const std::size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  return {};
}

std::optional<std::string> Reader::lookup(std::string_view reference, Position at) {
  if (reference.starts_with("file:")) {
    std::string name(reference.substr(5));
    if (!name.starts_with('/')) name = directory_ + "/" + name;
    std::ifstream file(name, std::ios::binary);
    std::string content(kMaxSecretFile + 1, '\0');
    if (file) file.read(content.data(), static_cast<std::streamsize>(content.size()));
    if (!file.is_open() || file.bad()) return error(at, fmt::format("cannot read {}", name)), std::nullopt;
    content.resize(static_cast<std::size_t>(file.gcount()));
    if (content.size() > kMaxSecretFile) {
      return error(at, fmt::format("{} has more than {} octets", name, kMaxSecretFile)), std::nullopt;
    }
    if (content.ends_with('\n')) content.pop_back();
    if (content.ends_with('\r')) content.pop_back();
    return content;
  }
  const std::size_t colon = reference.find(":-");
  const std::string name(reference.substr(0, colon));
  if (!is_variable_name(name)) {
    error(at, fmt::format("`${{{}}}` does not name an environment variable; write $${{ for a literal ${{", reference));
    return std::nullopt;
  }
  const char* value = options_.environment ? options_.environment(name.c_str()) : std::getenv(name.c_str());
  const bool has_default = colon != std::string_view::npos;
  if (value != nullptr && (*value != '\0' || !has_default)) return std::string(value);
  if (has_default) return std::string(reference.substr(colon + 2));
  error(at, fmt::format("environment variable {} is not set; set it or write ${{{}:-default}}", name, name));
  return std::nullopt;
}

std::optional<std::string> Reader::expand(const Node& scalar) {
  const std::string_view text = scalar.text;
  std::string result;
  bool failed = false;
  for (std::size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with("$${")) {
      result += "${";
      i += 3;
    } else if (text.substr(i).starts_with("${")) {
      const std::size_t end = text.find('}', i);
      if (end == std::string_view::npos) {
        error(scalar.at, "`${` without its `}`; write $${ for a literal ${");
        return std::nullopt;
      }
      const std::optional<std::string> value = lookup(text.substr(i + 2, end - i - 2), scalar.at);
      if (value) result += *value;
      failed = failed || !value;
      i = end + 1;
    } else {
      result += text[i++];
    }
  }
  if (failed) return std::nullopt;
  if (result != scalar.text && (find_invalid_utf8(result) != std::string::npos || result.contains('\0'))) {
    error(scalar.at, "the value put in for `${...}` is not valid UTF-8 text");
    return std::nullopt;
  }
  return result;
}

std::string escape_references(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) result += '$';
    result += text[i];
  }
  return result;
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > 64) return std::nullopt;
  std::size_t best = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::optional<std::string> found;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best && distance < candidate.size()) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

}  // namespace smppd::config
