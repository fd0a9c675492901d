#include "admin/internal/store_views.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <tuple>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "message/own_id.h"
#include "smpp/values.h"
#include "telemetry/json_text.h"

namespace smppd::admin {
namespace {

namespace json = boost::json;
using message::IdFormat;
using store::OrderResult;
using Kind = store::QueueView::Kind;

json::string json_text(std::string_view from) { return json::string(telemetry::valid_utf8(from)); }

std::string body_text(const json::value& value) { return json::serialize(value) + "\n"; }

json::string id_text(message::OwnId id) { return json::string(message::OwnIdText(id, IdFormat::kHex).view()); }

// Null for the epoch and for never.
json::value time_text(store::Moment time) {
  if (time == store::Moment{} || time >= store::kNever) return nullptr;
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t seconds = whole.time_since_epoch().count();
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return json::string(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                                  utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (time - whole).count()));
}

// Null when there is none.
json::value name(std::string_view from) {
  if (from.empty()) return nullptr;
  return json_text(from);
}

std::string_view word(store::Room room) {
  switch (room) {
    case store::Room::kOpen: return "open";
    case store::Room::kOwedOnly: return "full";
    case store::Room::kNone: break;
  }
  return "none";
}

void add(store::PartitionStats& sum, const store::PartitionStats& one) {
  sum.items += one.items;
  sum.held += one.held;
  sum.item_bytes += one.item_bytes;
  sum.memory_bytes += one.memory_bytes;
  sum.disk_bytes += one.disk_bytes;
  sum.segments += one.segments;
  sum.appended += one.appended;
  sum.refused += one.refused;
  sum.syncs += one.syncs;
  sum.write_failures += one.write_failures;
  sum.moved += one.moved;
  sum.evicted += one.evicted;
  sum.damaged += one.damaged;
  sum.room = std::max(sum.room, one.room);
}

json::object numbers(const store::PartitionStats& stats) {
  return {{"items", stats.items},           {"held", stats.held},
          {"item_bytes", stats.item_bytes}, {"memory_bytes", stats.memory_bytes},
          {"disk_bytes", stats.disk_bytes}, {"segments", stats.segments},
          {"transactions", stats.appended}, {"refused", stats.refused},
          {"syncs", stats.syncs},           {"write_failures", stats.write_failures},
          {"moved", stats.moved},           {"evicted", stats.evicted},
          {"damaged", stats.damaged},       {"room", word(stats.room)}};
}

json::object queue_object(const store::QueueView& queue) {
  json::object out;
  out[queue.kind == Kind::kClient ? "client" : "upstream"] = name(queue.name);
  if (queue.name.empty()) out["unknown"] = fmt::format("{:07x}", queue.hash);
  if (queue.kind == Kind::kUpstream) out["priority"] = queue.priority;
  out["waiting"] = queue.items;
  out["ready"] = queue.ready;
  return out;
}

json::object letter_object(const store::DeadLetter& letter, bool with_text) {
  json::object out{
      {"id", id_text(letter.id)},
      {"message_id", name(letter.message_id)},
      {"client", name(letter.client)},
      {"upstream", name(letter.upstream)},
      {"reason", json_text(letter.reason)},
      {"command_status", json_text(smpp::name_of(static_cast<smpp::CommandStatus>(letter.command_status)))},
      {"attempts", letter.attempts},
      {"arrived", time_text(letter.arrived)},
      {"given_up", time_text(letter.ended)},
      {"kept_until", time_text(letter.kept_until)},
      {"source", json_text(letter.source)},
      {"destination", json_text(letter.destination)}};
  if (with_text) out["text"] = json_text(letter.text);
  return out;
}

json::object standing_object(const store::StandingItem& item) {
  json::object out{{"item", id_text(item.item)},         {"kind", name(item.kind)},
                   {"state", json_text(item.state)},     {"message_id", name(item.message_id)},
                   {"client", name(item.client)},        {"attempts", item.attempts},
                   {"arrived", time_text(item.arrived)}, {"expires", time_text(item.expires)},
                   {"source", json_text(item.source)},   {"destination", json_text(item.destination)}};
  if (item.state == "scheduled" || item.state == "uncertain") out["due"] = time_text(item.due);
  if (item.state != "inbox" && item.state != "incomplete") {
    out["upstream"] = name(item.upstream);
    out["priority"] = item.priority;
  }
  return out;
}

json::object ended_object(const store::EndedMessage& ended) {
  return {{"kind", "message"},
          {"state", json_text(ended.state)},
          {"reason", json_text(ended.reason)},
          {"message_id", json_text(ended.message_id)},
          {"client", name(ended.client)},
          {"upstream", name(ended.upstream)},
          {"upstream_message_id", name(ended.upstream_id)},
          {"command_status", json_text(smpp::name_of(static_cast<smpp::CommandStatus>(ended.command_status)))},
          {"error", name(ended.error)},
          {"attempts", ended.attempts},
          {"arrived", time_text(ended.arrived)},
          {"sent", time_text(ended.sent)},
          {"ended", time_text(ended.ended)},
          {"kept_until", time_text(ended.kept_until)},
          {"dead_letter", ended.dead_letter}};
}

http::Response json_response(int status, const json::value& value) {
  http::Response response;
  response.status = status;
  response.body = body_text(value);
  return response;
}

http::Response no_room() {
  return http::error_response(503, "the store has no room for it now", "GET /store/stats shows what fills it");
}

http::Response disk_refused() {
  return http::error_response(503, "the store cannot be read", "the log says why; what was kept is still there");
}

}  // namespace

