#include "telemetry/internal/log_output.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace smppd::telemetry {
namespace {

constexpr std::size_t kGatherBytes = 64 * 1024;
constexpr int kStuckMilliseconds = 5'000;

int open_file(const std::string& path) noexcept {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

std::uint64_t size_of(int fd) noexcept {
  struct stat about{};
  return ::fstat(fd, &about) == 0 && about.st_size > 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

std::string numbered(const std::string& path, int number) { return fmt::format("{}.{}", path, number); }

}  // namespace

Fallible<LogOutput> LogOutput::open(const std::string& path, std::uint64_t rotate_bytes, int rotate_files) {
  if (path.empty()) return LogOutput(STDOUT_FILENO, {}, 0, 0, 0);
  const int fd = open_file(path);
  if (fd < 0) {
    return failure(
        fmt::format("cannot write the log file {}: {}; create its directory, allow this user to write there "
                    "or change logging.file.path",
                    path, std::strerror(errno)));
  }
  return LogOutput(fd, path, size_of(fd), rotate_bytes, rotate_files);
}

LogOutput::LogOutput(int fd, std::string path, std::uint64_t size, std::uint64_t rotate_bytes, int files) noexcept
    : fd_(fd), path_(std::move(path)), size_(size), rotate_bytes_(rotate_bytes), rotate_files_(files) {}

LogOutput::LogOutput(LogOutput&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      size_(other.size_),
      rotate_bytes_(other.rotate_bytes_),
      rotate_files_(other.rotate_files_),
      gathered_(std::move(other.gathered_)),
      lost_lines_(other.lost_lines_),
      mid_line_(other.mid_line_),
      failing_(other.failing_) {
  other.gathered_.clear();
}

LogOutput& LogOutput::operator=(LogOutput&& other) noexcept {
  if (this != &other) {
    std::destroy_at(this);
    std::construct_at(this, std::move(other));
  }
  return *this;
}

LogOutput::~LogOutput() {
  flush();
  close();
}

void LogOutput::close() noexcept {
  if (fd_ >= 0 && !path_.empty()) ::close(fd_);
  fd_ = -1;
}

void LogOutput::append(std::string_view line) {
  const std::uint64_t full = size_ + gathered_.size() + line.size();
  if (rotate_bytes_ != 0 && full > rotate_bytes_ && size_ + gathered_.size() > 0) {
    flush();
    rotate();
  }
  gathered_ += line;
  if (gathered_.size() >= kGatherBytes) flush();
}

void LogOutput::flush() noexcept {
  if (gathered_.empty() || fd_ < 0) return;
  if (write_all(gathered_)) {
    failing_ = false;
  } else {
    if (!std::exchange(failing_, true)) {
      std::fprintf(stderr, "smppd: log lines are being lost: cannot write to %s: %s\n",
                   path_.empty() ? "standard output" : path_.c_str(), std::strerror(errno));
    }
    lost_lines_ += static_cast<std::uint64_t>(std::count(gathered_.begin(), gathered_.end(), '\n'));
  }
  gathered_.clear();
}

bool LogOutput::write_all(std::string_view bytes) noexcept {
  if (mid_line_ && ::write(fd_, "\n", 1) == 1) mid_line_ = false;
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written > 0) {
      size_ += static_cast<std::uint64_t>(written);
      mid_line_ = bytes[static_cast<std::size_t>(written) - 1] != '\n';
      bytes.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd writable{fd_, POLLOUT, 0};
      if (::poll(&writable, 1, kStuckMilliseconds) > 0) continue;
      errno = EAGAIN;
    }
    return false;
  }
  return true;
}

// A rename that fails leaves the file as it is: it grows past its bound rather than lose lines.
void LogOutput::rotate() {
  if (rotate_files_ > 0) {
    for (int i = rotate_files_ - 1; i >= 1; --i) {
      std::rename(numbered(path_, i).c_str(), numbered(path_, i + 1).c_str());
    }
    std::rename(path_.c_str(), numbered(path_, 1).c_str());
  } else {
    std::remove(path_.c_str());
  }
  const int fresh = open_file(path_);
  if (fresh < 0) return;
  ::close(fd_);
  fd_ = fresh;
  size_ = size_of(fd_);
}

}  // namespace smppd::telemetry
