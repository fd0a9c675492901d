// Any bytes as a number plan: never a crash, and what loads answers lookups.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "routing/prefix_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const smppd::message::Names names = [] {
    smppd::message::Names made;
    for (const char* name : {"a", "b", "c"}) (void)made.upstreams.intern(name);
    return made;
  }();
  const auto table = smppd::routing::PrefixTable::parse({reinterpret_cast<const char*>(data), size}, "fuzz.csv", names);
  if (!table) {
    if (table.error().empty()) std::abort();
    return 0;
  }
  if (table->size() == 0) std::abort();
  for (const char* number : {"258841234567", "1", "", "x", "00000000000000000000000000000000000000000000000000"}) {
    for (const auto id : table->find(smppd::message::normalise(1, number))) {
      if (names.upstreams.name(id).empty()) std::abort();
    }
  }
  return 0;
}
