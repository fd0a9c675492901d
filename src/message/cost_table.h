// What a message costs by its destination: prefix -> price, longest prefix first. Immutable once built; one per host
// for cost_based balancing. The currency is the operator's own; only comparisons are made.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "message/facts.h"
#include "message/prefix_map.h"

namespace smppd::message {

class CostTable {
 public:
  static constexpr double kUnknown = std::numeric_limits<double>::infinity();  // dearer than every price

  CostTable() = default;

  // Keys are `+258`, `00258`, `258` or `*`, which is for every number that no other key covers.
  [[nodiscard]] static Fallible<CostTable> compile(const std::map<std::string, double>& prices) {
    CostTable table;
    std::vector<PrefixMap::Entry> entries;
    for (const auto& [written, price] : prices) {
      std::string_view prefix = written;
      if (prefix.ends_with('*')) prefix.remove_suffix(1);
      prefix = normalise(ton::kUnknown, prefix).text;
      if (!PrefixMap::is_prefix(prefix) || written.empty()) {
        return failure("'" + written + "' is not a prefix: write digits with or without a leading +, or *");
      }
      entries.push_back({std::string(prefix), static_cast<std::uint32_t>(table.prices_.size())});
      table.prices_.push_back(price);
    }
    table.map_ = PrefixMap(std::move(entries));
    return table;
  }

  [[nodiscard]] double price(NormalAddress destination) const noexcept {
    const std::uint32_t found = map_.longest(destination.text);
    return found == PrefixMap::kNone ? kUnknown : prices_[found];
  }

  [[nodiscard]] bool empty() const noexcept { return prices_.empty(); }

 private:
  PrefixMap map_;
  std::vector<double> prices_;
};

}  // namespace smppd::message
