// libsmpp34's opinion of the PDUs given as hexadecimal lines: for each "error TEXT", or "ok" and the fields as it read
// them, then a line "end". It knows SMPP 3.4 only.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

// The library's own header declares C functions without saying so to C++.
extern "C" {
#include <libsmpp34/smpp34.h>
#include <libsmpp34/smpp34_structs.h>
}

#include "smpp/internal/test_support.h"

int main() {
  // Room for the library's largest structure (submit_multi) and for its text.
  static std::uint64_t decoded[4096];
  static std::uint8_t text[1 << 16];
  for (std::string line; std::getline(std::cin, line);) {
    const std::vector<std::uint8_t> bytes = smppd::smpp::testing::unhex(line);
    std::memset(decoded, 0, sizeof decoded);
    std::memset(text, 0, sizeof text);
    if (smpp34_unpack2(decoded, bytes.data(), static_cast<int>(bytes.size())) != 0) {
      std::cout << "error " << smpp34_strerror << "\nend\n";
      continue;
    }
    // Lists and TLVs it allocated are not freed: the program ends with its input.
    smpp34_dumpPdu2(text, sizeof text, decoded);
    std::cout << "ok\n" << reinterpret_cast<const char*>(text) << "\nend\n";
  }
  return 0;
}
