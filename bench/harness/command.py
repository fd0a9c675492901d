"""The command line of scripts/bench."""
import argparse
import fnmatch
import json
import sys
import time
from pathlib import Path

from bench.road import check
from bench.suites import SCENARIOS

from . import builds, docs, report
from .programs import BenchError, machine, raise_file_limit
from .scenario import Plan


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names, patterns (proxy-*) or suites; none is all of them")
    parser.add_argument("--list", action="store_true", help="name the scenarios and their questions")
    parser.add_argument("--seconds", type=float, default=0.8, help="length of one run (default 0.8)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each subject, in turns (default 3)")
    parser.add_argument("--against", metavar="REV", help="also measure this revision, in turns, and print ratios to it")
    parser.add_argument("--build", choices=builds.PRESETS, default="bench", help="how to build; release-pgo is the fastest")
    parser.add_argument("--smppd", type=Path, help="measure this binary instead of building one")
    parser.add_argument("--bin", type=Path, help="folder with smppsim and smppload; with it nothing is built")
    parser.add_argument("--update-baselines", action="store_true", help="count the road anew and write bench/baselines")
    parser.add_argument("--docs", action="store_true", help="write the figures and plots of a whole run into docs/")
    parser.add_argument("--from", dest="stored", type=Path, help="with --docs: a stored run instead of a new one")
    parser.add_argument("--json", type=Path, help="where the results go (default build/bench-results/TIME.json)")
    options = parser.parse_args(arguments)
    if options.update_baselines and options.build != "bench":
        parser.error("the baselines are those of the plain build")
    options.chosen = choose(parser, options.scenarios)
    return options


def choose(parser, patterns):
    if not patterns:
        return [scenario for scenario in SCENARIOS if not scenario.on_request]
    for pattern in patterns:
        if not any(matches(scenario, pattern) for scenario in SCENARIOS):
            parser.error(f"no scenario or suite is called {pattern}; --list names them")
    return [scenario for scenario in SCENARIOS if any(matches(scenario, pattern) for pattern in patterns)]


def matches(scenario, pattern):
    if scenario.on_request:
        return scenario.name == pattern
    return scenario.suite == pattern or fnmatch.fnmatchcase(scenario.name, pattern)


def run_all(plan, scenarios):
    results = []
    for scenario in scenarios:
        started = time.monotonic()
        result = {"scenario": scenario.name, "suite": scenario.suite, "question": scenario.question}
        try:
            result |= scenario.run(plan)
        except BenchError as error:
            result["error"] = str(error)
        result["took_seconds"] = round(time.monotonic() - started, 1)
        results.append(result)
        for line in report.text_of(result):
            plan.say(line)
        plan.say("")
    return results


def write_json(path, plan, results, build):
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        "machine": plan.machine,
        "commit": builds.head(),
        "build": build,
        "seconds": plan.seconds,
        "rounds": plan.rounds,
        "smppds": [name for name, _ in plan.smppds],
        "results": results,
    }
    path.write_text(json.dumps(whole, indent=1) + "\n")
    return whole


def build_name(options):
    return "given" if options.bin or options.smppd else options.build


def wants_micro(options):
    return any(scenario.suite == "micro" for scenario in options.chosen)


def targets_of(options):
    return [*builds.TARGETS, *(builds.MICRO if wants_micro(options) else ())]


def plan_of(options, tools):
    smppds = [("smppd", options.smppd or tools / "smppd")]
    against = None
    if options.against:
        name, against = builds.build_revision(options.against, wants_micro(options), options.build)
        smppds.append((name, against / "smppd"))
    return Plan(
        tools=tools,
        smppds=tuple(smppds),
        against=against,
        seconds=options.seconds,
        rounds=options.rounds,
        machine=machine(),
        say=lambda text: print(text, flush=True),
    )


def main(arguments):
    options = parse(arguments)
    if options.list:
        for scenario in options.chosen if options.scenarios else SCENARIOS:
            print(f"{scenario.name:28} {scenario.question}")
        return 0
    raise_file_limit()
    try:
        if options.stored:
            docs.write(json.loads(options.stored.read_text()))
            return 0
        tools = options.bin or builds.build(builds.ROOT, targets_of(options), options.build)
        if options.update_baselines:
            return check.main([str(tools.parent), "--update"])
        plan = plan_of(options, tools)
        results = run_all(plan, options.chosen)
    except BenchError as error:
        sys.exit(f"bench: {error}")
    path = options.json or builds.ROOT / "build/bench-results" / (time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + ".json")
    whole = write_json(path, plan, results, build_name(options))
    if options.docs:
        try:
            docs.write(whole)
        except BenchError as error:
            sys.exit(f"bench: {error}")
    failed = sum("error" in result for result in results)
    print(f"bench: {len(results) - failed} measured, {failed} failed; figures in {path}")
    return 1 if failed else 0
