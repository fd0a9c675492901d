#include "routing/prefix_table.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <tuple>

#include "routing/internal/text_map.h"

namespace smppd::routing {

using message::PrefixMap;
using message::UpstreamId;

struct PrefixTable::Row {
  std::string digits;
  double cost = std::numeric_limits<double>::infinity();
  std::uint32_t line = 0;
  UpstreamId upstream;
  bool international = false;
};

namespace {

constexpr int kMaxErrors = 50;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

bool is_word(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  });
}

// Splits one line; false if a quote is left open or text follows a closing one.
bool split(std::string_view line, std::vector<std::string>& fields) {
  std::size_t count = 0;
  for (bool more = true; more; ++count) {
    if (fields.size() == count) fields.emplace_back();
    std::string& field = fields[count];
    field.clear();
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (!line.empty() && line.front() == '"') {
      std::size_t at = 1;
      for (;; ++at) {
        if (at >= line.size()) return false;
        if (line[at] == '"' && (at + 1 >= line.size() || line[at + 1] != '"')) break;
        if (line[at] == '"') ++at;
        field += line[at];
      }
      line.remove_prefix(at + 1);
      const std::size_t comma = std::min(line.find(','), line.size());
      if (!trimmed(line.substr(0, comma)).empty()) return false;
      more = comma < line.size();
      line.remove_prefix(std::min(comma + 1, line.size()));
    } else {
      const std::size_t comma = std::min(line.find(','), line.size());
      field = trimmed(line.substr(0, comma));
      more = comma < line.size();
      line.remove_prefix(std::min(comma + 1, line.size()));
    }
  }
  fields.resize(count);
  return true;
}

}  // namespace

class PrefixTable::Reader {
 public:
  Reader(const std::string& file, const message::Names& names) : file_(file), names_(names) {}

  void line(std::string_view text) {
    ++line_;
    text = trimmed(text);
    if (text.empty() || text.front() == '#') return;
    if (!split(text, fields_)) return error("a quoted field must be closed and be followed by a comma");
    if (first_) {
      first_ = false;
      if (is_word(fields_[0], "prefix") || std::any_of(fields_.begin(), fields_.end(), [](const std::string& field) {
            return is_word(field, "upstream");
          })) {
        return header();
      }
    }
    row();
  }

  void error(const std::string& sentence) {
    if (++error_count_ <= kMaxErrors) errors_ += file_ + ":" + std::to_string(line_) + ": " + sentence + "\n";
  }
  void error_at(std::uint32_t line, const std::string& sentence) {
    line_ = line;
    error(sentence);
  }

  [[nodiscard]] std::string errors() {
    if (error_count_ > kMaxErrors) errors_ += "and " + std::to_string(error_count_ - kMaxErrors) + " more\n";
    if (!errors_.empty()) errors_.pop_back();
    return errors_;
  }

  std::vector<Row> rows;

 private:
  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

  void header() {
    has_header_ = true;
    prefix_ = upstream_ = cost_ = kAbsent;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (is_word(fields_[i], "prefix")) prefix_ = i;
      if (is_word(fields_[i], "upstream")) upstream_ = i;
      if (is_word(fields_[i], "cost")) cost_ = i;
    }
    if (prefix_ == kAbsent || upstream_ == kAbsent) error("the header must name the columns prefix and upstream");
    headless_ = prefix_ == kAbsent || upstream_ == kAbsent;
  }

  void row() {
    if (headless_) return;  // reported once, at the header
    if (!has_header_ && (fields_.size() < 2 || fields_.size() > 3)) {
      return error("a line has two or three fields: prefix,upstream[,cost]");
    }
    if (fields_.size() <= std::max(prefix_, upstream_)) return error("the prefix or the upstream is missing");
    Row row;
    row.line = line_;
    if (!read_prefix(fields_[prefix_], row)) {
      return error("'" + fields_[prefix_] + "' is not a prefix: write digits with or without a leading +, or *");
    }
    row.upstream = names_.upstreams.find(fields_[upstream_]);
    if (!row.upstream.valid()) return error("the upstream '" + fields_[upstream_] + "' does not exist");
    if (cost_ < fields_.size() && !fields_[cost_].empty() && !read_cost(fields_[cost_], row.cost)) {
      return error("'" + fields_[cost_] + "' is not a cost: write a number of zero or more");
    }
    rows.push_back(std::move(row));
  }

  static bool read_prefix(std::string_view text, Row& row) {
    if (text.empty()) return false;
    if (text.ends_with('*')) text.remove_suffix(1);
    const message::NormalAddress address = message::normalise(message::ton::kUnknown, text);
    row.international = address.text.size() != text.size();
    row.digits = address.text;
    return PrefixMap::is_prefix(address.text);
  }

  static bool read_cost(const std::string& text, double& cost) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), cost);
    return problem == std::errc{} && end == text.data() + text.size() && cost >= 0 &&
           cost < std::numeric_limits<double>::infinity();
  }

  const std::string& file_;
  const message::Names& names_;
  std::vector<std::string> fields_;
  std::string errors_;
  int error_count_ = 0;
  std::uint32_t line_ = 0;
  bool first_ = true;
  bool has_header_ = false;
  bool headless_ = false;
  std::size_t prefix_ = 0;
  std::size_t upstream_ = 1;
  std::size_t cost_ = 2;
};

