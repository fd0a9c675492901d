#include "smpp/session.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "smpp/pdu_builder.h"
#include "smpp/pdu_table.h"

namespace smppd::smpp {
namespace {

using Kind = Session::Event::Kind;
using Problem = Session::Event::Problem;
using Due = Session::Due;

constexpr Instant kStart{1000s};
constexpr SessionState kAllStates[] = {SessionState::kOpen,     SessionState::kBoundTx,   SessionState::kBoundRx,
                                       SessionState::kBoundTrx, SessionState::kUnbinding, SessionState::kClosed};

class Output final : public Sink {
 public:
  std::uint8_t* reserve(std::size_t bytes) override {
    reserved_.assign(bytes, 0);
    return reserved_.data();
  }
  void commit(std::size_t bytes) noexcept override {
    written.insert(written.end(), reserved_.begin(), reserved_.begin() + static_cast<std::ptrdiff_t>(bytes));
  }
  std::uint32_t next_sequence() noexcept override { return ++sequence; }

  // The headers written since the last call.
  std::vector<Header> take() {
    std::vector<Header> headers;
    ByteSpan rest(written);
    for (Frame frame = next_frame(rest); frame.state == FrameState::pdu; frame = next_frame(rest)) {
      headers.push_back(read_header(frame.pdu.data()));
      rest = rest.subspan(frame.pdu.size());
    }
    EXPECT_TRUE(rest.empty()) << "a session wrote something that is no PDU";
    written.clear();
    return headers;
  }

  std::vector<std::uint8_t> written;
  std::uint32_t sequence = 100;

