// Where finished lines go: a file descriptor, or a file that is renamed to FILE.1, FILE.2 ... when it is full. Used by
// one thread at a time. Lines are gathered and written together; flush() writes what is gathered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace smppd::telemetry {

class LogOutput {
 public:
  // An empty path means standard output; rotate_bytes 0 never rotates.
  [[nodiscard]] static Fallible<LogOutput> open(const std::string& path, std::uint64_t rotate_bytes, int rotate_files);
  LogOutput(LogOutput&& other) noexcept;
  LogOutput& operator=(LogOutput&& other) noexcept;
  ~LogOutput();

  void append(std::string_view line);  // ends in a line break
  void flush() noexcept;
  [[nodiscard]] std::uint64_t lost_lines() const noexcept { return lost_lines_; }

 private:
  LogOutput(int fd, std::string path, std::uint64_t size, std::uint64_t rotate_bytes, int rotate_files) noexcept;
  void rotate();
  void close() noexcept;
  [[nodiscard]] bool write_all(std::string_view bytes) noexcept;

  int fd_;
  std::string path_;
  std::uint64_t size_;
  std::uint64_t rotate_bytes_;
  int rotate_files_;
  std::string gathered_;
  std::uint64_t lost_lines_ = 0;
  bool mid_line_ = false;  // the last write failed inside a line
  bool failing_ = false;
};

}  // namespace smppd::telemetry
