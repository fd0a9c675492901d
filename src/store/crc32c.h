// CRC-32C (Castagnoli), as the journal seals its records with: the processor's own instruction where it has one.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace smppd::store {

// `seed` is the checksum of what came before, 0 at the beginning.
[[nodiscard]] std::uint32_t crc32c(ByteSpan bytes, std::uint32_t seed = 0) noexcept;
// The same without the instruction; crc32c() uses it where there is none.
[[nodiscard]] std::uint32_t crc32c_portable(ByteSpan bytes, std::uint32_t seed = 0) noexcept;

}  // namespace smppd::store
