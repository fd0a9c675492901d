// road_count CASE: sends the messages of a case down the whole road of one shard and prints what callgrind cannot know.
// Under callgrind with --toggle-collect=smppd_measured_turn only the shard's own turns with warm messages are counted.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string_view>

#include "road/cases.h"
#include "telemetry/log.h"

namespace {

using namespace smppd::bench;

int usage() {
  std::fputs("usage: road_count CASE [MESSAGES]\n       road_count --list\n\ncases:\n", stderr);
  for (const Case& each : cases()) {
    std::fprintf(stderr, "  %-16s %s\n", each.name, each.question);
  }
  return 2;
}

int count(const Case& wanted, unsigned messages) {
  Rig rig(wanted.rig);
  Rig::Talk talk = wanted.talk;
  const unsigned a_round = talk.batch * wanted.rig.sessions;
  talk.rounds = (messages + a_round - 1) / a_round;
  for (unsigned i = 0; i < wanted.warm; ++i) rig.converse(talk);
  talk.measured = true;
  const Rig::Heard heard = rig.converse(talk);
  std::printf("{\"case\": \"%s\", \"messages\": %u, \"accepted\": %llu, \"allocations\": %ld}\n", wanted.name,
              talk.rounds * a_round, static_cast<unsigned long long>(heard.accepted), heard.allocations);
  return heard.accepted == std::uint64_t{talk.rounds} * a_round ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 3) return usage();
  if (std::string_view(argv[1]) == "--list") {
    for (const Case& each : cases()) std::puts(each.name);
    return 0;
  }
  const auto messages = argc == 3 ? std::strtoul(argv[2], nullptr, 10) : 4'000;
  if (messages == 0 || messages > 1'000'000'000) return usage();
  smppd::telemetry::LogOptions quiet;
  quiet.level = smppd::telemetry::Level::kWarn;
  if (const auto set = smppd::telemetry::configure_logging(quiet); !set) throw std::runtime_error(set.error());
  for (const Case& each : cases()) {
    if (std::string_view(each.name) == argv[1]) return count(each, static_cast<unsigned>(messages));
  }
  return usage();
} catch (const std::exception& error) {
  std::fprintf(stderr, "road_count: %s\n", error.what());
  return 1;
}
