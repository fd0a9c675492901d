#include <cstdlib>

#include "base/bytes.h"
#include "smpp/text/smpp_time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd;
  using namespace smppd::smpp;
  const auto text = as_text({data, size});
  const auto time = parse_time(text);
  if (!time) return 0;
  const WallTime now{std::chrono::seconds(1'700'000'000)};
  const auto moment = to_wall(*time, now);
  const auto again = parse_time(view(format_time(*time)));
  if (!again || to_wall(*again, now) != moment) std::abort();
  if (time->kind == SmppTime::Kind::relative) {
    if (moment < now) std::abort();
  } else if (const auto written = absolute_time(moment, time->utc_quarter_hours); !written || *written != *time) {
    std::abort();
  }
  return 0;
}
