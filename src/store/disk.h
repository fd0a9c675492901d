// Files as a store needs them, few enough to be simulated: tests give disks that fill up, fail, stall and forget.
// A File may be read by several threads at once; one writes. Failures are errno values, never exceptions.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace smppd::store {

template <typename T>
using DiskResult = std::expected<T, int>;  // errno

class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;

  [[nodiscard]] virtual DiskResult<void> write_at(ByteSpan bytes, std::uint64_t offset) = 0;  // all of it
  // Octets read: fewer than asked at the end of the file only.
  [[nodiscard]] virtual DiskResult<std::size_t> read_at(std::span<std::uint8_t> into, std::uint64_t offset) = 0;
  [[nodiscard]] virtual DiskResult<void> sync() = 0;  // data, and the size where it changed
  // Makes the file at least so long with blocks of its own, so that writing there cannot run out of space.
  [[nodiscard]] virtual DiskResult<void> allocate(std::uint64_t size) = 0;
  [[nodiscard]] virtual DiskResult<void> truncate(std::uint64_t size) = 0;
  [[nodiscard]] virtual DiskResult<std::uint64_t> size() = 0;
};

enum class OpenMode : std::uint8_t { kRead, kWrite, kCreate };

class Disk {
 public:
  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  virtual ~Disk() = default;

  [[nodiscard]] virtual DiskResult<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  [[nodiscard]] virtual DiskResult<void> remove(const std::string& path) = 0;
  [[nodiscard]] virtual DiskResult<void> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual DiskResult<void> make_directory(const std::string& path) = 0;  // there already: fine
  [[nodiscard]] virtual DiskResult<std::vector<std::string>> list(const std::string& path) = 0;
  [[nodiscard]] virtual DiskResult<void> sync_directory(const std::string& path) = 0;
  // What may still be allocated where `path` is.
  [[nodiscard]] virtual DiskResult<std::uint64_t> free_bytes(const std::string& path) = 0;
};

[[nodiscard]] Disk& real_disk() noexcept;
// "No space left on device"
[[nodiscard]] std::string error_text(int error);

}  // namespace smppd::store
