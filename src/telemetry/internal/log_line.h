// Turns a line into text on the thread that writes it; the writer's thread only puts the time and level before it.
#pragma once

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "telemetry/log.h"

namespace smppd::telemetry {

// Field values beyond this many octets are cut, so that a queue of lines has a bound in octets.
inline constexpr std::size_t kMaxLogValue = 2048;

enum class LineFormat : char { kJson = 'J', kText = 'T' };

// Appends everything of the line but its time and level.
void append_line_body(std::string& out, LineFormat format, std::string_view module, std::string_view sentence,
                      std::initializer_list<LogField> fields);

// The finished line with its line break: ISO-8601 UTC with milliseconds, level, then the body.
void append_line(std::string& out, LineFormat format, std::chrono::system_clock::time_point time, Level level,
                 std::string_view body);

}  // namespace smppd::telemetry
