// A number plan from a CSV file: prefix,upstream[,cost]. Immutable once loaded, shared by all shards.
//
//   # comment                       lines that begin with # and empty lines are skipped
//   prefix,upstream,cost            a header is optional; with one, columns may stand in any order beside others
//   +25884,vodacom,0.010            + and 00 are optional; * stands for every number
//   +25884,"carrier, two",0.012     the same prefix again: the next choice, cheapest first, without cost last
//
// The longest prefix of the destination wins. Fields follow RFC 4180 (quotes, doubled inside), except that a quoted
// field ends on its line.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/facts.h"
#include "message/names.h"
#include "message/prefix_map.h"

namespace smppd::routing {

class PrefixTable {
 public:
  static constexpr std::size_t kMaxChoices = 8;  // upstreams of one prefix

  // Everything wrong is reported at once as "file:line: sentence" lines, at most fifty.
  [[nodiscard]] static Fallible<PrefixTable> load(const std::string& path, const message::Names& names);
  [[nodiscard]] static Fallible<PrefixTable> parse(std::string_view text, const std::string& file,
                                                   const message::Names& names);

  // The upstreams of the longest prefix in the order to try them; empty if no prefix covers the destination.
  [[nodiscard]] std::span<const message::UpstreamId> find(message::NormalAddress destination) const noexcept;

  [[nodiscard]] const message::PrefixMap& prefixes() const noexcept { return prefixes_; }
  [[nodiscard]] std::size_t size() const noexcept { return prefixes_.size(); }

 private:
  struct Row;
  class Reader;
  struct Plan {
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
    bool international = false;
  };

  static PrefixTable build(std::vector<Row>& rows);

  message::PrefixMap prefixes_;  // to plans_
  std::vector<Plan> plans_;
  std::vector<message::UpstreamId> upstreams_;
};

}  // namespace smppd::routing
