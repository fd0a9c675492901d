#include "smppsim/pdu_log.h"

#include <cerrno>
#include <chrono>
#include <cstring>

#include <fmt/format.h>

#include "smpp/pdu_inspect.h"
#include "smpp/pdu_view.h"
#include "toolkit/json_writer.h"

namespace smppd::sim {

namespace {
toolkit::JsonWriter begin_line(std::uint64_t session) {
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  toolkit::JsonWriter json;
  json.open_object().key("time").literal(fmt::format("{:.6f}", now)).member("session", session);
  return json;
}
}  // namespace

Fallible<std::unique_ptr<PduLog>> PduLog::open(const std::string& path) {
  std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "ae");
  if (file == nullptr) return failure("cannot write the log " + path + ": " + std::strerror(errno));
  return std::unique_ptr<PduLog>(new PduLog(file));
}

PduLog::~PduLog() {
  if (file_ != stdout) std::fclose(file_);
}

void PduLog::write(const std::string& line) noexcept {
  const std::lock_guard lock(mutex_);
  std::fwrite(line.data(), 1, line.size(), file_);
  std::fputc('\n', file_);
  std::fflush(file_);
}

void PduLog::pdu(std::uint64_t session, std::string_view system_id, std::string_view direction,
                 ByteSpan bytes) noexcept {
  toolkit::JsonWriter json = begin_line(session);
  smpp::PduView view;
  const bool decoded = view.decode(bytes).ok();
  json.member("system_id", system_id).member("direction", direction);
  json.key("pdu").literal(smpp::to_json(view, registry_, smpp::Secrets::hidden));
  if (!decoded) json.member("malformed", true);
  write(json.close_object().text());
}

void PduLog::event(std::uint64_t session, std::string_view peer, std::string_view what) noexcept {
  write(begin_line(session).member("event", what).member("peer", peer).close_object().text());
}

void PduLog::finding(std::uint64_t session, std::string_view text) noexcept {
  write(begin_line(session).member("finding", text).close_object().text());
}

}  // namespace smppd::sim
