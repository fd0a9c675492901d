#include "smpp/internal/conformance.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace smppd::smpp {
namespace {

TEST(Conformance, TheCommittedDocumentIsWhatTheTablesSay) {
  std::ifstream file(SMPPD_SOURCE_DIR "/docs/conformance.md");
  const std::string committed{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(committed == conformance::document()) << "write it again: conformance_doc > docs/conformance.md";
}

}  // namespace
}  // namespace smppd::smpp
