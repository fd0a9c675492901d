#include "flow/internal/validity.h"

#include <algorithm>

namespace smppd::flow {
namespace {

using smpp::CommandStatus;
using store::Moment;

Moment moment_of(const smpp::SmppTime& time, Moment now) noexcept {
  return std::chrono::floor<Moment::duration>(smpp::to_wall(time, WallTime(now)));
}

bool is_nothing(const smpp::SmppTime& time) noexcept {
  return time == smpp::SmppTime{.kind = smpp::SmppTime::Kind::relative};
}

Lifetime refused(CommandStatus status) noexcept {
  Lifetime lifetime;
  lifetime.status = status;
  return lifetime;
}

}  // namespace

Lifetime lifetime_of(const TimesAsked& times, const config::Storage& storage, Moment now) noexcept {
  Lifetime lifetime;
  lifetime.due = now;
  if (!times.schedule.empty()) {
    const auto time = smpp::parse_time(times.schedule);
    if (!time) return refused(CommandStatus::ESME_RINVSCHED);
    lifetime.due = std::max(now, moment_of(*time, now));
    if (lifetime.due - now > kLatestSchedule) return refused(CommandStatus::ESME_RINVSCHED);
    lifetime.scheduled = lifetime.due > now;
  }
  lifetime.expires = lifetime.due + storage.validity_default;
  if (!times.validity.empty()) {
    const auto time = smpp::parse_time(times.validity);
    if (!time) return refused(CommandStatus::ESME_RINVEXPIRY);
    lifetime.asked = !is_nothing(*time);
    if (lifetime.asked) lifetime.expires = moment_of(*time, now);
  } else if (times.time_to_live) {
    lifetime.asked = *times.time_to_live != 0;
    if (lifetime.asked) lifetime.expires = now + std::chrono::seconds(*times.time_to_live);
  }
  if (lifetime.expires <= lifetime.due) return refused(CommandStatus::ESME_RINVEXPIRY);
  lifetime.expires = std::min(lifetime.expires, lifetime.due + storage.validity_max);
  return lifetime;
}

smpp::TimeText validity_left(Moment expires, Moment now) noexcept {
  constexpr std::chrono::seconds kLongest = std::chrono::days(100) - 1s;
  const auto left = std::chrono::floor<std::chrono::seconds>(expires - now);
  return smpp::format_time(*smpp::relative_time(std::clamp<std::chrono::seconds>(left, 1s, kLongest)));
}

}  // namespace smppd::flow