 private:
  std::vector<std::uint8_t> reserved_;
};

std::vector<std::uint8_t> bare(CommandId id, std::uint32_t sequence, CommandStatus status = CommandStatus::ESME_ROK) {
  std::vector<std::uint8_t> pdu(kHeaderSize);
  write_bare(pdu.data(), id, status, sequence);
  return pdu;
}

Header answer(CommandId id, CommandStatus status, std::uint32_t sequence) {
  return {static_cast<std::uint32_t>(kHeaderSize), id, status, sequence};
}

CommandId response_bit(CommandId id) { return static_cast<CommandId>(static_cast<std::uint32_t>(id) | kResponseBit); }

// Columns: OPEN, BOUND_TX, BOUND_RX, BOUND_TRX, UNBINDING, CLOSED; 3.4 table 2-1 and 5.0 table 2-1, by hand.
struct Row {
  CommandId id;
  std::string_view smsc;
  std::string_view esme;
};
constexpr Row kTable[] = {
    {CommandId::bind_transmitter, "x.....", "......"},
    {CommandId::bind_receiver, "x.....", "......"},
    {CommandId::bind_transceiver, "x.....", "......"},
    {CommandId::outbind, "......", "x....."},
    {CommandId::unbind, ".xxxx.", ".xxxx."},
    {CommandId::submit_sm, ".x.x..", "......"},
    {CommandId::submit_multi, ".x.x..", "......"},
    {CommandId::data_sm, ".x.x..", "..xx.."},
    {CommandId::deliver_sm, "......", "..xx.."},
    {CommandId::query_sm, ".x.x..", "......"},
    {CommandId::cancel_sm, ".x.x..", "......"},
    {CommandId::replace_sm, ".x.x..", "......"},
    {CommandId::enquire_link, "xxxxx.", "xxxxx."},
    {CommandId::alert_notification, "......", "..xx.."},
    {CommandId::param_retrieve, ".xxx..", "......"},
    {CommandId::query_last_msgs, ".x.x..", "......"},
    {CommandId::query_msg_details, ".x.x..", "......"},
    {CommandId::broadcast_sm, ".x.x..", "......"},
    {CommandId::query_broadcast_sm, ".x.x..", "......"},
    {CommandId::cancel_broadcast_sm, ".x.x..", "......"},
};

TEST(Session, EveryRequestIsInTheStateTable) {
  std::size_t requests = 0;
  for (const PduSpec& spec : all_pdus()) {
    if (is_response(spec.id)) continue;
    ++requests;
    EXPECT_EQ(std::ranges::count(kTable, spec.id, &Row::id), 1) << spec.name;
  }
  EXPECT_EQ(requests, std::size(kTable));
}

class StateTable : public testing::TestWithParam<std::tuple<Role, SessionState>> {};

TEST_P(StateTable, AcceptsWhatTheSpecificationAllowsAndRefusesTheRest) {
  const auto [role, state] = GetParam();
  for (const Row& row : kTable) {
    SessionOptions options;
    options.role = role;
    Session session(options, kStart);
    session.bound(state);
    Output output;
    const auto pdu = bare(row.id, 7);
    const bool allowed = (role == Role::kSmsc ? row.smsc : row.esme)[static_cast<std::size_t>(state)] == 'x';
    EXPECT_EQ(may_receive(role, state, row.id), allowed) << name_of(state) << " " << spec_of(row.id)->name;
    const auto event = session.next(pdu, kStart, output);
    const auto written = output.take();
    SCOPED_TRACE(std::string(name_of(state)) + " " + std::string(spec_of(row.id)->name));
    EXPECT_EQ(event.pdu.size(), pdu.size());
    EXPECT_EQ(event.header.sequence_number, 7U);
    if (row.id == CommandId::enquire_link) {
      EXPECT_EQ(event.kind, Kind::kHandled);
    } else if (allowed && row.id == CommandId::unbind) {
      EXPECT_EQ(event.kind, Kind::kUnbound);
      EXPECT_EQ(session.state(), SessionState::kUnbinding);
      ASSERT_EQ(written.size(), 1U);
      EXPECT_EQ(written[0], answer(CommandId::unbind_resp, CommandStatus::ESME_ROK, 7));
    } else if (allowed) {
      EXPECT_EQ(event.kind, Kind::kPdu);
      EXPECT_EQ(event.problem, Problem::kNone);
      EXPECT_TRUE(written.empty());
    } else {
      EXPECT_EQ(event.kind, Kind::kHandled);
      EXPECT_EQ(event.problem, Problem::kWrongState);
      if (row.id == CommandId::outbind || row.id == CommandId::alert_notification) {
        EXPECT_TRUE(written.empty()) << "it has no response";
        continue;
      }
      const bool second_bind = role == Role::kSmsc && is_bound(state) && row.smsc[0] == 'x';
      ASSERT_EQ(written.size(), 1U);
      Header expected =
          answer(response_bit(row.id), second_bind ? CommandStatus::ESME_RALYBND : CommandStatus::ESME_RINVBNDSTS, 7);
      if (row.id == CommandId::bind_transceiver) ++expected.command_length;  // its empty system_id: refusal_test.cc
      EXPECT_EQ(written[0], expected);
      EXPECT_EQ(session.state(), state);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(BothRoles, StateTable,
                         testing::Combine(testing::Values(Role::kSmsc, Role::kEsme), testing::ValuesIn(kAllStates)));

class SessionTest : public testing::Test {
 protected:
  Session::Event feed(CommandId id, std::uint32_t sequence, Instant now,
                      CommandStatus status = CommandStatus::ESME_ROK) {
    return session.next(bare(id, sequence, status), now, output);
  }

  SessionOptions options;
  Session session{options, kStart};
  Output output;
};

TEST_F(SessionTest, EnquireLinkIsAnsweredWithItsNumber) {
  EXPECT_EQ(feed(CommandId::enquire_link, 42, kStart).kind, Kind::kHandled);
  EXPECT_EQ(output.take(), std::vector{answer(CommandId::enquire_link_resp, CommandStatus::ESME_ROK, 42)});
  options.answer_enquire = false;
  EXPECT_EQ(feed(CommandId::enquire_link, 43, kStart).kind, Kind::kHandled);
  EXPECT_TRUE(output.take().empty());
}

TEST_F(SessionTest, TheUsualPduIsTheOneThatNextWouldPassOn) {
  using Ask = std::uint32_t (Session::*)(ByteSpan, Instant) noexcept;
  const std::tuple<Role, Ask, CommandId> kinds[] = {
      {Role::kSmsc, &Session::usual, CommandId::submit_sm},
      {Role::kEsme, &Session::usual, CommandId::submit_sm_resp},
      {Role::kSmsc, &Session::usual_of_delivery, CommandId::deliver_sm_resp},
      {Role::kEsme, &Session::usual_of_delivery, CommandId::deliver_sm},
  };
  for (const auto& [role, ask, usual] : kinds) {
    options.role = role;
    for (const SessionState state : kAllStates) {
      Session one(options, kStart);
      one.bound(state);
      const bool expected = is_bound(state) && (is_response(usual) || may_receive(role, state, usual));
      const auto pdu = bare(usual, 5);
      EXPECT_EQ((one.*ask)(pdu, kStart), expected ? pdu.size() : 0U) << name_of(state);
      for (std::size_t some = 0; some < pdu.size(); ++some)
        EXPECT_EQ((one.*ask)(ByteSpan(pdu).first(some), kStart), 0U);
      for (const std::uint32_t id : {0U, 4U, 5U, 0x15U, 0x80000000U, 0x80000004U, 0x80000005U, 0xFFFFFFFFU}) {
        if (static_cast<CommandId>(id) == usual) continue;
        EXPECT_EQ((one.*ask)(bare(static_cast<CommandId>(id), 5), kStart), 0U) << name_of(state) << ' ' << id;
      }
      for (const std::uint32_t length : {0U, 15U, 17U, options.max_pdu_size + 1}) {
        auto wrong = bare(usual, 5);
        store_be(wrong.data(), length);
        EXPECT_EQ((one.*ask)(wrong, kStart), 0U) << length;
      }
      one.closed();
      EXPECT_EQ((one.*ask)(pdu, kStart), 0U);
    }
  }
}

TEST_F(SessionTest, NothingIsUsualAfterUnbindAndWhatIsEndsAReadDeadline) {
  session.bound(SessionState::kBoundTrx);
  const auto pdu = bare(CommandId::submit_sm, 5);
  EXPECT_EQ(session.next(ByteSpan(pdu).first(10), kStart + 1s, output).kind, Kind::kNeedMore);
  EXPECT_EQ(session.usual(pdu, kStart + 2s), pdu.size());
  EXPECT_EQ(session.last_heard(), kStart + 2s);
  EXPECT_EQ(session.on_time(kStart + 2s + options.read_timeout, output), Due::kNothing);
  session.unbind(kStart + 3s, output);
  EXPECT_EQ(session.usual(pdu, kStart + 4s), 0U);
  Session other(options, kStart);
  other.bound(SessionState::kBoundTrx);
  EXPECT_EQ(other.next(bare(CommandId::unbind, 6), kStart, output).kind, Kind::kUnbound);
  EXPECT_EQ(other.usual(pdu, kStart), 0U);
}

TEST_F(SessionTest, AnUnknownCommandIsNackedAndTheSessionLives) {
  session.bound(SessionState::kBoundTrx);
  const auto event = feed(static_cast<CommandId>(0x00000777), 9, kStart);
  EXPECT_EQ(event.kind, Kind::kHandled);
  EXPECT_EQ(event.problem, Problem::kUnknownCommand);
  EXPECT_EQ(output.take(), std::vector{answer(CommandId::generic_nack, CommandStatus::ESME_RINVCMDID, 9)});
  EXPECT_EQ(feed(CommandId::submit_sm, 10, kStart).kind, Kind::kPdu);
}

TEST_F(SessionTest, AnyResponseIsForTheApplicationInAnyState) {
  for (const SessionState state : {SessionState::kOpen, SessionState::kBoundTx, SessionState::kUnbinding}) {
    session.bound(state);
    EXPECT_EQ(feed(CommandId::submit_sm_resp, 3, kStart).kind, Kind::kPdu);
    EXPECT_EQ(feed(CommandId::generic_nack, 3, kStart, CommandStatus::ESME_RINVCMDID).kind, Kind::kPdu);
  }
  EXPECT_TRUE(output.take().empty()) << "a response is never answered";
}

TEST_F(SessionTest, LostFramingIsNackedToABoundPeerOnly) {
  const std::vector<std::uint8_t> noise{'G', 'E', 'T', ' ', '/'};
  EXPECT_EQ(session.next(noise, kStart, output).kind, Kind::kLost);
  EXPECT_TRUE(output.take().empty()) << "a scanner is told nothing";
  session.bound(SessionState::kBoundTx);
  const auto event = session.next(noise, kStart, output);
  EXPECT_EQ(event.kind, Kind::kLost);
  EXPECT_EQ(event.problem, Problem::kFraming);
  EXPECT_EQ(output.take(), std::vector{answer(CommandId::generic_nack, CommandStatus::ESME_RINVCMDLEN, 0)});
}

TEST_F(SessionTest, ALengthBelowAHeaderOrAboveTheLimitLosesTheFraming) {
  options.max_pdu_size = 64;
  EXPECT_EQ(session.next(std::vector<std::uint8_t>{0, 0, 0, 15}, kStart, output).kind, Kind::kLost);
  EXPECT_EQ(session.next(std::vector<std::uint8_t>{0, 0, 0, 65}, kStart, output).kind, Kind::kLost);
  EXPECT_EQ(session.next(std::vector<std::uint8_t>{0, 0, 0, 64}, kStart, output).kind, Kind::kNeedMore);
}

TEST_F(SessionTest, NoBindIsWaitedForOnlySoLong) {
  EXPECT_EQ(session.deadline(), kStart + options.bind_timeout);
  EXPECT_EQ(session.on_time(kStart + options.bind_timeout - 1ns, output), Due::kNothing);
  EXPECT_EQ(feed(CommandId::enquire_link, 1, kStart + 20s).kind, Kind::kHandled);
  EXPECT_EQ(session.on_time(kStart + options.bind_timeout, output), Due::kBindTimeout) << "enquire_link is no bind";
}

TEST_F(SessionTest, AnUnfinishedPduIsWaitedForFromItsFirstOctet) {
  session.bound(SessionState::kBoundTx);
  options.enquire_interval = 0s;
  const auto pdu = bare(CommandId::submit_sm, 5);
  EXPECT_EQ(session.next(ByteSpan(pdu).first(1), kStart + 1s, output).kind, Kind::kNeedMore);
  EXPECT_EQ(session.next(ByteSpan(pdu).first(10), kStart + 50s, output).kind, Kind::kNeedMore);
  EXPECT_EQ(session.deadline(), kStart + 1s + options.read_timeout);
  EXPECT_EQ(session.on_time(kStart + 61s - 1ns, output), Due::kNothing);
  EXPECT_EQ(session.on_time(kStart + 61s, output), Due::kReadTimeout);
  EXPECT_EQ(session.next(pdu, kStart + 61s, output).kind, Kind::kPdu);
  EXPECT_EQ(session.next({}, kStart + 61s, output).kind, Kind::kNeedMore);
  EXPECT_EQ(session.on_time(kStart + 900s, output), Due::kNothing) << "nothing is unfinished any more";
}

TEST_F(SessionTest, IdlenessIsCountedFromTheLastWorkAndEnquireLinkIsNone) {
  session.bound(SessionState::kBoundTrx);
  options.idle_timeout = 90s;
  options.enquire_interval = 0s;
  feed(CommandId::submit_sm, 1, kStart + 10s);
  feed(CommandId::enquire_link, 2, kStart + 80s);
  EXPECT_EQ(session.deadline(), kStart + 100s);
  EXPECT_EQ(session.on_time(kStart + 100s - 1ns, output), Due::kNothing);
  EXPECT_EQ(session.on_time(kStart + 100s, output), Due::kIdleTimeout);
  session.worked(kStart + 100s);
  EXPECT_EQ(session.on_time(kStart + 189s, output), Due::kNothing);
}

TEST_F(SessionTest, ASilentPeerIsAskedOncePerIntervalAndAnAnswerEndsTheQuestion) {
  session.bound(SessionState::kBoundRx);
  EXPECT_EQ(session.deadline(), kStart + 30s);
  EXPECT_EQ(session.on_time(kStart + 30s - 1ns, output), Due::kNothing);
  EXPECT_TRUE(output.take().empty());
  EXPECT_EQ(session.on_time(kStart + 30s, output), Due::kNothing);
  EXPECT_EQ(output.take(), std::vector{answer(CommandId::enquire_link, CommandStatus::ESME_ROK, 101)});
  EXPECT_EQ(session.on_time(kStart + 31s, output), Due::kNothing);
  EXPECT_TRUE(output.take().empty());
  EXPECT_EQ(feed(CommandId::enquire_link_resp, 101, kStart + 32s).kind, Kind::kHandled);
  EXPECT_EQ(session.on_time(kStart + 40s, output), Due::kNothing) << "the answer came in time";
  EXPECT_EQ(session.deadline(), kStart + 62s) << "silence counts from the answer";
}

TEST_F(SessionTest, WhateverThePeerSaysAfterTheQuestionProvesItAlive) {
  session.bound(SessionState::kBoundTrx);
  (void)session.on_time(kStart + 30s, output);
  feed(CommandId::submit_sm, 1, kStart + 35s);
  EXPECT_EQ(session.on_time(kStart + 40s, output), Due::kNothing);
  (void)session.on_time(kStart + 65s, output);
  feed(CommandId::generic_nack, 102, kStart + 66s, CommandStatus::ESME_RINVCMDID);
  EXPECT_EQ(session.on_time(kStart + 75s, output), Due::kNothing) << "a peer that does not know enquire_link lives";
}

TEST_F(SessionTest, EndsAfterTheConfiguredNumberOfMisses) {
  session.bound(SessionState::kBoundTx);
  options.enquire_misses = 3;
  Instant now = kStart + 30s;
  (void)session.on_time(now, output);
  for (int miss = 1; miss < 3; ++miss) {
    now = session.deadline();
    EXPECT_EQ(session.on_time(now, output), Due::kNothing);
    EXPECT_EQ(output.take().size(), miss == 1 ? 2U : 1U) << "it is asked again at once";
  }
  now = session.deadline();
  EXPECT_EQ(now, kStart + 60s);
  EXPECT_EQ(session.on_time(now, output), Due::kEnquireTimeout);
}

TEST_F(SessionTest, AnAnswerForgivesEarlierMisses) {
  session.bound(SessionState::kBoundTx);
  options.enquire_misses = 2;
  (void)session.on_time(kStart + 30s, output);
  EXPECT_EQ(session.on_time(kStart + 40s, output), Due::kNothing);
  feed(CommandId::enquire_link_resp, 102, kStart + 41s);
  (void)session.on_time(kStart + 71s, output);
  EXPECT_EQ(session.on_time(kStart + 81s, output), Due::kNothing) << "the first miss again";
  EXPECT_EQ(session.on_time(kStart + 91s, output), Due::kEnquireTimeout);
}

TEST_F(SessionTest, OurUnbindIsAnsweredOrTimesOut) {
  session.bound(SessionState::kBoundTrx);
  session.unbind(kStart + 1s, output);
  EXPECT_EQ(output.take(), std::vector{answer(CommandId::unbind, CommandStatus::ESME_ROK, 101)});
  EXPECT_EQ(session.state(), SessionState::kUnbinding);
  EXPECT_EQ(session.deadline(), kStart + 1s + options.unbind_timeout);
  EXPECT_EQ(session.on_time(kStart + 6s - 1ns, output), Due::kNothing);
  EXPECT_EQ(session.on_time(kStart + 6s, output), Due::kUnbindTimeout);
  EXPECT_EQ(feed(CommandId::submit_sm, 5, kStart + 2s).problem, Problem::kWrongState) << "only responses now";
  EXPECT_EQ(feed(CommandId::submit_sm_resp, 4, kStart + 2s).kind, Kind::kPdu);
  EXPECT_EQ(feed(CommandId::unbind_resp, 101, kStart + 2s).kind, Kind::kUnbound);
}

// A client that said unbind with requests open lost their answers: the time of the last enquire_link was taken for that
// of the unbind, so the session was closed at its next timer. Found by seed 84 of sim_test.
TEST_F(SessionTest, AfterThePeersUnbindThereIsTimeForWhatIsLeftToSay) {
  session.bound(SessionState::kBoundTrx);
  ASSERT_EQ(feed(CommandId::unbind, 9, kStart + 100s).kind, Kind::kUnbound);
  EXPECT_EQ(session.on_time(kStart + 104s, output), Due::kNothing);
  EXPECT_EQ(session.deadline(), kStart + 105s);
  EXPECT_EQ(session.on_time(kStart + 105s, output), Due::kUnbindTimeout);
}

TEST_F(SessionTest, AnUnbindRespNobodyAskedForEndsNothing) {
  session.bound(SessionState::kBoundTrx);
  EXPECT_EQ(feed(CommandId::unbind_resp, 1, kStart).kind, Kind::kHandled);
  EXPECT_EQ(session.state(), SessionState::kBoundTrx);
}

TEST_F(SessionTest, ZeroSwitchesADeadlineOff) {
  options.bind_timeout = options.idle_timeout = options.enquire_interval = options.unbind_timeout = 0s;
  EXPECT_EQ(session.deadline(), Instant::max());
  EXPECT_EQ(session.on_time(kStart + 24h, output), Due::kNothing);
  session.bound(SessionState::kBoundTrx);
  EXPECT_EQ(session.deadline(), Instant::max());
  EXPECT_EQ(session.on_time(kStart + 48h, output), Due::kNothing);
  session.closed();
  EXPECT_EQ(session.deadline(), Instant::max());
  EXPECT_TRUE(output.take().empty());
}

struct Seen {
  Kind kind;
  Problem problem;
  Header header;
  std::vector<std::uint8_t> pdu;
  bool operator==(const Seen&) const = default;
};

// Runs the stream through a session that is shown `chunk` more octets at a time.
std::vector<Seen> run_in_chunks(ByteSpan stream, std::size_t chunk, std::vector<Header>& written) {
  SessionOptions options;
  Session session(options, kStart);
  session.bound(SessionState::kBoundTrx);
  Output output;
  std::vector<Seen> seen;
  std::size_t begin = 0;
  for (std::size_t end = std::min(chunk, stream.size());; end = std::min(end + chunk, stream.size())) {
    while (true) {
      const auto event = session.next(stream.subspan(begin, end - begin), kStart, output);
      if (event.kind == Kind::kNeedMore) break;
      seen.push_back({event.kind, event.problem, event.header, {event.pdu.begin(), event.pdu.end()}});
      begin += event.pdu.size();
      if (event.kind == Kind::kLost) break;
    }
    if (end == stream.size() || (!seen.empty() && seen.back().kind == Kind::kLost)) break;
  }
  written = output.take();
  return seen;
}

TEST(Session, HowTheBytesArriveChangesNothing) {
  std::vector<std::uint8_t> stream;
  const auto append = [&](const std::vector<std::uint8_t>& pdu) {
    stream.insert(stream.end(), pdu.begin(), pdu.end());
  };
  PduBuilder builder(CommandId::submit_sm, Version::v34);
  builder.set(Field::destination_addr, "258841234567").set(Field::short_message, std::string_view("hello"));
  ASSERT_TRUE(builder.encode(stream, CommandStatus::ESME_ROK, 1));
  append(bare(CommandId::enquire_link, 2));
  append(bare(CommandId::bind_transmitter, 3));
  append(bare(static_cast<CommandId>(0x0BAD), 4));
  append(bare(CommandId::deliver_sm_resp, 5));
  append(bare(CommandId::unbind, 6));
  append({0xFF, 0xFF, 0xFF, 0xFF});
  std::vector<Header> whole_written;
  const auto whole = run_in_chunks(stream, stream.size(), whole_written);
  ASSERT_EQ(whole.size(), 7U);
  EXPECT_EQ(whole.front().kind, Kind::kPdu);
  EXPECT_EQ(whole.back().kind, Kind::kLost);
  EXPECT_EQ(whole_written.size(), 4U) << "enquire_link_resp, refused bind, nack, unbind_resp";
  for (const std::size_t chunk : {1U, 2U, 3U, 7U, 16U, 17U}) {
    std::vector<Header> written;
    EXPECT_EQ(run_in_chunks(stream, chunk, written), whole) << chunk;
    EXPECT_EQ(written, whole_written) << chunk;
  }
}

}  // namespace
}  // namespace smppd::smpp