Fallible<PrefixTable> PrefixTable::load(const std::string& path, const message::Names& names) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure(path + ": cannot be opened: " + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) return failure(path + ": cannot be read");
  return parse(text.view(), path, names);
}

Fallible<PrefixTable> PrefixTable::parse(std::string_view text, const std::string& file, const message::Names& names) {
  Reader reader(file, names);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  reader.rows.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reader.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::vector<Row>& rows = reader.rows;
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.digits, a.cost, a.line) < std::tie(b.digits, b.cost, b.line);
  });
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    while (end < rows.size() && rows[end].digits == rows[begin].digits) {
      for (std::size_t other = begin; other < std::min(end, begin + kMaxChoices); ++other) {
        if (rows[other].upstream != rows[end].upstream) continue;
        const auto [first, second] = std::minmax(rows[other].line, rows[end].line);
        reader.error_at(second, "the prefix and upstream of line " + std::to_string(first) + " again");
        break;
      }
      if (end - begin == kMaxChoices) {
        reader.error_at(rows[end].line, "a prefix has at most " + std::to_string(kMaxChoices) + " upstreams");
      }
      ++end;
    }
  }
  if (std::string errors = reader.errors(); !errors.empty()) return failure(std::move(errors));
  if (rows.empty()) return failure(file + ": the table is empty");
  return build(rows);
}

PrefixTable PrefixTable::build(std::vector<Row>& rows) {
  PrefixTable table;
  std::vector<PrefixMap::Entry> entries;
  TextMap<std::uint32_t> known;  // most prefixes share one of few plans
  std::string key;
  for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    bool international = true;  // written without + once is enough to be for every type of number
    key.clear();
    for (; end < rows.size() && rows[end].digits == rows[begin].digits; ++end) {
      international &= rows[end].international;
      const std::uint16_t id = rows[end].upstream.value();
      key.append({static_cast<char>(id >> 8), static_cast<char>(id & 0xFF)});
    }
    key += international ? '+' : ' ';
    const auto [at, fresh] = known.try_emplace(key, static_cast<std::uint32_t>(table.plans_.size()));
    if (fresh) {
      table.plans_.push_back({static_cast<std::uint32_t>(table.upstreams_.size()),
                              static_cast<std::uint32_t>(end - begin), international});
      for (std::size_t i = begin; i < end; ++i) table.upstreams_.push_back(rows[i].upstream);
    }
    entries.push_back({std::move(rows[begin].digits), at->second});
  }
  table.prefixes_ = PrefixMap(std::move(entries));
  return table;
}

std::span<const UpstreamId> PrefixTable::find(message::NormalAddress destination) const noexcept {
  const Plan* found = nullptr;
  prefixes_.walk(destination.text, [&](std::uint32_t number) {
    const Plan& plan = plans_[number];
    if (!plan.international || destination.international) found = &plan;
    return found == nullptr;
  });
  if (found == nullptr) return {};
  return {upstreams_.data() + found->begin, found->count};
}

}  // namespace smppd::routing
