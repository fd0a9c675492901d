#include "store/disk.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace smppd::store {

namespace {

DiskResult<void> done(int result) {
  if (result == 0) return {};
  return std::unexpected(errno);
}

class RealFile final : public File {
 public:
  explicit RealFile(int fd) noexcept : fd_(fd) {}
  ~RealFile() override { ::close(fd_); }

  DiskResult<void> write_at(ByteSpan bytes, std::uint64_t offset) override {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return std::unexpected(errno);
      if (written == 0) return std::unexpected(ENOSPC);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
    return {};
  }

  DiskResult<std::size_t> read_at(std::span<std::uint8_t> into, std::uint64_t offset) override {
    std::size_t got = 0;
    while (got < into.size()) {
      const ssize_t part = ::pread(fd_, into.data() + got, into.size() - got, static_cast<off_t>(offset + got));
      if (part < 0 && errno == EINTR) continue;
      if (part < 0) return std::unexpected(errno);
      if (part == 0) break;
      got += static_cast<std::size_t>(part);
    }
    return got;
  }

  DiskResult<void> sync() override { return done(::fdatasync(fd_)); }

  DiskResult<void> allocate(std::uint64_t size) override {
    if (::fallocate(fd_, 0, 0, static_cast<off_t>(size)) == 0) return {};
    // Some file systems cannot promise blocks; there a write may run out of space, which the journal survives too.
    if (errno != EOPNOTSUPP) return std::unexpected(errno);
    struct stat status{};
    if (::fstat(fd_, &status) != 0) return std::unexpected(errno);
    if (static_cast<std::uint64_t>(status.st_size) >= size) return {};
    return truncate(size);
  }

  DiskResult<void> truncate(std::uint64_t size) override { return done(::ftruncate(fd_, static_cast<off_t>(size))); }

  DiskResult<std::uint64_t> size() override {
    struct stat status{};
    if (::fstat(fd_, &status) != 0) return std::unexpected(errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  int fd_;
};

class RealDisk final : public Disk {
 public:
  DiskResult<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    if (mode == OpenMode::kRead) flags |= O_RDONLY;
    if (mode == OpenMode::kWrite) flags |= O_RDWR;
    if (mode == OpenMode::kCreate) flags |= O_RDWR | O_CREAT;
    const int fd = ::open(path.c_str(), flags, 0640);
    if (fd < 0) return std::unexpected(errno);
    return std::make_unique<RealFile>(fd);
  }

  DiskResult<void> remove(const std::string& path) override { return done(::unlink(path.c_str())); }
  DiskResult<void> rename(const std::string& from, const std::string& to) override {
    return done(::rename(from.c_str(), to.c_str()));
  }
  DiskResult<void> make_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0750) == 0 || errno == EEXIST) return {};
    return std::unexpected(errno);
  }

  DiskResult<std::vector<std::string>> list(const std::string& path) override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return std::unexpected(errno);
    std::vector<std::string> names;
    for (const dirent* entry = ::readdir(directory); entry != nullptr; entry = ::readdir(directory)) {
      const std::string name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") names.push_back(name);
    }
    ::closedir(directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  DiskResult<void> sync_directory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(errno);
    const auto result = done(::fsync(fd));
    ::close(fd);
    return result;
  }

  DiskResult<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs status{};
    if (::statvfs(path.c_str(), &status) != 0) return std::unexpected(errno);
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }
};

}  // namespace

Disk& real_disk() noexcept {
  static RealDisk disk;
  return disk;
}

std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace smppd::store
