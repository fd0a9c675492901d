// One message on the road, on the stack of Flow::submit(). Private to flow.
#pragma once

#include "flow/filter.h"
#include "flow/flow.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/part_mark.h"
#include "flow/internal/pin_table.h"
#include "routing/route_table.h"
#include "smpp/flags.h"
#include "smpp/text/udh.h"

namespace smppd::flow {

struct Flow::Submission {
  // `v` is decoded already.
  Submission(const Sender& s, const smpp::PduView& v, smpp::PduBuilder& scratch, bool waited) noexcept
      : sender(s), view(v), draft(v, scratch, s.side.version), text(v, s.side.alphabet), again(waited) {}
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;

  // Of a long message that its client cut.
  [[nodiscard]] bool may_be_part() const noexcept {
    return smpp::EsmClass{facts.esm_class}.has_udh() || !view.tlv_bytes().empty();
  }

  const Sender& sender;
  const smpp::PduView& view;
  smpp::Header header;
  message::MessageFacts facts;
  Draft draft;
  LazyText text;
  message::OwnId id = 0;
  Instant arrived{};
  routing::Decision road;
  bool again;
  bool part_of_multi = false;
  bool mended = false;     // the peer's octets break a rule that was let pass: never forward them as they are
  bool is_part = false;    // of a long message that the client cut
  std::uint8_t parts = 0;  // it was cut into, 0: it was not
  PartMark sent{};         // stored, and some of its parts may be with an SMSC: which, under which reference
  std::uint16_t host = internal::kAnyHost;  // that has them
  smpp::Concat concat{};                    // is_part: which one
  SlabHandle multi;                         // part_of_multi: where its answer is gathered
  std::uint32_t multi_index = 0;
};

}  // namespace smppd::flow
