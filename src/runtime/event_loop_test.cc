#include "runtime/event_loop.h"

#include <chrono>
#include <functional>
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/timer_wheel.h"

namespace smppd::runtime {
namespace {

using namespace std::chrono_literals;

// How often this thread gave up its processor because it had nothing to do.
long sleeps() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

struct Watcher final : FdHandler {
  void on_events(std::uint32_t) noexcept override { ++events; }
  int events = 0;
};

class BusyPoll : public testing::Test {
 protected:
  // Runs `deed` on another thread while this one is in a turn that would wait for an hour.
  void turn_while(const std::function<void()>& deed) {
    std::jthread other([&] {
      std::this_thread::sleep_for(5ms);
      deed();
    });
    loop_.run_once(1h);
  }
  EventLoop loop_;
};

TEST_F(BusyPoll, ATurnThatFindsNothingSleepsWithoutIt) {
  const long before = sleeps();
  loop_.run_once(5ms);
  EXPECT_GT(sleeps(), before);
}

TEST_F(BusyPoll, ATurnThatFindsNothingStaysAwakeForTheSpan) {
  loop_.set_busy_poll(1h);
  const long before = sleeps();
  loop_.run_once(5ms);
  EXPECT_EQ(sleeps(), before);
}

TEST_F(BusyPoll, AfterTheSpanItSleeps) {
  loop_.set_busy_poll(1ms);
  const long before = sleeps();
  loop_.run_once(20ms);
  EXPECT_GT(sleeps(), before);
}

TEST_F(BusyPoll, SeesWorkThatIsPosted) {
  loop_.set_busy_poll(1h);
  bool ran = false;
  turn_while([&] { loop_.post([&] { ran = true; }); });
  EXPECT_TRUE(ran);
}

TEST_F(BusyPoll, IsWokenByWorkThatIsPostedWhenItSleepsAfterAll) {
  loop_.set_busy_poll(1ms);
  bool ran = false;
  turn_while([&] { loop_.post([&] { ran = true; }); });
  EXPECT_TRUE(ran);
}

TEST_F(BusyPoll, SeesInput) {
  loop_.set_busy_poll(1h);
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  Watcher watcher;
  ASSERT_TRUE(loop_.add(pair[0], watcher));
  loop_.run_once(0ms);  // the socket may be written
  const int before = watcher.events;
  turn_while([&] { EXPECT_EQ(write(pair[1], "x", 1), 1); });
  EXPECT_EQ(watcher.events, before + 1);
  loop_.remove(pair[0], watcher);
  close(pair[0]);
  close(pair[1]);
}

TEST_F(BusyPoll, EndsForATimer) {
  loop_.set_busy_poll(1h);
  bool fired = false;
  Timer timer([](void* flag) noexcept { *static_cast<bool*>(flag) = true; }, &fired);
  loop_.timers().arm(timer, loop_.now() + 5ms);
  for (int i = 0; i < 100 && !fired; ++i) loop_.run_once(1h);
  EXPECT_TRUE(fired);
}

}  // namespace
}  // namespace smppd::runtime
