// What is known of how each upstream writes its ids, over restarts: one record for each (Table::kFacts), found by the
// upstream's name. Written within a tick of when something was learnt, and every ten seconds as long as there is more
// evidence; never for a message. One per depot; shard-local, of the upstreams whose home the shard is.
#pragma once

#include <array>
#include <optional>
#include <string>

#include <absl/container/flat_hash_map.h>

#include "flow/internal/depot.h"
#include "flow/internal/id_matcher.h"

namespace smppd::flow {

using FormatRoom = std::array<std::uint8_t, 160>;
[[nodiscard]] ByteSpan encode(const IdMatcher::Memory& memory, FormatRoom& room) noexcept;
[[nodiscard]] std::optional<IdMatcher::Memory> decode_format_memory(ByteSpan octets) noexcept;
[[nodiscard]] std::string format_key(std::string_view upstream);

struct Flow::Depot::FormatMemory {
  explicit FormatMemory(Flow& its_flow) noexcept : flow(its_flow) {}

  void apply();  // a configuration was published: reads what is known of upstreams that are new
  void tick();
  void stop();  // smppd ends: what is known now is durable before it does

 private:
  struct Known {
    bool asked = false;
    bool recalled = false;  // until then nothing is written over it
    IdMatcher::Memory written;
    Instant written_at{};
  };
  void ask(message::UpstreamId id);
  [[nodiscard]] bool put(message::UpstreamId id, Known& known);

  Flow& flow;
  absl::flat_hash_map<message::UpstreamId, Known> upstreams;
};

}  // namespace smppd::flow
