// Host names to addresses, off the shards: one thread calls the system's resolver and hands the answer to a callback on
// that thread; callers post it back to their loop. Literal addresses are answered without a lookup.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "runtime/ip_address.h"

namespace smppd::runtime {

class Resolver {
 public:
  using Answer = std::function<void(Fallible<std::vector<SocketAddress>>)>;

  Resolver();
  ~Resolver();

  // Any thread. `answer` is called exactly once, on the resolver's thread, or not at all when the resolver is
  // destroyed.
  void resolve(std::string host, std::uint16_t port, Answer answer);
  // The blocking form, for start-up.
  [[nodiscard]] static Fallible<std::vector<SocketAddress>> lookup(const std::string& host, std::uint16_t port);

 private:
  struct Question {
    std::string host;
    std::uint16_t port;
    Answer answer;
  };
  void work();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Question> questions_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace smppd::runtime
