// Prints docs/conformance.md.
#include <cstdio>

#include "smpp/internal/conformance.h"

int main() { return std::fputs(smppd::smpp::conformance::document().c_str(), stdout) < 0 ? 1 : 0; }
