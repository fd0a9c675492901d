// The commands that look at a configuration without starting anything.
#include <chrono>
#include <iostream>
#include <random>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "config/loader.h"
#include "message/names.h"
#include "routing/explain.h"
#include "server/server.h"
#include "server/snapshot_builder.h"

namespace smppd::cli {

namespace {

config::Loaded load(const ConfigChoice& choice) {
  config::Loaded loaded = config::load_file(choice.file, {choice.lenient, choice.overrides, {}});
  std::cerr << config::to_text(loaded.diagnostics);
  return loaded;
}

// 2026-01-31T22:15:00Z, seconds and Z optional.
Fallible<WallTime> parse_moment(const std::string& text) {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0, second = 0;
  char t = 0, dash = 0, colon = 0;
  std::istringstream in(text);
  in >> year >> dash >> month >> dash >> day >> t >> hour >> colon >> minute;
  if (in.peek() == ':') in >> colon >> second;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (in.fail() || !date.ok() || t != 'T' || hour > 23 || minute > 59 || second > 60 || hour < 0 || minute < 0) {
    return failure("--at " + text + " is no time; write it as 2026-01-31T22:15:00Z");
  }
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

// What would keep smppd from starting here; where the configuration is only looked at, it may be as it should be.
void warn_of_store(const std::string& file, const config::Storage& storage) {
  if (!storage.enabled || storage.backend != config::StoreBackend::kRocksdb) return;
  struct stat found{};
  const char* wrong = ::stat(storage.path.c_str(), &found) != 0                 ? "is not there"
                      : !S_ISDIR(found.st_mode)                                 ? "is no directory"
                      : ::access(storage.path.c_str(), R_OK | W_OK | X_OK) != 0 ? "is not writable for this user"
                                                                                : nullptr;
  if (wrong == nullptr) return;
  std::cerr << file << ": warning: storage.rocksdb.path: " << storage.path << " " << wrong
            << "; smppd needs it to start\n";
}

class FixedText final : public message::TextSource {
 public:
  explicit FixedText(std::string_view text) noexcept : text_(text) {}
  std::string_view utf8() noexcept override { return text_; }

 private:
  std::string_view text_;
};

}  // namespace

int validate(const ConfigChoice& choice) {
  const config::Loaded loaded = load(choice);
  if (loaded.config == nullptr) return kBadConfig;
  // What only shows when everything is compiled: number plans, patterns, filters.
  server::Lasting lasting;
  if (auto built = server::build_publication(loaded.config, nullptr, 1, lasting); !built) {
    std::cerr << choice.file << ": error: " << built.error() << "\n";
    return kBadConfig;
  }
  warn_of_store(choice.file, loaded.config->storage);
  std::cout << choice.file << " is valid: " << loaded.config->listeners.size() << " listeners, "
            << loaded.config->upstreams.size() << " upstreams, " << loaded.config->routes.size() << " routes, "
            << loaded.config->clients.size() << " clients\n";
  return kOk;
}

int dump_config(const ConfigChoice& choice, const std::string& format) {
  const config::Loaded loaded = load(choice);
  if (loaded.config == nullptr) return kBadConfig;
  std::cout << config::dump(*loaded.config, format == "json" ? config::Format::kJson : config::Format::kYaml);
  return kOk;
}

int test_route(const ConfigChoice& choice, const RouteQuestion& question) {
  const config::Loaded loaded = load(choice);
  if (loaded.config == nullptr) return kBadConfig;
  WallTime at = std::chrono::system_clock::now();
  if (!question.at.empty()) {
    auto parsed = parse_moment(question.at);
    if (!parsed) {
      std::cerr << "smppd: " << parsed.error() << "\n";
      return kBadConfig;
    }
    at = *parsed;
  }
  message::Names names;
  routing::intern_names(*loaded.config, names);
  auto table = routing::RouteTable::compile(*loaded.config, names);
  if (!table) {
    std::cerr << "smppd: " << table.error() << "\n";
    return kBadConfig;
  }
  FixedText text(question.text);
  message::MessageFacts facts;
  facts.service_type = question.service_type;
  facts.source_addr = question.source;
  facts.destination_addr = question.destination;
  facts.dest_addr_ton = message::ton::kInternational;
  facts.text = &text;
  if (!question.client.empty()) {
    facts.client = names.clients.find(question.client);
    if (!facts.client.valid()) {
      std::cerr << "smppd: there is no client \"" << question.client << "\" in " << choice.file << "\n";
      return kBadConfig;
    }
  }
  const auto explanation =
      routing::explain(*loaded.config, **table, names, facts, at, static_cast<std::uint32_t>(std::random_device{}()));
  std::cout << (question.json ? explanation.to_json() : explanation.to_text()) << "\n";
  return explanation.decision.kind == routing::Decision::Kind::kNoRoute ? kNoMatch : kOk;
}

int print_version() {
  std::cout << "smppd " << server::version() << " (SMPP 3.3, 3.4, 5.0)\n";
  return kOk;
}

}  // namespace smppd::cli
