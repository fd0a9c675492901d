// A disk in memory that does what disks do at the worst moment. Nothing is durable before it was synced: crash() keeps
// of the writes since any subset, each perhaps in part, and of the names that changed since sync_directory() a
// beginning. Deterministic: the same calls and seeds give the same disk. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "store/disk.h"

namespace smppd::store::conformance {

class SimulatedDisk final : public Disk {
 public:
  // Blocks that files may have together; allocate() and writes beyond what is allocated fail with ENOSPC above it.
  std::atomic<std::uint64_t> capacity{UINT64_MAX};
  // errno of the next so many calls; 0: they succeed.
  std::atomic<int> write_error{0};
  std::atomic<int> sync_error{0};
  std::atomic<int> failures_left{0};
  std::atomic<bool> read_only{false};
  std::atomic<std::int64_t> sync_microseconds{0};

  // From now on everything fails, as for a process that is no more.
  void freeze() { frozen_ = true; }
  // What is there when the machine comes up again.
  void crash(std::uint64_t seed);

  [[nodiscard]] std::uint64_t used() const;
  [[nodiscard]] std::vector<std::string> files() const;
  // Changes what is stored, as a failing disk would.
  void edit(const std::string& path, const std::function<void(std::vector<std::uint8_t>&)>& change);

  DiskResult<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  DiskResult<void> remove(const std::string& path) override;
  DiskResult<void> rename(const std::string& from, const std::string& to) override;
  DiskResult<void> make_directory(const std::string& path) override;
  DiskResult<std::vector<std::string>> list(const std::string& path) override;
  DiskResult<void> sync_directory(const std::string& path) override;
  DiskResult<std::uint64_t> free_bytes(const std::string& path) override;

 private:
  friend class SimulatedFile;
  struct Write {
    std::uint64_t offset = 0;
    std::vector<std::uint8_t> bytes;
  };
  struct Node {
    std::vector<std::uint8_t> now;      // what reads see
    std::vector<std::uint8_t> durable;  // what is left after a crash, at least
    std::vector<Write> unsynced;
    std::uint64_t allocated = 0;
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;
  struct NameChange {  // happens as a whole
    std::string path;
    std::shared_ptr<Node> node;  // that `path` is from now on; null: there is none
    std::string gone;            // no name any more
  };
  [[nodiscard]] std::uint64_t used_locked() const;
  [[nodiscard]] int next_error(std::atomic<int>& error);
  static void apply(const NameChange& change, Names& names);
  void change_name(NameChange change);

  mutable std::mutex mutex_;
  Names names_;                      // guarded by mutex_
  Names durable_names_;              // guarded by mutex_
  std::vector<NameChange> changes_;  // guarded by mutex_: since the last sync_directory
  std::atomic<bool> frozen_{false};
};

}  // namespace smppd::store::conformance