std::string store_json(const config::Storage& storage, const std::vector<store::StoreView>& by_shard) {
  if (by_shard.empty()) {
    return body_text(json::object{{"storage", "off"},
                                  {"hint", "messages are in memory only; `storage` in the configuration turns it on"}});
  }
  store::PartitionStats sum;
  json::array shards;
  std::map<std::tuple<Kind, std::uint32_t, unsigned>, store::QueueView> queues;
  for (std::size_t shard = 0; shard < by_shard.size(); ++shard) {
    add(sum, by_shard[shard].stats);
    json::object one;
    one["shard"] = shard;
    for (auto& [key, value] : numbers(by_shard[shard].stats)) one[key] = std::move(value);
    shards.push_back(std::move(one));
    for (const store::QueueView& queue : by_shard[shard].queues) {
      auto [merged, is_new] = queues.try_emplace({queue.kind, queue.hash, queue.priority}, queue);
      if (is_new) continue;
      merged->second.items += queue.items;
      merged->second.ready += queue.ready;
    }
  }
  std::map<Kind, json::array> lists;
  for (const auto& [key, queue] : queues) lists[queue.kind].push_back(queue_object(queue));
  json::object total = numbers(sum);
  total["max_messages"] = storage.max_messages;
  total["max_bytes"] = storage.max_bytes;
  return body_text(json::object{{"storage", "on"},
                                {"backend", storage.backend == config::StoreBackend::kMemory ? "memory" : "rocksdb"},
                                {"total", std::move(total)},
                                {"queues", std::move(lists[Kind::kUpstream])},
                                {"inboxes", std::move(lists[Kind::kClient])},
                                {"incomplete", std::move(lists[Kind::kParts])},
                                {"shards", std::move(shards)}});
}

std::string dead_letters_json(const store::DeadLetterPage& page, bool with_text) {
  json::array letters;
  for (const store::DeadLetter& letter : page.letters) letters.push_back(letter_object(letter, with_text));
  return body_text(json::object{{"dead_letters", std::move(letters)},
                                {"next", page.next == 0 ? json::value(nullptr) : json::value(id_text(page.next))}});
}

http::Response order_response(store::Order order, OrderResult result, std::string_view id) {
  switch (result) {
    case OrderResult::kDone:
      return json_response(
          200, json::object{{"id", json_text(id)}, {"status", order == store::Order::kDrop ? "dropped" : "queued"}});
    case OrderResult::kUnknown:
      return http::error_response(404, "there is no dead letter " + telemetry::valid_utf8(id),
                                  "/api/dead-letters lists what there is");
    case OrderResult::kNoRoom: return no_room();
    case OrderResult::kNoRoute:
      return http::error_response(409, "no route takes this message now; it stays a dead letter",
                                  "`smppd route test` explains; correct the routes and try again");
    case OrderResult::kUnreadable:
      return http::error_response(409, "what was kept of this message cannot be read; it stays a dead letter");
    case OrderResult::kFailed: break;
  }
  return disk_refused();
}

http::Response requeued_response(const Requeued& outcome) {
  json::object out{{"queued", outcome.queued}, {"failed", outcome.failed}, {"more", outcome.more}};
  if (outcome.stopped_by == OrderResult::kDone) return json_response(200, out);
  http::Response response = outcome.stopped_by == OrderResult::kNoRoom ? no_room() : disk_refused();
  const json::value refusal = json::parse(response.body);
  for (const auto& [key, value] : refusal.as_object()) out[key] = value;
  response.body = body_text(out);
  return response;
}

http::Response message_response(const Found& found, std::string_view id) {
  if (found.standing) {
    json::object out = standing_object(*found.standing);
    if (found.ended && found.ended->requeued_as != 0) out["requeued"] = true;
    return json_response(200, out);
  }
  if (found.ended) return json_response(200, ended_object(*found.ended));
  return http::error_response(404, "nothing is known of a message " + telemetry::valid_utf8(id),
                              "it was never stored, or its outcome is older than storage.retention.submit_sm; ids of "
                              "3.3 clients are known only after the message has left the queue");
}

std::vector<message::OwnId> ids_meant_by(std::string_view text) {
  std::vector<message::OwnId> ids;
  for (const IdFormat format : {IdFormat::kHex, IdFormat::kDecimal, IdFormat::kUuid}) {
    const auto id = message::parse_own_id(text, format);
    if (id && *id != 0 && std::ranges::find(ids, *id) == ids.end()) ids.push_back(*id);
  }
  return ids;
}

}  // namespace smppd::admin
