#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/internal/test_support.h"

namespace smppd::config {
namespace {

using namespace smppd::config::testing;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kOnDisk = "storage: {rocksdb: {path: /var/lib/smppd}}\n";
const std::string kNotWired = "storing messages is not built yet";

// What is said apart from the sentence that nothing is stored yet.
std::string said(const std::string& more) {
  std::string text = said_of_more(more);
  const std::size_t at = text.find(kNotWired);
  if (at == std::string::npos) return text;
  const std::size_t begin = text.rfind('\n', at) + 1;
  return text.erase(begin, text.find('\n', at) + 1 - begin);
}

std::string said_of_storage(const std::string& keys) {
  return said("routes: [{upstream: a}, {upstream: b}]\nstorage: {" + keys + "}\n");
}

std::string said_of_retry(const std::string& keys) {
  return said("  - {name: c, mock: {}, retry: {" + keys + "}}\n" + kOnDisk);
}

TEST(Storage, IsOffWithoutASection) {
  const ConfigPtr config = load_yaml(kRouted).config;
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->storage, Storage{});
  EXPECT_FALSE(config->storage.enabled);
}

TEST(Storage, OfWhichNothingIsEnabledNeedsNothing) {
  const ConfigPtr config = load_yaml(std::string(kRouted) + "storage: {enabled: false, backend: memory}").config;
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->storage.backend, StoreBackend::kMemory);
  EXPECT_NE(load_yaml(std::string(kRouted) + "storage: false").config, nullptr);
}

