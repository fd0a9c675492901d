// What the parts of a long message have reported so far: the value of a record of store::Table::kNotes, found by the
// message and the upstream that has it. Pure functions, any thread.
#pragma once

#include <array>
#include <string_view>

#include "base/bytes.h"
#include "flow/internal/part_receipts.h"

namespace smppd::flow {

using PartNoteKey = std::array<char, sizeof(message::OwnId) + 1 + sizeof(std::uint32_t)>;
[[nodiscard]] PartNoteKey part_note_key(message::OwnId own, std::string_view upstream) noexcept;

using PartNoteRoom = std::array<std::uint8_t, 336>;
[[nodiscard]] ByteSpan encode(const internal::PartReceipts::Message& message, PartNoteRoom& room) noexcept;
// Adds what the octets say; false for what is no such note.
[[nodiscard]] bool recall_part_note(ByteSpan octets, internal::PartReceipts::Message& message);

}  // namespace smppd::flow
