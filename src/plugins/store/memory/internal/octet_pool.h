// Room for octets that is given back and given out again, so that what comes and goes at the same pace allocates
// nothing. Pieces of up to 2,048 octets come in classes of 64 from blocks that stay until the pool goes; longer ones
// are allocated each. Not for several threads at once.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace smppd::plugins::memory_store {

class OctetPool {
 public:
  OctetPool() = default;
  OctetPool(const OctetPool&) = delete;
  OctetPool& operator=(const OctetPool&) = delete;
  ~OctetPool() = default;  // who took longer pieces gives them back before

  [[nodiscard]] std::uint8_t* take(std::size_t size) {
    const std::size_t steps = steps_of(size);
    if (steps >= kClasses) return new std::uint8_t[size];
    if (std::uint8_t* at = free_[steps]; at != nullptr) {
      std::memcpy(static_cast<void*>(&free_[steps]), at, kAddress);
      return at;
    }
    if (static_cast<std::size_t>(end_ - at_) < steps * kStep) {
      blocks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kBlock));
      at_ = blocks_.back().get();
      end_ = at_ + kBlock;
    }
    return std::exchange(at_, at_ + steps * kStep);
  }

  // `size` as it was asked for.
  void give_back(std::uint8_t* at, std::size_t size) noexcept {
    const std::size_t steps = steps_of(size);
    if (steps >= kClasses) {
      delete[] at;
      return;
    }
    std::memcpy(at, static_cast<const void*>(&free_[steps]), kAddress);
    free_[steps] = at;
  }

 private:
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t kClasses = 33;
  static constexpr std::size_t kAddress = sizeof(std::uint8_t*);
  static constexpr std::size_t kBlock = std::size_t{256} * 1024;
  static constexpr std::size_t steps_of(std::size_t size) noexcept {
    return size == 0 ? 1 : (size + kStep - 1) / kStep;
  }

  std::array<std::uint8_t*, kClasses> free_{};  // each free piece begins with the address of the next
  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
  std::uint8_t* at_ = nullptr;
  std::uint8_t* end_ = nullptr;
};

}  // namespace smppd::plugins::memory_store