TEST(Storage, ReadsEveryKey) {
  const ConfigPtr config = load_yaml(std::string(kRouted) +
                                     "storage:\n"
                                     "  enabled: false\n"
                                     "  rocksdb: /var/lib/smppd\n"
                                     "  durability: os\n"
                                     "  max_messages: 5000000000\n"
                                     "  max_bytes: 2GiB\n")
                               .config;
  EXPECT_EQ(config, nullptr) << "more messages than a store can count";
  const ConfigPtr good = load_yaml(std::string(kRouted) +
                                   "storage:\n"
                                   "  enabled: false\n"
                                   "  rocksdb: /var/lib/smppd\n"
                                   "  durability: os\n"
                                   "  max_messages: 1000000000\n"
                                   "  max_bytes: 2GiB\n"
                                   "  submit_sm: {enabled: false, retention: 1d}\n"
                                   "  deliver_sm: {enabled: false, retention: 2d}\n"
                                   "  dead_letters: {retention: 3d}\n"
                                   "  validity: {default: 4h, max: 5h}\n"
                                   "  inbox: {max_per_client: 6, delay: 7s, max_delay: 8s}\n")
                             .config;
  ASSERT_NE(good, nullptr);
  const auto hours = [](int count) { return Millis(std::chrono::hours(count)); };
  const Storage want{false,
                     StoreBackend::kRocksdb,
                     "/var/lib/smppd",
                     StoreDurability::kOs,
                     1'000'000'000,
                     2ULL << 30,
                     false,
                     hours(24),
                     false,
                     hours(48),
                     hours(72),
                     hours(4),
                     hours(5),
                     6,
                     Millis(7'000),
                     Millis(8'000)};
  EXPECT_EQ(good->storage, want);
}

TEST(Storage, OnDiskNeedsItsDirectory) {
  EXPECT_THAT(said_of_storage(""),
              HasSubstr("test.yaml:6:1: error: storage.rocksdb.path: the backend rocksdb needs a directory"));
  EXPECT_THAT(said_of_storage("backend: rocksdb"), HasSubstr("needs a directory"));
  EXPECT_THAT(said_of_storage("rocksdb: {path: /var/lib/smppd}"), Not(HasSubstr("error")));
}

TEST(Storage, InMemoryPromisesNothingAndSaysSo) {
  EXPECT_THAT(said_of_storage("backend: memory"), Not(HasSubstr("error")));
  EXPECT_THAT(said_of_storage("backend: memory, durability: none"), Not(HasSubstr("error")));
  for (const char* more : {"fsync", "os"}) {
    EXPECT_THAT(said_of_storage("backend: memory, durability: " + std::string(more)),
                HasSubstr("error: storage.durability: the backend memory keeps nothing over a crash; write none"));
  }
  const ConfigPtr config = load_yaml(std::string(kRouted) + "storage: {enabled: false, backend: memory}").config;
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->storage.durability, StoreDurability::kNone);
  EXPECT_EQ(config->storage.max_bytes, 1ULL << 30) << "what fits into a machine";
}

TEST(Storage, BackendsToComeAreNamed) {
  for (const char* backend : {"sqlite", "postgres", "redis", "badger"}) {
    const std::string text = said_of_storage("backend: " + std::string(backend) + ", " + backend + ": {path: x}");
    EXPECT_THAT(text, HasSubstr("test.yaml:6:20: error: storage.backend: the "));
    EXPECT_THAT(text, HasSubstr(" store is not built yet; allowed: rocksdb, memory"));
    EXPECT_THAT(text, HasSubstr(std::string("error: storage.") + backend + ": the "));
    EXPECT_THAT(text, Not(HasSubstr("needs a directory"))) << "one mistake, one sentence";
  }
  EXPECT_THAT(said_of_storage("backend: rocksbd"), HasSubstr("is not one of rocksdb, memory; did you mean `rocksdb`?"));
  EXPECT_THAT(said_of_storage("cdr: {enabled: true}"), HasSubstr("storage.cdr: CDR export is not built yet"));
}

TEST(Storage, ValuesAreBounded) {
  EXPECT_THAT(said_of_storage("max_messages: 0"), HasSubstr("storage.max_messages: 0 is out of bounds; allowed: 1 to"));
  EXPECT_THAT(said_of_storage("max_bytes: 1"), HasSubstr("storage.max_bytes: 1 is out of bounds; allowed: 1MB to"));
  EXPECT_THAT(said_of_storage("durability: always"),
              HasSubstr("storage.durability: `always` is not one of fsync, os, none"));
  EXPECT_THAT(said_of_storage("submit_sm: {retention: 0}"), HasSubstr("storage.submit_sm.retention: 0 is out of"));
  EXPECT_THAT(said_of_storage("inbox: {max_per_client: 0}"), HasSubstr("storage.inbox.max_per_client: 0 is out of"));
  EXPECT_THAT(said_of_storage("retention: 1d"), HasSubstr("storage.retention"));
}

TEST(Storage, BoundsAgreeWithEachOther) {
  const std::string path = "rocksdb: {path: /p}, ";
  EXPECT_THAT(said_of_storage(path + "validity: {default: 8d}"),
              HasSubstr("error: storage.validity: default is longer than max"));
  EXPECT_THAT(said_of_storage(path + "inbox: {delay: 6m}"), HasSubstr("error: storage.inbox: delay is longer than"));
}

TEST(Retry, ReadsTheExampleOfTheDesign) {
  const ConfigPtr config = load_yaml(std::string(kRouted) +
                                     "  - name: c\n"
                                     "    mock: {}\n"
                                     "    retry:\n"
                                     "      enabled: true\n"
                                     "      max_attempts: 3\n"
                                     "      delay: 1s\n"
                                     "      max_delay: 30s\n"
                                     "      backoff: exponential     # fixed, exponential, linear\n"
                                     "      backoff_factor: 2\n"
                                     "      retryable_errors:\n"
                                     "        - 0x00000008           # System error\n"
                                     "        - ESME_RTHROTTLED\n")
                               .config;
  ASSERT_NE(config, nullptr);
  Retry want;
  want.max_attempts = 3;
  want.max_delay = Millis(30'000);
  want.retryable_errors = {0x08, 0x58};
  EXPECT_EQ(config->upstreams[2].retry, want);
  EXPECT_EQ(config->upstreams[0].retry, Retry{});
}

TEST(Retry, ValuesAreBoundedAndAgree) {
  EXPECT_THAT(said_of_retry("delay: 1m, max_delay: 1s"),
              HasSubstr("test.yaml:5:25: error: upstreams[2].retry: delay is longer than max_delay"));
  EXPECT_THAT(said_of_retry("backoff: quadratic"),
              HasSubstr("upstreams[2].retry.backoff: `quadratic` is not one of fixed, linear, exponential"));
  EXPECT_THAT(said_of_retry("backoff_factor: 0.5"), HasSubstr("retry.backoff_factor: 0.5 is out of bounds"));
  EXPECT_THAT(said_of_retry("jitter: 2"), HasSubstr("retry.jitter: 2 is out of bounds; allowed: 0 to 1"));
  EXPECT_THAT(said_of_retry("retryable_errors: [ESME_RNONSENSE]"), HasSubstr("is not a command_status"));
  EXPECT_THAT(said_of_retry("uncertain: maybe"), HasSubstr("`maybe` is not one of fail, hold, resend"));
  EXPECT_THAT(said_of_retry("after_hold: hold"), HasSubstr("`hold` is not one of fail, resend"));
  EXPECT_THAT(said_of_retry("max_attempts: 0, uncertain: hold, after_hold: resend"), Not(HasSubstr("error")));
}

TEST(Retry, WithoutStorageIsWarnedOf) {
  const std::string warning = "warning: upstreams[2].retry: means nothing without `storage`";
  EXPECT_THAT(said_of_more("  - {name: c, mock: {}, retry: {max_attempts: 3}}\n"), HasSubstr(warning));
  EXPECT_THAT(said_of_retry("max_attempts: 3"), Not(HasSubstr("means nothing")));
}

TEST(Mode, ToStoreNeedsAStore) {
  const std::string sentence = "store_and_forward needs a store; add `storage: {backend: rocksdb, rocksdb: ";
  EXPECT_THAT(said("routes: [{upstream: a, mode: store_and_forward}]\n"),
              HasSubstr("test.yaml:5:24: error: routes[0].mode: " + sentence));
  EXPECT_THAT(said("clients: [{system_id: x, password: y, mode: store_and_forward}]\n"),
              HasSubstr("error: clients[0].mode: " + sentence));
  EXPECT_THAT(said("routes: [{upstream: a, mode: store_and_forward}]\n" + kOnDisk), Not(HasSubstr("error")));
  EXPECT_THAT(said("routes: [{upstream: a, mode: later}]\n"),
              HasSubstr("routes[0].mode: `later` is not one of transaction, store_and_forward"));
  EXPECT_THAT(said("routes: [{response: 0, mode: transaction}]\n"),
              HasSubstr("routes[0].mode: means nothing beside `response`"));
}

TEST(Mode, IsReadAndUnsetWithoutTheKey) {
  const ConfigPtr config = load_yaml(std::string(kRouted) +
                                     "routes: [{upstream: a, mode: transaction}, {upstream: b}]\n"
                                     "clients: [{system_id: x, password: y, mode: transaction}]\n")
                               .config;
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->routes[0].mode, MessageMode::kTransaction);
  EXPECT_FALSE(config->routes[1].mode);
  EXPECT_EQ(config->clients[0].mode, MessageMode::kTransaction);
}

// What is said of an upstream that lends its ids, with storage on.
std::string said_of_lender(const std::string& more) {
  return said("  - {name: c, mock: {}, message_id: upstream}\n" + more + kOnDisk);
}

TEST(LentIds, AreRefusedWhereMessagesAreStored) {
  const std::string sentence =
      "leads to the upstream `c` in line 5, whose `message_id: upstream` is not known yet when a stored message is "
      "answered; set `mode: transaction` here";
  EXPECT_THAT(said_of_lender("routes: [{upstream: c}]\n"),
              HasSubstr("test.yaml:6:10: error: routes[0].mode: " + sentence));
  EXPECT_THAT(said_of_lender("routes: [{upstream: c, mode: store_and_forward}]\n"),
              HasSubstr("routes[0].mode: " + sentence));
  EXPECT_THAT(said_of_lender("routes: [{upstream: c, mode: transaction}]\n"), Not(HasSubstr("error")));
  EXPECT_THAT(said_of_lender("routes: [{upstream: a}]\n"), Not(HasSubstr("error")));
  EXPECT_THAT(said_of_lender("clients: [{system_id: x, password: y, upstream: c}]\n"),
              HasSubstr("clients[0].mode: " + sentence));
  EXPECT_THAT(said_of_lender("clients: [{system_id: x, password: y, upstream: c, mode: transaction}]\n"),
              Not(HasSubstr("error")));
}

TEST(LentIds, AreFoundBehindFailoverFallbackAndTables) {
  EXPECT_THAT(said_of_lender("routes: [{upstream: a, failover: [b, c]}]\n"), HasSubstr("routes[0].mode: leads"));
  EXPECT_THAT(said_of_lender("  - {name: d, mock: {}, failover: c}\nroutes: [{upstream: d}]\n"),
              HasSubstr("routes[0].mode: leads"));
  const std::string table = ::testing::TempDir() + "lent_ids.csv";
  std::ofstream(table) << "# prefix,upstream,cost\n+258,a\n+27, \"c\" ,0.1\r\n";
  EXPECT_THAT(said_of_lender("routes: [{table: " + table + "}]\n"), HasSubstr("routes[0].mode: leads"));
  std::ofstream(table) << "+258,a\n+27,b,0.1\n";
  EXPECT_THAT(said_of_lender("routes: [{table: " + table + "}]\n"), Not(HasSubstr("error")));
}

TEST(LentIds, AreJudgedByTheClientsThatCanComeTheWay) {
  const auto two = [](const std::string& x, const std::string& route) {
    return said_of_lender("clients: [{system_id: x, password: y" + x +
                          "}, {system_id: z, password: y, mode: transaction}]\n" + "routes: [{upstream: c" + route +
                          "}]\n");
  };
  EXPECT_THAT(two(", mode: transaction", ""), Not(HasSubstr("error")));
  EXPECT_THAT(two("", ""), HasSubstr("routes[0].mode: leads"));
  EXPECT_THAT(two("", ", match: {client: z}"), Not(HasSubstr("error")));
  EXPECT_THAT(two(", upstream: a", ""), Not(HasSubstr("error")));
  EXPECT_THAT(two(", mode: store_and_forward", ", mode: transaction"), HasSubstr("clients[0].mode: leads"));
}

}  // namespace
}  // namespace smppd::config
