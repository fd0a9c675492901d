#include "upstream/internal/link_rota.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace smppd::upstream {
namespace {

using namespace std::chrono_literals;

struct FakeLink {
  char name;
  std::uint32_t window;
  std::uint32_t in_flight = 0;
  [[nodiscard]] std::uint32_t window_limit() const noexcept { return window; }
};

class LinkRotaTest : public testing::Test {
 protected:
  explicit LinkRotaTest(std::uint32_t window = 8) : stock_{{{'a', window}, {'b', window}, {'c', window}}} {
    for (FakeLink& link : stock_) links_.push_back(&link);
  }

  // The links that so many requests of one turn of the loop take; '-' for one that found none.
  std::string turn(int requests) {
    now_ += 1ms;
    std::string taken;
    for (int i = 0; i < requests; ++i) {
      FakeLink* link =
          rota_.next(links_, now_, [](const FakeLink& candidate) { return candidate.in_flight < candidate.window; });
      if (link != nullptr) ++link->in_flight;
      taken += link == nullptr ? '-' : link->name;
    }
    return taken;
  }
  void answer_all() {
    for (FakeLink& link : stock_) link.in_flight = 0;
  }

  std::array<FakeLink, 3> stock_;
  std::vector<FakeLink*> links_;
  LinkRota rota_;
  Instant now_{};
};

TEST_F(LinkRotaTest, RequestsOfOneTurnStayWithALinkForAQuarterOfItsWindow) { EXPECT_EQ(turn(7), "bbccaab"); }

TEST_F(LinkRotaTest, ATurnBeginsWithTheNextLink) {
  EXPECT_EQ(turn(1), "b");
  EXPECT_EQ(turn(1), "c");
  EXPECT_EQ(turn(3), "aab");
  EXPECT_EQ(turn(1), "c");
}

TEST_F(LinkRotaTest, ALinkThatTakesNoMoreGivesUpItsRun) {
  stock_[1].in_flight = 7;
  EXPECT_EQ(turn(3), "bcc");
  answer_all();
  stock_[1].in_flight = 8;
  EXPECT_EQ(turn(5), "aacca");
}

TEST_F(LinkRotaTest, EveryWindowIsFilledBeforeARequestFindsNone) {
  const std::string taken = turn(26);
  EXPECT_EQ(taken.substr(24), "--");
  for (const FakeLink& link : stock_) EXPECT_EQ(link.in_flight, 8U) << link.name;
  stock_[0].in_flight = 7;
  EXPECT_EQ(turn(2), "a-");
}

TEST_F(LinkRotaTest, ALinkThatIsAddedTakesItsTurn) {
  FakeLink d{'d', 8};
  EXPECT_EQ(turn(4), "bbcc");
  links_.push_back(&d);
  EXPECT_EQ(turn(6), "ddaabb");
}

TEST_F(LinkRotaTest, NoLinksTakeNothing) {
  links_.clear();
  EXPECT_EQ(turn(2), "--");
}

class NarrowLinkRotaTest : public LinkRotaTest {
 protected:
  NarrowLinkRotaTest() : LinkRotaTest(1) {}
};

TEST_F(NarrowLinkRotaTest, LinksOfSmallWindowsTakeOneEach) { EXPECT_EQ(turn(4), "bca-"); }

}  // namespace
}  // namespace smppd::upstream
