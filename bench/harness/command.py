"""The command line of scripts/bench."""
import argparse
import fnmatch
import json
import subprocess
import sys
import time
from pathlib import Path

from bench.road import check
from bench.suites import SCENARIOS

from . import report
from .programs import BenchError, machine, raise_file_limit
from .scenario import Plan

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/bench"
TARGETS = ("smppd", "smppsim", "smppload", "road_count")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names, patterns (proxy-*) or suites; none is all of them")
    parser.add_argument("--list", action="store_true", help="name the scenarios and their questions")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one run (default 2)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each subject, in turns (default 3)")
    parser.add_argument("--smppd", type=Path, help="measure this binary instead of building one")
    parser.add_argument("--bin", type=Path, help="folder with smppsim and smppload; with it nothing is built")
    parser.add_argument("--update-baselines", action="store_true", help="count the road anew and write bench/baselines")
    parser.add_argument("--json", type=Path, help="where the results go (default build/bench-results/TIME.json)")
    options = parser.parse_args(arguments)
    options.chosen = choose(parser, options.scenarios)
    return options


def choose(parser, patterns):
    if not patterns:
        return SCENARIOS
    for pattern in patterns:
        if not any(matches(scenario, pattern) for scenario in SCENARIOS):
            parser.error(f"no scenario or suite is called {pattern}; --list names them")
    return [scenario for scenario in SCENARIOS if any(matches(scenario, pattern) for pattern in patterns)]


def matches(scenario, pattern):
    return scenario.suite == pattern or fnmatch.fnmatchcase(scenario.name, pattern)


def build(source, folder, targets):
    """The bench preset of a source tree; its bin folder."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "bench-build.log"
    with log.open("w") as out:
        for command in (
            ["cmake", "-S", source, "-B", folder, "--preset", "bench"],
            ["cmake", "--build", folder, "--target", *targets],
        ):
            if subprocess.run(command, cwd=source, stdout=out, stderr=subprocess.STDOUT).returncode != 0:
                raise BenchError(f"{' '.join(map(str, command))} failed:\n{log.read_text()[-3000:]}")
    return folder / "bin"


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


def write_json(path, plan, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    whole = {
        "machine": machine(),
        "commit": commit.stdout.strip(),
        "seconds": plan.seconds,
        "rounds": plan.rounds,
        "smppds": [name for name, _ in plan.smppds],
        "results": results,
    }
    path.write_text(json.dumps(whole, indent=1) + "\n")


def main(arguments):
    options = parse(arguments)
    if options.list:
        for scenario in options.chosen:
            print(f"{scenario.name:28} {scenario.question}")
        return 0
    raise_file_limit()
    try:
        tools = options.bin or build(ROOT, BUILD, TARGETS)
        if options.update_baselines:
            return check.main([str(tools.parent), "--update"])
        plan = Plan(
            tools=tools,
            smppds=(("smppd", options.smppd or tools / "smppd"),),
            seconds=options.seconds,
            rounds=options.rounds,
            say=lambda text: print(text, flush=True),
        )
        results = run_all(plan, options.chosen)
    except BenchError as error:
        sys.exit(f"bench: {error}")
    path = options.json or ROOT / "build/bench-results" / (time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + ".json")
    write_json(path, plan, results)
    failed = sum("error" in result for result in results)
    print(f"bench: {len(results) - failed} measured, {failed} failed; figures in {path}")
    return 1 if failed else 0
