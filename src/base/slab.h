// Fixed-type objects with stable addresses and handles that notice reuse. Shard-local.
//
// A Handle is index plus generation: get() returns null once the object was released, even if the slot was taken again,
// so a handle may safely outlive what it names and travel through another shard. Memory grows in blocks, never moves.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace smppd {

struct SlabHandle {
  std::uint32_t index = 0xFFFFFFFFU;
  std::uint32_t generation = 0;
  [[nodiscard]] bool valid() const noexcept { return index != 0xFFFFFFFFU; }
  bool operator==(const SlabHandle&) const noexcept = default;
};

template <typename T, std::size_t kBlock = 64>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for (std::uint32_t i = 0; i < capacity(); ++i) {
      if (slot(i).live) std::destroy_at(slot(i).object());
    }
  }

  template <typename... Args>
  [[nodiscard]] std::pair<T*, SlabHandle> make(Args&&... args) {
    if (free_ == kEnd) grow();
    const std::uint32_t index = free_;
    Slot& s = slot(index);
    free_ = s.next_free;
    s.live = true;
    ++size_;
    T* object = std::construct_at(s.object(), std::forward<Args>(args)...);
    return {object, SlabHandle{index, s.generation}};
  }

  void release(SlabHandle handle) noexcept {
    Slot& s = slot(handle.index);
    std::destroy_at(s.object());
    s.live = false;
    ++s.generation;
    s.next_free = free_;
    free_ = handle.index;
    --size_;
  }

  [[nodiscard]] T* get(SlabHandle handle) noexcept {
    if (handle.index >= capacity()) return nullptr;
    Slot& s = slot(handle.index);
    return s.live && s.generation == handle.generation ? s.object() : nullptr;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(blocks_.size() * kBlock); }

  // Visits every live object; the visitor may release the one it is given.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t i = 0; i < capacity(); ++i) {
      Slot& s = slot(i);
      if (s.live) visit(*s.object(), SlabHandle{i, s.generation});
    }
  }

 private:
  static constexpr std::uint32_t kEnd = 0xFFFFFFFFU;
  struct Slot {
    alignas(T) unsigned char storage[sizeof(T)];
    std::uint32_t generation = 0;
    std::uint32_t next_free = kEnd;
    bool live = false;
    T* object() noexcept { return reinterpret_cast<T*>(storage); }
  };

  Slot& slot(std::uint32_t index) noexcept { return blocks_[index / kBlock][index % kBlock]; }
  void grow() {
    const auto first = capacity();
    blocks_.push_back(std::make_unique<Slot[]>(kBlock));
    for (std::size_t i = kBlock; i-- > 0;) {
      const auto index = static_cast<std::uint32_t>(first + i);
      slot(index).next_free = free_;
      free_ = index;
    }
  }

  std::vector<std::unique_ptr<Slot[]>> blocks_;
  std::uint32_t free_ = kEnd;
  std::size_t size_ = 0;
};

}  // namespace smppd
