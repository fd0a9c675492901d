#include "flow/internal/format_memory.h"

#include "flow/internal/depot.h"
#include "flow/internal/desk.h"
#include "flow/internal/octets.h"

namespace smppd::flow {

namespace {

// version configured learnt confirmed(4) as_is(8) hex_to_dec(8) dec_to_hex(8) ambiguous(8) | response receipt
constexpr std::uint8_t kFormatVersion = 1;
constexpr Duration kEvidenceEvery = std::chrono::seconds(10);

bool is_format(std::uint8_t number) noexcept { return number <= static_cast<std::uint8_t>(smpp::IdFormat::dec_to_hex); }

}  // namespace

ByteSpan encode(const IdMatcher::Memory& memory, FormatRoom& room) noexcept {
  internal::OctetWriter out(room);
  out.number(kFormatVersion);
  out.number(static_cast<std::uint8_t>(memory.configured));
  out.number(static_cast<std::uint8_t>(memory.learnt));
  out.number(memory.confirmed);
  out.number(memory.evidence.as_is);
  out.number(memory.evidence.hex_to_dec);
  out.number(memory.evidence.dec_to_hex);
  out.number(memory.evidence.ambiguous);
  out.text(memory.last_pair.response());
  out.text(memory.last_pair.receipt());
  return out.done();
}

std::optional<IdMatcher::Memory> decode_format_memory(ByteSpan octets) noexcept {
  internal::OctetReader in(octets);
  if (in.number<std::uint8_t>() != kFormatVersion) return std::nullopt;
  IdMatcher::Memory memory;
  const auto configured = in.number<std::uint8_t>();
  const auto learnt = in.number<std::uint8_t>();
  if (!is_format(configured) || !is_format(learnt)) return std::nullopt;
  memory.configured = static_cast<smpp::IdFormat>(configured);
  memory.learnt = static_cast<smpp::IdFormat>(learnt);
  memory.confirmed = in.number<std::uint32_t>();
  memory.evidence.as_is = in.number<std::uint64_t>();
  memory.evidence.hex_to_dec = in.number<std::uint64_t>();
  memory.evidence.dec_to_hex = in.number<std::uint64_t>();
  memory.evidence.ambiguous = in.number<std::uint64_t>();
  const std::string_view response = in.text();
  memory.last_pair.remember(response, in.text());
  if (!in.at_end()) return std::nullopt;
  return memory;
}

std::string format_key(std::string_view upstream) { return std::string("id_format/").append(upstream); }

void Flow::Depot::FormatMemory::apply() {
  for (std::size_t i = 0; i < flow.snapshot_->upstreams.size(); ++i) {
    const message::UpstreamId id(static_cast<std::uint16_t>(i));
    if (flow.snapshot_->upstreams[i].options != nullptr && flow.is_home(id)) ask(id);
  }
}

void Flow::Depot::FormatMemory::ask(message::UpstreamId id) {
  Known& known = upstreams[id];
  if (known.asked) return;
  known.asked = true;
  const std::string key = format_key(flow.snapshot_->upstream_names[id.value()]);
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kGet;
  request.table = store::Table::kFacts;
  request.key = key;
  flow.desk_->read(request, [this, id](const store::ReadAnswer& answer) {
    Known& one = upstreams[id];
    one.asked = !answer.failed;  // else the next tick asks again
    if (answer.failed) return;
    one.recalled = true;
    const auto memory = answer.records.empty() ? std::nullopt : decode_format_memory(answer.records.front().value);
    if (!memory) return;
    one.written = *memory;
    flow.receipts_.recall(id, *memory);
  });
}

void Flow::Depot::FormatMemory::tick() {
  const Instant now = flow.shard_.loop().now();
  for (auto& [id, known] : upstreams) {
    const IdMatcher* matcher = known.recalled ? flow.receipts_.matcher(id) : nullptr;
    if (matcher == nullptr) {
      if (!known.asked) ask(id);
      continue;
    }
    const IdMatcher::Memory memory = matcher->memory();
    const bool learnt = memory.learnt != known.written.learnt || memory.configured != known.written.configured;
    const bool more = memory.evidence != known.written.evidence && now - known.written_at >= kEvidenceEvery;
    if ((learnt || more) && put(id, known)) flow.depot_->commit_owed();
  }
}

void Flow::Depot::FormatMemory::stop() {
  for (auto& [id, known] : upstreams) {
    const IdMatcher* matcher = known.recalled ? flow.receipts_.matcher(id) : nullptr;
    if (matcher == nullptr || matcher->memory().evidence == known.written.evidence || !put(id, known)) continue;
    flow.depot_->commit_owed(StepKind::kDesk, flow.desk_->expect([] {}));  // waited for
  }
}

// Begins a transaction.
bool Flow::Depot::FormatMemory::put(message::UpstreamId id, Known& known) {
  const IdMatcher::Memory memory = flow.receipts_.matcher(id)->memory();
  FormatRoom octets;
  const ByteSpan value = encode(memory, octets);
  if (value.empty()) return false;
  known.written = memory;
  known.written_at = flow.shard_.loop().now();
  const std::string key = format_key(flow.snapshot_->upstream_names[id.value()]);
  flow.depot_->begin().put(store::Table::kFacts, key, value, store::kNever);
  return true;
}

}  // namespace smppd::flow
