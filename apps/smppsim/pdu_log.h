// --log: one JSON object a line for every PDU in and out and every connection's beginning and end. Any thread; each
// line is flushed, so that a test reads what has happened.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "smpp/tlv.h"

namespace smppd::sim {

class PduLog {
 public:
  // A file to append to, or "-" for standard output.
  [[nodiscard]] static Fallible<std::unique_ptr<PduLog>> open(const std::string& path);
  ~PduLog();

  // {"time":..., "session":..., "system_id":..., "direction":"in" or "out", "pdu":{...}}
  void pdu(std::uint64_t session, std::string_view system_id, std::string_view direction, ByteSpan bytes) noexcept;
  // {"time":..., "session":..., "event":"connected" or "closed", "peer":...}
  void event(std::uint64_t session, std::string_view peer, std::string_view what) noexcept;
  // {"time":..., "session":..., "finding":...}: what --strict objected to in the PDU logged before.
  void finding(std::uint64_t session, std::string_view text) noexcept;

 private:
  explicit PduLog(std::FILE* file) : file_(file) {}
  void write(const std::string& line) noexcept;
  std::mutex mutex_;
  std::FILE* file_;
  smpp::TlvRegistry registry_;
};

}  // namespace smppd::sim
