// A partition of the store whose disk is the test: what is appended becomes durable when the test says so, room ends
// and comes back, and everything that was asked to be kept can be looked at. For tests of this module; one thread.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/partition.h"

namespace smppd::flow {

class HandPartition final : public store::Partition {
 public:
  struct Item {
    store::Progress progress;
    std::vector<std::uint8_t> body;
  };
  // A transaction, as the kinds of its changes.
  struct Appended {
    store::Sequence sequence;
    store::Intake intake;
    std::vector<store::Change::Kind> kinds;
    std::vector<store::ItemId> finished;
  };

  // --- What the test sets and sees ---
  bool writes = true;                    // durable at the next turn; else by write()
  bool answers = true;                   // at the next turn; else when it does again
  std::optional<store::Intake> refuses;  // kNew: new messages; kOwed: everything
  std::map<store::ItemId, Item> items;   // as appended, durable or not
  std::size_t taken = 0;                 // items that take() gave, again each time
  std::vector<Appended> appended;
  std::map<std::pair<store::Table, std::string>, std::vector<std::uint8_t>> records;
  std::map<std::pair<store::Table, std::string>, store::Moment> expires;  // as put, also of records that are gone

  // So many transactions more become durable.
  void write(std::size_t transactions = 1'000'000) {
    allowed_ = std::min<store::Sequence>(appended.size(), allowed_ + transactions);
    wake_shard();
  }
  void has_room(store::Room room) {
    refuses.reset();
    if (room != store::Room::kOpen) refuses = room == store::Room::kNone ? store::Intake::kOwed : store::Intake::kNew;
    room_ = room;
    wake_shard();
  }
  // Items in the order in which they were done.
  [[nodiscard]] std::vector<store::ItemId> finished() const {
    std::vector<store::ItemId> all;
    for (const Appended& one : appended) all.insert(all.end(), one.finished.begin(), one.finished.end());
    return all;
  }
  [[nodiscard]] std::size_t count(store::Table table) const {
    return static_cast<std::size_t>(
        std::count_if(records.begin(), records.end(), [&](const auto& one) { return one.first.first == table; }));
  }

  // --- store::Partition ---
  store::Sequence append(const store::Transaction& transaction, store::Intake intake) noexcept override {
    if (refuses && (*refuses == store::Intake::kOwed || intake == store::Intake::kNew)) return 0;
    Appended& note = appended.emplace_back(Appended{appended.size() + 1, intake, {}, {}});
    store::ChangeReader reader(transaction.bytes());
    for (store::Change change; reader.next(change);) {
      note.kinds.push_back(change.kind);
      if (change.kind == store::Change::Kind::kFinish) note.finished.push_back(change.id);
      apply(change);
    }
    return note.sequence;
  }
  void read(const store::ReadRequest& request) noexcept override {
    asked_.push_back({request, std::string(request.key)});
    wake_shard();
  }
  bool put_back(store::ItemId id, store::Moment due) noexcept override {
    const auto at = items.find(id);
    if (at == items.end()) return false;
    at->second.progress.held = false;
    at->second.progress.due = due;
    return true;
  }
  void turn(store::Moment now) noexcept override {
    if (writes) allowed_ = appended.size();
    if (allowed_ > told_) {
      told_ = allowed_;
      consumer().on_durable(told_);
    }
    if (answers) {
      for (const auto& [request, key] : std::exchange(asked_, {})) answer(request, key, now);
    }
    if (room_ != told_room_) {
      told_room_ = room_;
      consumer().on_room(room_);
    }
    name_expired(now);
    name_ready(now);
  }
  [[nodiscard]] bool in_order(std::uint32_t order) noexcept override {
    return std::any_of(items.begin(), items.end(), [&](const auto& one) { return one.second.progress.order == order; });
  }
  [[nodiscard]] store::PartitionStats stats() const override {
    std::map<std::uint32_t, store::LaneStats> lanes;
    for (const auto& [id, item] : items) {
      auto& lane = lanes[item.progress.lane.value()];
      lane.lane = item.progress.lane;
      ++lane.items;
    }
    store::PartitionStats stats;
    stats.items = items.size();
    stats.lanes.reserve(lanes.size());
    for (const auto& [number, lane] : lanes) stats.lanes.push_back(lane);
    return stats;
  }

