// Sends the messages of one MoPlan as their time comes, once somebody is bound to take them. Lives on the first shard.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/timer_wheel.h"
#include "smppsim/mo_plan.h"
#include "smppsim/shard.h"

namespace smppd::sim {

class MoGenerator {
 public:
  MoGenerator(Shard& shard, const MoPlan& plan);
  void start() noexcept;
  void stop() noexcept { timer_.cancel(); }

 private:
  static void on_time(void* self) noexcept;
  void send_due() noexcept;
  void send_message(Account& account);
  void encode_part(smpp::Version version, unsigned part, std::string_view source, std::string_view destination);
  [[nodiscard]] std::string part_text(unsigned part) const;

  Shard& shard_;
  const MoPlan& plan_;
  runtime::Timer timer_;
  Instant started_{};
  std::uint64_t sent_ = 0;
  std::uint16_t reference_ = 0;
};

}  // namespace smppd::sim
