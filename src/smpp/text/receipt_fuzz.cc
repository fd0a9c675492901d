#include <cstdlib>
#include <string>
#include <vector>

#include "smpp/text/canonical_id.h"
#include "smpp/text/receipt.h"

namespace {

void check_inside(std::string_view whole, std::string_view view) {
  if (!view.empty() && (view.data() < whole.data() || view.data() + view.size() > whole.data() + whole.size())) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd;
  using namespace smppd::smpp;
  const auto text = as_text({data, size});
  const auto receipt = parse_receipt(text);
  for (const auto view : {receipt.id, receipt.sub, receipt.dlvrd, receipt.submit_date, receipt.done_date, receipt.stat,
                          receipt.err, receipt.text}) {
    check_inside(text, view);
  }
  (void)looks_like_receipt(text);
  (void)parse_receipt_date(text);
  (void)parse_receipt_date(receipt.done_date, std::chrono::hours(14));
  (void)read_receipt(text, {text, data != nullptr && size > 0 ? data[0] : std::uint8_t{0}, ByteSpan(data, size)});

  const std::string new_id = "0123456789abcdef";
  std::vector<char> out(size + new_id.size());
  const auto rewritten = rewrite_receipt_id(text, new_id, out);
  if (rewritten.has_value() == receipt.id.empty()) std::abort();
  if (rewritten) {
    const auto again = parse_receipt({out.data(), *rewritten});
    if (again.id != new_id || again.stat != receipt.stat || again.text != receipt.text) std::abort();
  }

  const auto id = canonical_id(text);
  if (canonical_id(id.view()) != id) std::abort();
  for (const auto format : {IdFormat::automatic, IdFormat::as_is, IdFormat::hex_to_dec, IdFormat::dec_to_hex}) {
    if (candidates(text, format).size() > IdCandidates::kBound) std::abort();
  }
  const auto half = size / 2;
  if (learn(text.substr(0, half), text.substr(half)) == IdRelation::same &&
      canonical_id(text.substr(0, half)) != canonical_id(text.substr(half))) {
    std::abort();
  }
  (void)equal_as_integers(text.substr(0, half), text.substr(half), IntegerWidth::bits32);
  return 0;
}
