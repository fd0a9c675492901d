#include "runtime/shard.h"

#include <condition_variable>
#include <mutex>
#include <string>

#include <pthread.h>
#include <sched.h>

namespace smppd::runtime {

unsigned Shard::count() const noexcept { return group_.count(); }

std::uint8_t* Shard::begin_mail(unsigned to, std::size_t bytes) noexcept {
  std::uint8_t* at = group_.mailbox(index_, to).try_begin(bytes);
  if (at == nullptr) {
    refused_.resize(count());
    refused_[to] = true;
  }
  return at;
}

void Shard::commit_mail(unsigned to) noexcept { group_.mailbox(index_, to).commit(); }

void Shard::send_mail(unsigned to, ByteSpan record) { group_.mailbox(index_, to).send_always(record); }

bool Shard::on_mail() noexcept {
  if (handler_ == nullptr) return false;
  std::size_t total = 0;
  for (unsigned from = 0; from < count(); ++from) {
    if (from == index_) continue;
    total += group_.mailbox(from, index_).drain([&](ByteSpan record) { handler_->on_mail(from, record); });
  }
  for (unsigned to = 0; to < refused_.size(); ++to) {
    if (!refused_[to]) continue;
    refused_[to] = false;
    handler_->on_mail_room(to);
  }
  return total > 0;
}

void Shard::on_turn_end() noexcept {
  if (handler_ != nullptr) handler_->on_turn_end();
  for (unsigned to = 0; to < count(); ++to) {
    if (to == index_) continue;
    if (group_.mailbox(index_, to).publish()) group_.shard(to).loop().wake();
  }
}

bool Shard::has_mail() const noexcept {
  for (unsigned from = 0; from < count(); ++from) {
    if (from != index_ && group_.mailbox(from, index_).has_mail()) return true;
  }
  for (const bool waiting : refused_) {
    if (waiting) return true;
  }
  return false;
}

ShardGroup::ShardGroup(unsigned count, std::size_t mailbox_bytes) {
  for (unsigned i = 0; i < count; ++i) shards_.push_back(std::make_unique<Shard>(*this, i));
  for (unsigned i = 0; i < count * count; ++i) {
    const bool self = i / count == i % count;
    mailboxes_.push_back(std::make_unique<Mailbox>(self ? 8 : mailbox_bytes));
  }
}

ShardGroup::~ShardGroup() { stop_and_join(); }

void ShardGroup::start(bool pin_cpus, Duration busy_poll, const std::function<void(Shard&)>& started) {
  for (auto& shard : shards_) {
    shard->loop().set_turn_hook(shard.get());
    shard->loop().set_busy_poll(busy_poll);
    threads_.emplace_back([&shard = *shard, started] {
      const std::string name = "shard-" + std::to_string(shard.index());
      pthread_setname_np(pthread_self(), name.c_str());
      started(shard);
      shard.loop().run();
    });
    if (pin_cpus) {
      cpu_set_t cpus;
      CPU_ZERO(&cpus);
      CPU_SET(shard->index() % std::thread::hardware_concurrency(), &cpus);
      pthread_setaffinity_np(threads_.back().native_handle(), sizeof cpus, &cpus);
    }
  }
}

bool ShardGroup::run_on_all(const std::function<void(Shard&)>& work, Duration patience) {
  struct Barrier {
    std::mutex mutex;
    std::condition_variable done;
    unsigned left;
  };
  auto barrier = std::make_shared<Barrier>();
  barrier->left = count();
  for (auto& shard : shards_) {
    shard->loop().post([barrier, work, &shard = *shard] {
      work(shard);
      const std::lock_guard lock(barrier->mutex);
      if (--barrier->left == 0) barrier->done.notify_all();
    });
  }
  std::unique_lock lock(barrier->mutex);
  return barrier->done.wait_for(lock, patience, [&] { return barrier->left == 0; });
}

void ShardGroup::stop_and_join() {
  for (auto& shard : shards_) shard->loop().stop();
  threads_.clear();
}

}  // namespace smppd::runtime
