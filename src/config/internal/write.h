// Tree to text. Control thread only.
#pragma once

#include <string>

#include "config/internal/node.h"

namespace smppd::config {

[[nodiscard]] std::string to_yaml(const Node& node);
[[nodiscard]] std::string to_json(const Node& node);
[[nodiscard]] std::string to_toml(const Node& node);  // the root is a map

}  // namespace smppd::config
