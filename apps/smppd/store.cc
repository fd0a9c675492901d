// smppd store check | stats: what lies in a store's directory.
#include <array>
#include <iostream>
#include <optional>

#include "commands.h"
#include "config/loader.h"
#include "plugins/store/rocksdb/rocks_store.h"

namespace smppd::cli {

namespace {

constexpr std::array kTableNames = {"", "correlations", "outcomes", "dead_letters", "strays", "facts", "notes"};
static_assert(kTableNames.size() == store::kTables);

// Not at all when it was already said why.
std::optional<std::string> directory_of(const ConfigChoice& choice, const std::string& given) {
  if (given.empty() == choice.file.empty()) {
    std::cerr << "smppd: say which store: its directory, or the configuration of its smppd with --config FILE\n";
    return std::nullopt;
  }
  if (!given.empty()) return given;
  const config::Loaded loaded = config::load_file(choice.file, {choice.lenient, choice.overrides, {}});
  std::cerr << config::to_text(loaded.diagnostics);
  if (loaded.config == nullptr) return std::nullopt;
  const config::Storage& storage = loaded.config->storage;
  if (!storage.enabled || storage.backend != config::StoreBackend::kRocksdb) {
    std::cerr << "smppd: " << choice.file << " keeps nothing on disk: it has no storage with backend rocksdb\n";
    return std::nullopt;
  }
  return storage.path;
}

Fallible<plugins::StoreReport> inspect(const std::string& directory) {
  auto report = plugins::inspect_store(directory);
  if (!report) std::cerr << "smppd: " << report.error() << "\n";
  return report;
}

void print_json(const plugins::StoreReport& report) {
  std::cout << R"({"journals":[)";
  for (std::size_t i = 0; i < report.journals.size(); ++i) {
    const auto& journal = report.journals[i];
    std::cout << (i == 0 ? "" : ",") << R"({"number":)" << journal.number << R"(,"segments":)" << journal.segments
              << R"(,"bytes":)" << journal.bytes << R"(,"transactions":)" << journal.transactions << R"(,"items":)"
              << journal.items << R"(,"item_bytes":)" << journal.item_bytes << R"(,"correlations":)"
              << journal.correlations << R"(,"lanes":[)";
    for (std::size_t lane = 0; lane < journal.lanes.size(); ++lane) {
      std::cout << (lane == 0 ? "" : ",") << R"({"lane":)" << journal.lanes[lane].lane.value() << R"(,"items":)"
                << journal.lanes[lane].items << "}";
    }
    std::cout << "]}";
  }
  std::cout << R"(],"records":{)";
  for (int table = 1; table < store::kTables; ++table) {
    std::cout << (table == 1 ? "\"" : ",\"") << kTableNames[table] << "\":" << report.records[table];
  }
  std::cout << R"(},"torn_bytes":)" << report.torn_bytes << R"(,"damaged_bytes":)" << report.damaged_bytes << "}\n";
}

void print_text(const plugins::StoreReport& report) {
  for (const auto& journal : report.journals) {
    std::cout << "journal " << journal.number << ": " << journal.items << " items of " << journal.item_bytes
              << " octets, " << journal.correlations << " correlations, " << journal.transactions << " transactions in "
              << journal.segments << " segments of " << journal.bytes << " octets\n";
    for (const auto& lane : journal.lanes) {
      std::cout << "  lane " << lane.lane.value() << ": " << lane.items << " items\n";
    }
  }
  for (int table = 1; table < store::kTables; ++table) {
    std::cout << kTableNames[table] << ": " << report.records[table] << " records in the tables\n";
  }
}

}  // namespace

int check_store(const ConfigChoice& choice, const std::string& given) {
  const auto directory = directory_of(choice, given);
  if (!directory) return kBadConfig;
  const auto report = inspect(*directory);
  if (!report) return kFailed;
  for (const std::string& sentence : report->reports) std::cout << sentence << "\n";
  std::uint64_t transactions = 0;
  for (const auto& journal : report->journals) transactions += journal.transactions;
  std::cout << *directory << ": " << transactions << " transactions read, " << report->damaged_bytes
            << " octets damaged, " << report->torn_bytes << " octets of an unfinished end\n";
  return report->damaged_bytes == 0 ? kOk : kFailed;
}

int store_stats(const ConfigChoice& choice, const std::string& given, bool json) {
  const auto directory = directory_of(choice, given);
  if (!directory) return kBadConfig;
  const auto report = inspect(*directory);
  if (!report) return kFailed;
  json ? print_json(*report) : print_text(*report);
  return kOk;
}

}  // namespace smppd::cli