 private:
  void apply(const store::Change& change) {
    const std::pair key(change.table, std::string(change.key));
    switch (change.kind) {
      case store::Change::Kind::kEnqueue:
        items[change.id] = {change.progress, {change.body.begin(), change.body.end()}};
        return;
      case store::Change::Kind::kAmend:
        if (const auto at = items.find(change.id); at != items.end()) {
          const std::uint32_t order = at->second.progress.order;
          at->second.progress = change.progress;
          at->second.progress.order = order;
        }
        return;
      case store::Change::Kind::kFinish: items.erase(change.id); return;
      case store::Change::Kind::kPut:
        records[key] = {change.body.begin(), change.body.end()};
        expires[key] = change.expires;
        return;
      case store::Change::Kind::kErase: records.erase(key); return;
    }
  }
  void answer(const store::ReadRequest& request, const std::string& key, store::Moment now) {
    std::vector<store::ItemView> views;
    std::vector<store::RecordView> found;
    const auto shown = records;  // views stay good while the consumer erases what it is shown
    store::ReadAnswer answer;
    answer.tag = request.tag;
    if (request.kind == store::ReadRequest::Kind::kTake) {
      auto due = due_in(request.lane, now);
      answer.more = due.size() > request.limit;
      due.resize(std::min<std::size_t>(due.size(), request.limit));
      if (!answer.more) ready_.erase(request.lane.value());
      taken += due.size();
      for (const store::ItemId id : due) {
        items[id].progress.held = true;
        views.push_back({id, items[id].progress, items[id].body, false});
      }
    } else if (request.kind == store::ReadRequest::Kind::kItem) {
      if (const auto at = items.find(request.id); at != items.end()) {
        views.push_back({at->first, at->second.progress, at->second.body, false});
      }
    } else if (request.kind == store::ReadRequest::Kind::kClaim) {
      if (const auto at = items.find(request.id); at != items.end() && !at->second.progress.held) {
        at->second.progress.held = true;
        views.push_back({at->first, at->second.progress, at->second.body, false});
      }
    } else if (request.kind == store::ReadRequest::Kind::kMarked) {
      for (const auto& [id, item] : items) {
        if (item.progress.mark == request.mark) views.push_back({id, item.progress, item.body, false});
      }
    } else if (request.kind == store::ReadRequest::Kind::kScan) {
      auto at = shown.lower_bound({request.table, key});
      for (; at != shown.end() && at->first.first == request.table && found.size() < request.limit; ++at) {
        found.push_back({at->first.second, at->second, store::kNever});
      }
      answer.more = at != shown.end() && at->first.first == request.table;
    } else if (const auto at = shown.find({request.table, key}); at != shown.end()) {
      found.push_back({at->first.second, at->second, store::kNever});
    }
    const auto bodies = items;  // views stay good while the consumer finishes what it is shown
    for (store::ItemView& view : views) view.body = bodies.at(view.id).body;
    answer.items = views;
    answer.records = found;
    consumer().on_read(answer);
  }
  std::vector<store::ItemId> due_in(store::LaneId lane, store::Moment now) const {
    std::vector<std::pair<store::Moment, store::ItemId>> due;
    for (const auto& [id, item] : items) {
      const store::Progress& p = item.progress;
      if (p.lane == lane && may_go(id, now)) due.emplace_back(p.due, id);
    }
    std::sort(due.begin(), due.end());
    std::vector<store::ItemId> ids;
    ids.reserve(due.size());
    for (const auto& [at, id] : due) ids.push_back(id);
    return ids;
  }
  bool may_go(store::ItemId id, store::Moment now) const {
    const store::Progress& p = items.at(id).progress;
    const auto first =
        std::find_if(items.begin(), items.end(), [&](const auto& one) { return one.second.progress.order == p.order; });
    return !p.held && p.due <= now && (p.order == 0 || first->first == id);
  }
  void name_ready(store::Moment now) {
    std::set<std::uint32_t> lanes;
    for (const auto& [id, item] : items) {
      if (may_go(id, now)) lanes.insert(item.progress.lane.value());
    }
    for (const std::uint32_t lane : lanes) {
      if (ready_.insert(lane).second) consumer().on_ready(store::LaneId(lane));
    }
  }
  void name_expired(store::Moment now) {
    std::vector<store::ItemId> ids;
    for (auto& [id, item] : items) {
      if (item.progress.held || item.progress.expires > now) continue;
      item.progress.held = true;
      ids.push_back(id);
    }
    if (!ids.empty()) consumer().on_expired(ids);
  }

  struct Asked {
    store::ReadRequest request;
    std::string key;
  };
  std::vector<Asked> asked_;
  std::set<std::uint32_t> ready_;  // lanes that were named
  store::Sequence allowed_ = 0;
  store::Sequence told_ = 0;
  store::Room room_ = store::Room::kOpen;
  store::Room told_room_ = store::Room::kOpen;
};

}  // namespace smppd::flow
