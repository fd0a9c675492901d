#include <fmt/format.h>

#include "config/internal/options.h"

namespace smppd::config {
namespace {

constexpr std::uint64_t kMemoryBytes = 1ULL << 30;  // of the backend `memory` where nothing is said

Kind<StoreBackend> backend() {
  return enumeration<StoreBackend>({{"rocksdb", StoreBackend::kRocksdb}, {"memory", StoreBackend::kMemory}},
                                   {{"sqlite", "the SQLite store"},
                                    {"badger", "the Badger store"},
                                    {"postgres", "the PostgreSQL store"},
                                    {"redis", "the Redis store"}});
}

// What agrees with what, in a section whose values are all good by themselves.
void judge(const Storage& storage, Reader& reader) {
  const bool memory = storage.backend == StoreBackend::kMemory;
  if (!memory && storage.path.empty()) {
    reader.error_at("storage.rocksdb.path", "the backend rocksdb needs a directory, such as /var/lib/smppd");
  }
  if (memory && storage.durability != StoreDurability::kNone) {
    reader.error_at("storage.durability",
                    "the backend memory keeps nothing over a crash; write none, or use the backend rocksdb");
  }
  if (storage.validity_default > storage.validity_max) {
    reader.error_at("storage.validity", "default is longer than max");
  }
  if (storage.inbox_delay > storage.inbox_max_delay) {
    reader.error_at("storage.inbox", "delay is longer than max_delay");
  }
}

void describe_kept(Describe<Storage>& d) {
  using T = Storage;
  Describe<T> outcomes;
  outcomes.value("enabled", &T::keep_outcomes, boolean(), "Whether query_sm finds them afterwards.");
  outcomes.value("retention", &T::outcome_retention, duration(Millis(1'000), 3'650 * kDay),
                 "How long after its final state.");
  d.group("submit_sm", outcomes.take(), "What became of messages from clients.").scalar_is("retention");
  Describe<T> deliveries;
  deliveries.value("enabled", &T::keep_deliveries, boolean(),
                   "Whether receipts and MO wait here for their client; if not, the SMSC keeps them.");
  deliveries.value("retention", &T::delivery_retention, duration(Millis(1'000), 3'650 * kDay),
                   "How long they wait for a client that does not come for them.");
  d.group("deliver_sm", deliveries.take(), "Receipts and messages from handsets.").scalar_is("retention");
  Describe<T> dead;
  dead.value("retention", &T::dead_letter_retention, duration(Millis(1'000), 3'650 * kDay), "How long.");
  d.group("dead_letters", dead.take(), "Messages that were given up, with the reason.").scalar_is("retention");
}

Options storage() {
  using T = Storage;
  Describe<T> d;
  d.value("enabled", &T::enabled, boolean(), "Whether messages are stored; a `storage` section without it says yes.");
  d.value("backend", &T::backend, backend(), "Where messages are kept: on disk, or in memory until smppd stops.");
  Describe<T> rocksdb;
  rocksdb.value("path", &T::path, file_path(), "The directory; needed by `backend: rocksdb`, and no other smppd's.");
  d.group("rocksdb", rocksdb.take(), "The store on disk.").scalar_is("path");
  d.value("durability", &T::durability,
          enumeration<StoreDurability>(
              {{"fsync", StoreDurability::kFsync}, {"os", StoreDurability::kOs}, {"none", StoreDurability::kNone}}),
          "When a message counts as kept, and its client is answered: `fsync` survives a crash of the machine, `os` of "
          "smppd, `none` nothing. `backend: memory` has `none` only.");
  d.value("max_messages", &T::max_messages, integer<std::uint64_t>(1, 1'000'000'000),
          "Messages kept at most; more are refused with a status that asks clients to come again.")
      .in("messages");
  d.value("max_bytes", &T::max_bytes, size(1'000'000, 1'000'000'000'000'000),
          "Octets of these messages at most; with `backend: memory` 1GiB where nothing is said.");
  describe_kept(d);
  Describe<T> validity;
  validity.value("default", &T::validity_default, duration(Millis(1'000), 366 * kDay),
                 "Of messages without a validity_period.");
  validity.value("max", &T::validity_max, duration(Millis(1'000), 366 * kDay), "Longer ones are cut to this.");
  d.group("validity", validity.take(), "How long a message may wait for its delivery.").scalar_is("default");
  Describe<T> inbox;
  inbox
      .value("max_per_client", &T::inbox_max_per_client, integer<std::uint32_t>(1, 1'000'000'000),
             "Receipts and messages that wait for one client at most; more stay with the SMSC.")
      .in("messages");
  inbox.value("delay", &T::inbox_delay, duration(kTick, kDay), "Wait after a deliver_sm that the client refused.");
  inbox.value("max_delay", &T::inbox_max_delay, duration(kTick, kDay),
              "Each wait is twice the one before, up to this.");
  d.group("inbox", inbox.take(), "What waits for a client that is away or slow.").scalar_is("max_per_client");
  d.unbuilt("sqlite", "the SQLite store");
  d.unbuilt("badger", "the Badger store");
  d.unbuilt("postgres", "the PostgreSQL store");
  d.unbuilt("redis", "the Redis store");
  d.unbuilt("cdr", "CDR export");
  return d.take();
}

void take_effect_at_restart(Options& options) {
  for (Option& option : options) {
    if (option.unbuilt) continue;
    if (option.shape == Shape::kValue) option.takes_effect(Effect::kRestart);
    take_effect_at_restart(option.children);
  }
}

}  // namespace

void describe_storage(Describe<Config>& d) {
  Options options = storage();
  take_effect_at_restart(options);
  Option& section = d.child("storage", &Config::storage, std::move(options),
                            "Keeping messages until they are delivered. A reload that changes it is refused.");
  section.scalar_is("enabled");
  section.read = [read = section.read](const Option& self, Reader& reader, const Node& node, void* object) {
    Storage& storage = static_cast<Config*>(object)->storage;
    storage.enabled = true;
    const std::size_t reported = reader.reported();
    read(self, reader, node, object);
    if (storage.backend == StoreBackend::kMemory) {
      if (!reader.has_read("storage.durability")) storage.durability = StoreDurability::kNone;
      if (!reader.has_read("storage.max_bytes")) storage.max_bytes = kMemoryBytes;
    }
    if (!storage.enabled || reader.reported() != reported) return;
    judge(storage, reader);
  };
}

Options retry_options() {
  using T = Retry;
  Describe<T> d;
  d.value("enabled", &T::enabled, boolean(), "Whether a refused message is sent again at all.");
  d.value(
       "max_attempts", &T::max_attempts, integer<std::uint32_t>(0, 1'000),
       "Attempts, the first included; 0 is until the validity ends. Answers ESME_RTHROTTLED and ESME_RMSGQFUL do not "
       "count.")
      .in("attempts");
  d.value("delay", &T::delay, duration(kTick, kDay), "Wait before the second attempt.");
  d.value("max_delay", &T::max_delay, duration(kTick, 7 * kDay), "Longest wait.");
  d.value("backoff", &T::backoff,
          enumeration<Backoff>(
              {{"fixed", Backoff::kFixed}, {"linear", Backoff::kLinear}, {"exponential", Backoff::kExponential}}),
          "How the wait grows: not, by `delay` each time, or by `backoff_factor` each time.");
  d.value("backoff_factor", &T::backoff_factor, number(1, 100), "Of `backoff: exponential`.");
  d.value("jitter", &T::jitter, number(0, 1),
          "Share of each wait that is random, so that messages do not come at once.");
  d.value("retryable_errors", &T::retryable_errors, list_of(command_status()),
          "Answers after which a message is sent again; any other is final.");
  d.value(
      "uncertain", &T::uncertain,
      enumeration<Uncertain>({{"fail", Uncertain::kFail}, {"hold", Uncertain::kHold}, {"resend", Uncertain::kResend}}),
      "A message that was sent and got no answer: `hold` waits for a late answer or a receipt, `resend` may deliver "
      "it twice, `fail` gives it up.");
  d.value("uncertain_wait", &T::uncertain_wait, duration(kTick, 30 * kDay), "How long `uncertain: hold` waits.");
  d.value("after_hold", &T::after_hold,
          enumeration<Uncertain>({{"fail", Uncertain::kFail}, {"resend", Uncertain::kResend}}), "And then.");
  d.value("throttled_pause", &T::throttled_pause, duration(kTick, kHour),
          "A stored message that was answered ESME_RTHROTTLED is sent again after this.");
  d.value(
      "order", &T::order,
      enumeration<RetryOrder>({{"none", RetryOrder::kNone}, {"destination", RetryOrder::kDestination}}),
      "`destination`: a message waits until the earlier ones of its client to the same destination were accepted or "
      "given up; `none`: it passes one that is sent again later.");
  return d.take();
}

Kind<std::optional<MessageMode>> message_mode() {
  return maybe(enumeration<MessageMode>(
      {{"transaction", MessageMode::kTransaction}, {"store_and_forward", MessageMode::kStoreAndForward}}));
}

}  // namespace smppd::config
