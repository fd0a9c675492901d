// Who stands in line, who does not, and when what they caused leaves.
#include "runtime/testing/crowd.h"

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smppd::runtime {
namespace {

struct CrowdTest : ::testing::Test {
  CrowdTest() {
    link.connection.share();
    crowd.taken();
  }
  void everyone_in_line_writes_to(testing::End& end, std::string_view text) {
    for (const auto& member : crowd.members) {
      member->heard = [&end, text] { end.connection.write(as_bytes(text)); };
    }
  }
  // To where what was gathered has been written and the first in line had its piece since.
  void end_round() {
    for (int i = 0; i < 20 && link.receive().empty(); ++i) crowd.turn_without_modest();
    EXPECT_EQ(crowd.members[0]->taken, crowd.members[1]->taken + EventLoop::kPiece);
    crowd.taken();
  }
  // For so many turns, by which the loop knows everyone's part, and until it is heedful of nobody anymore.
  template <typename Turn>
  void turn_until_heedless(int known_after, Turn turn) {
    for (int i = 0; i < known_after; ++i) turn();
    loop.set_heed(1ms);
    for (int i = 0; i < 1'000'000 && loop.heedful(); ++i) turn();
    EXPECT_FALSE(loop.heedful());
  }
  EventLoop loop;
  testing::Crowd crowd{loop, 4};
  testing::End& modest = crowd.modest;
  testing::End link{loop};
};

TEST_F(CrowdTest, WhoeverBringsLittleWaitsForOnePieceATurn) {
  for (int i = 0; i < 40; ++i) {
    modest.taken = 0;
    crowd.turn();
    EXPECT_EQ(modest.taken, 1U);
    EXPECT_EQ(crowd.taken(), EventLoop::kPiece);
  }
}

TEST_F(CrowdTest, EveryoneInLineGetsAPieceInItsTurn) {
  for (int i = 0; i < 12; ++i) crowd.turn();
  for (const auto& member : crowd.members) EXPECT_EQ(member->taken, 3 * EventLoop::kPiece);
}

TEST_F(CrowdTest, OfThoseInLineThatBringLessAFewAreReadInATurn) {
  for (int i = 0; i < 4; ++i) crowd.turn();
  crowd.taken();
  for (const auto& member : crowd.members) member->drain(loop);
  crowd.taken();
  for (const auto& member : crowd.members) member->send(std::string(3000, 'x'));
  loop.run_once(5ms);
  EXPECT_EQ(crowd.taken(), 3U * 3000);
  loop.run_once(5ms);
  EXPECT_EQ(crowd.taken(), 3000U);
}

TEST_F(CrowdTest, TheLineGetsNoLessThanAllOthersTakeInATurn) {
  constexpr std::size_t kOthers = 200;
  std::vector<std::unique_ptr<testing::End>> others;
  others.reserve(kOthers);
  for (std::size_t i = 0; i < kOthers; ++i) others.push_back(std::make_unique<testing::End>(loop));
  const std::string little(200, 'y');
  for (int i = 0; i < 40; ++i) {
    crowd.taken();
    for (const auto& other : others) other->send(little);
    crowd.turn();
    EXPECT_GE(crowd.taken(), kOthers * little.size());
  }
}

TEST_F(CrowdTest, WhatAModestOneSendsOnLeavesBeforeThePieceIsRead) {
  modest.heard = [this] { link.connection.write(as_bytes("y")); };
  std::size_t pieces = 0;
  for (const auto& member : crowd.members) {
    member->heard = [&] {
      EXPECT_EQ(link.receive(), "y");
      ++pieces;
    };
  }
  for (int i = 0; i < 40; ++i) crowd.turn();
  EXPECT_EQ(pieces, 40U);
}

TEST_F(CrowdTest, WhatAModestOneSendsOnTakesAlongOnlyWhatWaitsThere) {
  testing::End other{loop};
  other.connection.share();
  everyone_in_line_writes_to(link, "x");
  crowd.members[0]->heard = [&, before = crowd.members[0]->heard] {
    before();
    other.connection.write(as_bytes("o"));
  };
  end_round();
  EXPECT_EQ(other.receive(), "o");
  modest.heard = [this] { link.connection.write(as_bytes("y")); };
  crowd.turn();
  EXPECT_THAT(link.receive(), ::testing::MatchesRegex("x+y"));
  EXPECT_EQ(other.receive(), "");
}

TEST_F(CrowdTest, AnAnswerToAModestOneLeavesBeforeThePieceIsRead) {
  link.heard = [this] { modest.connection.write(as_bytes("a")); };
  for (int i = 0; i < 4; ++i) {  // until the link is known for one that brings little
    link.send("a");
    crowd.turn();
  }
  std::size_t pieces = 0;
  for (const auto& member : crowd.members) {
    member->heard = [&] {
      EXPECT_NE(modest.receive(), "");
      ++pieces;
    };
  }
  for (int i = 0; i < 40; ++i) {
    link.send("a");
    crowd.turn_without_modest();
  }
  EXPECT_EQ(pieces, 40U);
}

TEST_F(CrowdTest, AnAnswerAmongTheManyOfALinkLeavesInItsTurn) {
  std::size_t answers = 0;
  link.heard = [&] {
    crowd.members[0]->connection.write(as_bytes("a"));
    modest.connection.write(as_bytes("a"));
    ++answers;
  };
  for (int i = 0; i < 40; ++i) {
    link.fill();
    const auto before = answers;
    crowd.turn();
    EXPECT_EQ(modest.receive(), std::string(answers - before, 'a'));
  }
  EXPECT_GT(answers, 15U);
}

TEST_F(CrowdTest, WhatTheLineSendsOnIsGatheredUntilAllHadTheirPiece) {
  everyone_in_line_writes_to(link, "x");
  end_round();
  for (int i = 0; i < 20; ++i) {  // three pieces, then one with what was gathered
    crowd.turn_without_modest();
    EXPECT_EQ(link.receive(), i % 4 == 3 ? "xxxx" : "") << "turn " << i;
  }
}

TEST_F(CrowdTest, WhatIsGatheredForOneIsWrittenWhenItIsEnough) {
  const std::string half(EventLoop::kGathered / 2, 'x');
  everyone_in_line_writes_to(link, half);
  end_round();
  for (int i = 0; i < 24; ++i) {
    crowd.turn_without_modest();
    EXPECT_EQ(link.receive().size(), i % 3 == 2 ? EventLoop::kGathered : 0) << "turn " << i;
  }
}

TEST_F(CrowdTest, WhatIsGatheredIsWrittenThoughNobodyComesAnymore) {
  everyone_in_line_writes_to(link, "x");
  end_round();
  std::size_t pieces = 1, written = 0;
  for (const auto& member : crowd.members) {
    member->heard = [&] {
      link.connection.write(as_bytes("x"));
      ++pieces;
    };
  }
  crowd.turn_without_modest();
  for (int i = 0; i < 200; ++i) {
    loop.run_once(Duration::zero());  // one that would sleep with something to write is left with it
    written += link.receive().size();
  }
  EXPECT_GT(pieces, 4U);
  EXPECT_EQ(written, pieces);
}

TEST_F(CrowdTest, WhatALinkBringsForOneThatBringsMuchLeavesThoughNobodyIsInLine) {
  for (const auto& member : crowd.members) member->drain(loop);
  std::size_t brought = 0, written = 0;
  link.heard = [&] {
    crowd.members[0]->connection.write(as_bytes("d"));
    ++brought;
  };
  for (int i = 0; i < 60; ++i) {
    link.fill();
    modest.send("y");
    loop.run_once(5ms);
    written += crowd.members[0]->receive().size();
  }
  EXPECT_TRUE(loop.heedful());
  EXPECT_GT(brought, 15U);
  EXPECT_GE(written + 2, brought);
}

TEST_F(CrowdTest, ALinkThatBringsMuchGetsAPieceBeforeEachOfTheLine) {
  link.fill();
  for (int i = 0; i < 4; ++i) crowd.turn();
  link.taken = 0;
  crowd.taken();
  for (int i = 0; i < 40; ++i) {
    link.fill();
    crowd.turn();
    EXPECT_LE(link.taken + crowd.taken(), EventLoop::kPiece);
    if (i % 2 == 0) continue;
    EXPECT_EQ(std::exchange(link.taken, 0), EventLoop::kSharedPiece);
  }
}

TEST_F(CrowdTest, NobodyStandsInLineForLongAfterTheLastThatBroughtLittle) {
  everyone_in_line_writes_to(link, "x");
  std::string written;
  turn_until_heedless(0, [this] { crowd.turn_without_modest(); });
  for (int i = 0; i < 2; ++i) {
    crowd.taken();
    std::ignore = link.receive();
    crowd.turn_without_modest();
    written = link.receive();
  }
  EXPECT_GE(crowd.taken(), crowd.members.size() * EventLoop::kReadBuffer);
  EXPECT_GE(written.size(), crowd.members.size()) << "nothing is gathered";
}

TEST_F(CrowdTest, NobodyStandsInLineWhereAllBringTheSame) {
  const std::string little(1000, 'y');
  const auto all_send = [&] {
    modest.send(little);
    for (const auto& member : crowd.members) member->send(little);
  };
  for (const auto& member : crowd.members) member->drain(loop);
  turn_until_heedless(1000, [&] {
    all_send();
    loop.run_once(5ms);
  });
  for (int i = 0; i < 8; ++i) {
    all_send();
    link.fill();
    link.taken = 0;
    loop.run_once(5ms);
  }
  EXPECT_GE(link.taken, EventLoop::kReadBuffer);
}

// As sessions of a full loop do, which bring responses at one time and messages at another.
TEST_F(CrowdTest, NobodyStandsInLineWhereEachBringsLittleAtTimesAndTheSameInAll) {
  for (const auto& member : crowd.members) member->drain(loop);
  const std::string little(500, 'y');
  const std::string some(9000, 'z');
  std::size_t turns = 0;
  const auto turn = [&] {
    for (std::size_t at = 0; at < crowd.members.size(); ++at) {
      crowd.members[at]->send((turns / 4 + at) % 4 == 0 ? some : little);
    }
    loop.run_once(5ms);
    ++turns;
  };
  turn_until_heedless(1000, turn);
  for (int i = 0; i < 1000; ++i) {
    turn();
    EXPECT_FALSE(loop.heedful()) << "turn " << i;
  }
}

TEST_F(CrowdTest, NobodyStandsInLineWhereSomeAreSentMuchAndOthersSendAsMuch) {
  for (const auto& member : crowd.members) member->drain(loop);
  const std::string much(12'000, 'z');
  const auto turn = [&] {
    modest.send("r");
    modest.connection.write(as_bytes(much));
    crowd.members[0]->send(much);
    loop.run_once(5ms);
    EXPECT_EQ(modest.receive().size(), much.size());
  };
  turn_until_heedless(1000, turn);
  for (int i = 0; i < 1000; ++i) {
    turn();
    EXPECT_FALSE(loop.heedful()) << "turn " << i;
  }
}

TEST_F(CrowdTest, WhoeverBringsLittleDoesNotWaitForACrowdOfWhomEachBringsSome) {
  constexpr std::size_t kSome = 2000;
  for (const auto& member : crowd.members) member->drain(loop);
  std::vector<std::unique_ptr<testing::End>> many;
  const std::string some(kSome, 'z');
  for (int i = 0; i < 50; ++i) {
    many.push_back(std::make_unique<testing::End>(loop));
    many.back()->send(some);
  }
  for (int i = 0; i < 400; ++i) {
    std::size_t taken = 0;
    for (const auto& one : many) {
      if (one->taken > 0) one->send(some);
      taken += std::exchange(one->taken, 0);
    }
    if (i > 50) {  // by then the loop knows their parts
      EXPECT_EQ(taken, EventLoop::kTurn / EventLoop::kLeastWork * kSome) << "turn " << i;
    }
    modest.taken = 0;
    modest.send("y");
    loop.run_once(5ms);
    EXPECT_EQ(modest.taken, 1U);
  }
}

TEST_F(CrowdTest, WhoeverIsClosedInLineIsForgotten) {
  modest.heard = [this] {
    for (const auto& member : crowd.members) member->connection.close();
    link.connection.write(as_bytes("y"));
    link.connection.close();
  };
  crowd.turn();
  EXPECT_EQ(crowd.taken(), 0U);
  modest.heard = nullptr;
  crowd.turn();
  EXPECT_EQ(crowd.taken(), 0U);
}

TEST_F(CrowdTest, WhoeverIsDestroyedWithGatheredOutputIsForgotten) {
  for (int turns = 1; turns <= 6; ++turns) {  // while gathered, while due, and in the turn in which it is written to
    auto gone = std::make_unique<testing::End>(loop);
    gone->connection.share();
    const std::string text(EventLoop::kGathered / 3, 'x');
    everyone_in_line_writes_to(*gone, text);
    for (int i = 0; i < turns; ++i) crowd.turn();
    crowd.members[0]->heard = crowd.members[1]->heard = crowd.members[2]->heard =
        crowd.members[3]->heard = [&gone, &text] {
          if (gone == nullptr) return;
          gone->connection.write(as_bytes(text));
          gone.reset();
        };
    for (int i = 0; i < 10; ++i) crowd.turn();
    EXPECT_EQ(gone, nullptr);
  }
}

}  // namespace
}  // namespace smppd::runtime
