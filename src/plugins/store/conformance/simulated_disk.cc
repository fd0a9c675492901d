#include "plugins/store/conformance/simulated_disk.h"

#include <algorithm>
#include <cerrno>
#include <thread>

namespace smppd::store::conformance {

namespace {
constexpr std::size_t kSector = 512;

void write_into(std::vector<std::uint8_t>& bytes, std::uint64_t offset, ByteSpan what) {
  if (bytes.size() < offset + what.size()) bytes.resize(offset + what.size());
  std::copy(what.begin(), what.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}
}  // namespace

class SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, std::shared_ptr<SimulatedDisk::Node> node, bool writable)
      : disk_(disk), node_(std::move(node)), writable_(writable) {}

  DiskResult<void> write_at(ByteSpan bytes, std::uint64_t offset) override {
    const std::lock_guard lock(disk_.mutex_);
    if (!writable_ || disk_.frozen_) return std::unexpected(EBADF);
    if (const int error = disk_.next_error(disk_.write_error); error != 0) return std::unexpected(error);
    const std::uint64_t end = offset + bytes.size();
    if (end > node_->allocated) {
      if (disk_.used_locked() - node_->allocated + end > disk_.capacity) return std::unexpected(ENOSPC);
      node_->allocated = end;
    }
    write_into(node_->now, offset, bytes);
    node_->unsynced.push_back({offset, {bytes.begin(), bytes.end()}});
    return {};
  }

  DiskResult<std::size_t> read_at(std::span<std::uint8_t> into, std::uint64_t offset) override {
    const std::lock_guard lock(disk_.mutex_);
    if (offset >= node_->now.size()) return 0;
    const std::size_t count = std::min<std::size_t>(into.size(), node_->now.size() - offset);
    std::copy_n(node_->now.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  }

  DiskResult<void> sync() override {
    if (const auto wait = disk_.sync_microseconds.load(); wait > 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(wait));
    }
    const std::lock_guard lock(disk_.mutex_);
    if (disk_.frozen_) return std::unexpected(EIO);
    if (const int error = disk_.next_error(disk_.sync_error); error != 0) {
      // The kernel marks the pages clean and forgets them: a later sync that succeeds says nothing about these.
      node_->unsynced.clear();
      return std::unexpected(error);
    }
    for (const auto& write : node_->unsynced) write_into(node_->durable, write.offset, write.bytes);
    node_->durable.resize(node_->now.size());
    node_->unsynced.clear();
    return {};
  }

  DiskResult<void> allocate(std::uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    if (!writable_ || disk_.frozen_) return std::unexpected(EBADF);
    if (size <= node_->allocated) return {};
    if (disk_.used_locked() - node_->allocated + size > disk_.capacity) return std::unexpected(ENOSPC);
    node_->allocated = size;
    node_->now.resize(std::max<std::size_t>(node_->now.size(), size));
    return {};
  }

  DiskResult<void> truncate(std::uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    if (!writable_ || disk_.frozen_) return std::unexpected(EBADF);
    node_->now.resize(size);
    node_->durable.resize(std::min<std::size_t>(node_->durable.size(), size));
    node_->allocated = std::min(node_->allocated, size);
    return {};
  }

  DiskResult<std::uint64_t> size() override {
    const std::lock_guard lock(disk_.mutex_);
    return node_->now.size();
  }

 private:
  SimulatedDisk& disk_;
  std::shared_ptr<SimulatedDisk::Node> node_;
  const bool writable_;
};

int SimulatedDisk::next_error(std::atomic<int>& error) {
  if (error == 0 || failures_left <= 0) return 0;
  --failures_left;
  return error;
}

std::uint64_t SimulatedDisk::used_locked() const {
  std::uint64_t used = 0;
  for (const auto& [path, node] : names_) used += node == nullptr ? 0 : node->allocated;
  return used;
}

std::uint64_t SimulatedDisk::used() const {
  const std::lock_guard lock(mutex_);
  return used_locked();
}

std::vector<std::string> SimulatedDisk::files() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, node] : names_) {
    if (node != nullptr) paths.push_back(path);
  }
  return paths;
}

void SimulatedDisk::edit(const std::string& path, const std::function<void(std::vector<std::uint8_t>&)>& change) {
  const std::lock_guard lock(mutex_);
  change(names_.at(path)->now);
}

void SimulatedDisk::apply(const NameChange& change, Names& names) {
  names.erase(change.gone);
  if (change.node != nullptr) names[change.path] = change.node;
}

void SimulatedDisk::change_name(NameChange change) {
  apply(change, names_);
  changes_.push_back(std::move(change));
}

DiskResult<std::unique_ptr<File>> SimulatedDisk::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  if (frozen_) return std::unexpected(EIO);
  if (mode != OpenMode::kRead && read_only) return std::unexpected(EROFS);
  auto at = names_.find(path);
  if (at == names_.end()) {
    if (mode != OpenMode::kCreate) return std::unexpected(ENOENT);
    change_name({path, std::make_shared<Node>(), {}});
    at = names_.find(path);
  }
  return std::make_unique<SimulatedFile>(*this, at->second, mode != OpenMode::kRead);
}

DiskResult<void> SimulatedDisk::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (frozen_ || read_only) return std::unexpected(EROFS);
  if (!names_.contains(path)) return std::unexpected(ENOENT);
  change_name({{}, nullptr, path});
  return {};
}

DiskResult<void> SimulatedDisk::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (frozen_ || read_only) return std::unexpected(EROFS);
  const auto at = names_.find(from);
  if (at == names_.end()) return std::unexpected(ENOENT);
  change_name({to, at->second, from});
  return {};
}

DiskResult<void> SimulatedDisk::make_directory(const std::string&) {
  if (frozen_ || read_only) return std::unexpected(EROFS);
  return {};
}

DiskResult<std::vector<std::string>> SimulatedDisk::list(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const auto& [name, node] : names_) {
    if (!name.starts_with(path + "/")) continue;
    const std::string rest = name.substr(path.size() + 1);
    if (rest.find('/') == std::string::npos) found.push_back(rest);
  }
  return found;
}

DiskResult<void> SimulatedDisk::sync_directory(const std::string&) {
  const std::lock_guard lock(mutex_);
  if (frozen_) return std::unexpected(EIO);
  for (const NameChange& change : changes_) apply(change, durable_names_);
  changes_.clear();
  return {};
}

DiskResult<std::uint64_t> SimulatedDisk::free_bytes(const std::string&) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t taken = used_locked();
  return capacity > taken ? capacity - taken : 0;
}

void SimulatedDisk::crash(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::lock_guard lock(mutex_);
  // Names change in the order they were changed, as in a file system with a journal of its own.
  changes_.resize(random() % (changes_.size() + 1));
  for (const NameChange& change : changes_) apply(change, durable_names_);
  changes_.clear();
  names_ = durable_names_;
  for (auto& [path, node] : names_) {
    for (const Write& write : node->unsynced) {
      const std::uint64_t fate = random() % 3;
      if (fate == 0) continue;
      ByteSpan kept = write.bytes;
      // Sectors reach the disk whole; which of a write do is chance.
      if (fate == 1) {
        const std::size_t sectors = kept.size() / kSector + 1;
        kept = kept.first(
            std::min<std::size_t>(kept.size(), random() % sectors * kSector + random() % 2 * (kept.size() % kSector)));
      }
      write_into(node->durable, write.offset, kept);
    }
    node->unsynced.clear();
    node->now = node->durable;
  }
  frozen_ = false;
}

}  // namespace smppd::store::conformance
