// From what a message asks for to when it may go and until when: schedule_delivery_time, validity_period (3.4 §7.1.1)
// and qos_time_to_live (3.4 §5.3.2.10), with the defaults and bounds of the configuration (interop rows 48, 49). And
// back: what is left of the validity, for the SMSC. Pure functions, any thread, noexcept, no allocation, no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/storage.h"
#include "smpp/text/smpp_time.h"
#include "smpp/values.h"
#include "store/transaction.h"

namespace smppd::flow {

// Nobody means to send a message later than this after today.
inline constexpr std::chrono::hours kLatestSchedule{366 * 24};

// As the message has them; empty or absent: not given.
struct TimesAsked {
  std::string_view schedule;
  std::string_view validity;
  std::optional<std::uint32_t> time_to_live;  // seconds; of data_sm
};

struct Lifetime {
  smpp::CommandStatus status{};  // not ESME_ROK: refuse the message so; nothing else is set
  store::Moment due{};           // never before now
  store::Moment expires{};       // after due
  bool scheduled = false;        // it has to wait here, and the SMSC must not be asked to wait again
  bool asked = false;            // the message says how long it is valid; else the SMSC may use its own default
};

// A schedule in the past is now: clocks differ. The default and the longest validity count from the delivery, what a
// message says itself from now. A relative validity of nothing at all is none given. ESME_RINVSCHED and ESME_RINVEXPIRY
// for what cannot be read, a schedule later than kLatestSchedule, and a validity that ends before the message may go.
[[nodiscard]] Lifetime lifetime_of(const TimesAsked& times, const config::Storage& storage, store::Moment now) noexcept;

// The rest of the validity as relative time, so that the whole of it is what the client asked for: rounded down, but at
// least a second; at most 99 days 23:59:59.
[[nodiscard]] smpp::TimeText validity_left(store::Moment expires, store::Moment now) noexcept;

}  // namespace smppd::flow
