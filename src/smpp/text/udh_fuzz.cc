#include <algorithm>
#include <cstdlib>

#include "smpp/text/udh.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd;
  using namespace smppd::smpp;
  const auto header = UserDataHeader::parse({data, size});
  if (!header) return 0;
  if (header->octets() > size) std::abort();
  if (const auto concat = header->concat(); concat && (concat->part == 0 || concat->part > concat->total)) std::abort();
  (void)header->ports();
  (void)header->languages();
  UdhBuilder copy;
  bool whole = true;
  for (const auto element : *header) whole = copy.add(element.id, element.data) && whole;
  if (whole && !copy.bytes().empty() && !std::equal(copy.bytes().begin(), copy.bytes().end(), data)) std::abort();
  UdhBuilder rest;
  if (rest.add_all_but_concat(*header) && !rest.bytes().empty() && UserDataHeader::parse(rest.bytes())->concat()) {
    std::abort();
  }
  return 0;
}
