// Integers that cannot be mistaken for each other: a ClientId is not an UpstreamId.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace smppd {

template <typename Tag, typename Rep>
class StrongId {
 public:
  using rep = Rep;
  constexpr StrongId() noexcept = default;
  constexpr explicit StrongId(Rep value) noexcept : value_(value) {}
  [[nodiscard]] constexpr Rep value() const noexcept { return value_; }
  [[nodiscard]] constexpr bool valid() const noexcept { return value_ != kNone; }
  constexpr auto operator<=>(const StrongId&) const noexcept = default;

 private:
  static constexpr Rep kNone = static_cast<Rep>(-1);
  Rep value_ = kNone;
};

}  // namespace smppd

template <typename Tag, typename Rep>
struct std::hash<smppd::StrongId<Tag, Rep>> {
  std::size_t operator()(smppd::StrongId<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
