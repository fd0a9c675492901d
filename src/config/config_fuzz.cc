// Any text in any format: a configuration or errors, never a crash, and what loads can be dumped.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/loader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd::config;
  if (size == 0) return 0;
  LoadOptions options;
  options.lenient = (data[0] & 4) != 0;
  options.environment = [](const char* name) { return name[0] == 'V' ? "value" : nullptr; };
  const auto format = static_cast<Format>(data[0] % 3);
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  if ((data[0] & 8) != 0) options.overrides.emplace_back(text.substr(0, text.find('\n')));
  const Loaded loaded = load_text(text, format, "fuzz", options);
  if (loaded.config == nullptr && loaded.diagnostics.empty()) __builtin_trap();
  if (loaded.config != nullptr && dump(*loaded.config, Format::kJson).empty()) __builtin_trap();
  return 0;
}
