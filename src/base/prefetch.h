// Asks for a cache line that will be read, or written, soon.
#pragma once

namespace smppd {

// The empty asm, which is no instruction, makes this an effect: GCC takes a function that only fetches for one without
// any, and drops the calls of it.
inline void prefetch(const void* at) noexcept {
  __builtin_prefetch(at);
  asm volatile("" : : "r"(at));
}
inline void prefetch_to_write(void* at) noexcept {
  __builtin_prefetch(at, 1);
  asm volatile("" : : "r"(at));
}

}  // namespace smppd
