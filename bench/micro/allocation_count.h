// How often this thread asks for memory. Linking the library that holds this replaces operator new of the program.
#pragma once

namespace smppd::bench {

// Counts from its construction on, on the thread that made it; counts do not nest.
class AllocationCount {
 public:
  AllocationCount() noexcept;
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;
  ~AllocationCount();
  [[nodiscard]] long made() const noexcept;
};

}  // namespace smppd::bench
