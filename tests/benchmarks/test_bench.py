"""The tools that measure: what they read, what they judge, and one tiny run of each. No figure is judged by its size."""
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench import soak  # noqa: E402
from bench.harness import docs, places, plots, report, scenario, syscalls  # noqa: E402
from bench.road import counting  # noqa: E402
from bench.suites import SCENARIOS  # noqa: E402

BINARIES = os.environ.get("SMPPD_BIN_DIR", str(ROOT / "build/release/bin"))

PERF = """
 Performance counter stats for process id '4711':

            12,345      raw_syscalls:sys_enter

       0.302189754 seconds time elapsed
"""
STRACE = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000600           3       200         4 recvfrom
 40.00    0.000400           4       100           sendto
------ ----------- ----------- --------- --------- ----------------
100.00    0.001000           3       300         4 total
"""


def test_perf_and_strace_are_read_alike():
    assert syscalls.counted(PERF) == 12345
    assert syscalls.counted("<not supported>      raw_syscalls:sys_enter") is None
    assert syscalls.strace_total(STRACE) == 300
    assert syscalls.strace_total(STRACE.replace("         4 total", "           total")) == 300
    assert syscalls.strace_total("") is None


def test_a_ratio_is_that_of_neighbours_in_time():
    # The machine was twice as slow in the second round, for both.
    assert scenario.paired_ratio([1.0, 2.0, 1.0], [2.0, 4.0, 2.0]) == 0.5
    assert scenario.spread([1.0, 2.0, 3.0]) == 0.5


def test_callgrinds_summary_is_found_and_its_lack_is_an_error():
    assert counting.collected("events: Ir\nsummary: 13564511\n\n") == 13564511
    with pytest.raises(scenario_error()):
        counting.collected("events: Ir\n")


def scenario_error():
    from bench.harness.programs import BenchError

    return BenchError


def baseline(instructions=1000, allocations=0.0):
    return {"cases": [{"case": "submit-10", "instructions": instructions, "allocations": allocations}]}


def rows(instructions=1000, allocations=0.0, case="submit-10"):
    return [{"case": case, "instructions": instructions, "allocations": allocations}]


@pytest.mark.parametrize(
    "counted, sentence",
    [
        (rows(1029), None),
        (rows(1031), "submit-10: 1031 instructions a message, +3.1% over the baseline of 1000"),
        (rows(500), None),
        (rows(allocations=0.005), None),
        (rows(allocations=0.02), "submit-10: 0.02 allocations a message, 0.0 before"),
        (rows() + rows(case="new"), "new has no baseline"),
        ([], "submit-10 has a baseline but is not counted any more"),
    ],
)
def test_what_grew_by_over_three_percent_is_named(counted, sentence):
    assert counting.compare(baseline(), counted) == ([sentence] if sentence else [])


def test_allocations_a_message_had_may_stay_but_not_grow():
    assert counting.compare(baseline(allocations=8.0), rows(allocations=8.1)) == []
    assert counting.compare(baseline(allocations=8.0), rows(allocations=9.0)) != []


def test_cases_that_became_much_cheaper_ask_for_a_new_baseline():
    assert counting.outdated(baseline(), rows(900)) == ["submit-10"]
    assert counting.outdated(baseline(), rows(990)) == []


def test_the_baseline_of_the_repository_names_every_case_of_the_program():
    stored = json.loads((ROOT / "bench/baselines/road.json").read_text())
    program = (ROOT / "bench/road/cases.cc").read_text()
    assert stored["cases"]
    for row in stored["cases"]:
        assert f'{{"{row["case"]}",' in program


def test_tables_leave_out_columns_without_figures():
    result = {"suite": "throughput", "scenario": "s", "question": "q", "rows": [{"subject": "smppd", "cpu_us": 0.5}]}
    assert list(report.text_of(result)) == ["s: q", "  subject  CPU us/msg", "  smppd         0.500"]


def test_plots_are_well_formed_and_longer_bars_are_larger_values():
    groups = [("4 x 1,000", [("smppd", 0.2), ("haproxy & co", 0.1)]), ("200 x 1", [("smppd", 4.0), ("haproxy & co", 8.0)])]
    for logarithmic in (False, True):
        drawn = ElementTree.fromstring(plots.bars("CPU <a message>", "us", groups, logarithmic))
        bars = [each for each in drawn.iter("{http://www.w3.org/2000/svg}rect") if each.get("height") == str(plots.BAR - 2)]
        widths = [float(each.get("width")) for each in bars]
        assert widths[3] == max(widths) and widths[1] == min(widths)


def test_the_page_has_the_place_where_figures_go_and_tables_are_markdown():
    page = docs.DOCS / "performance.md"
    assert page.read_text().count(docs.BEGIN) == page.read_text().count(docs.END) == 1
    row = {"case": "submit-1", "instructions": 4900.0, "allocations": 0.0}
    assert list(docs.markdown_table("road", [row])) == [
        "| case | instructions/msg | allocations/msg |",
        "|---|---:|---:|",
        "| submit-1 | 4,900 | 0.0000 |",
    ]


def test_documentation_from_a_part_of_the_scenarios_is_refused():
    with pytest.raises(scenario_error(), match="these are missing: .*proxy-4x1000"):
        docs.write({"results": []})


def test_every_scenario_has_a_name_of_its_own_and_a_table():
    names = [each.name for each in SCENARIOS]
    assert len(set(names)) == len(names)
    assert {each.suite for each in SCENARIOS} <= set(report.COLUMNS)


def test_memory_that_grows_after_the_first_third_is_seen():
    mib = 2**20
    assert soak.growth([10 * mib] * 10 + [50 * mib] * 20) is None
    assert soak.growth([50 * mib] * 20 + [60 * mib] * 10) == "RSS grew from 50.0 to 60.0 MiB"
    assert soak.growth([50 * mib] * 20 + [60 * mib] * 10, buffers=16 * mib) is None
    assert soak.seconds_of("20s") == 20 and soak.seconds_of("2") == 120


def test_a_tiny_run_measures_smppd_and_haproxy_and_writes_json(tmp_path):
    results = tmp_path / "results.json"
    command = [ROOT / "scripts/bench", "proxy-20x100", "--bin", BINARIES, "--seconds", "0.2", "--rounds", "1", "--json", results]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads(results.read_text())["results"][0]["rows"]
    assert [row["subject"] for row in measured] == ["smppd", "haproxy", "direct"]
    assert measured[0]["cpu_us"] > 0 and measured[0]["syscalls"] > 0 and measured[0]["ratio_to_haproxy"] > 0
    assert "smppd" in done.stdout and "to HAProxy" in done.stdout


def placed(place):
    """(CPUs, class) of a program that starts there."""
    words = [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)), os.sched_getscheduler(0))"]
    return subprocess.run(words, capture_output=True, text=True, check=True, preexec_fn=place).stdout.strip()


@pytest.mark.parametrize("urgent", [True, False])
def test_who_sends_little_goes_before_who_saturates_and_nobody_before_the_program_in_the_middle(monkeypatch, urgent):
    if urgent and not places.may_be_urgent():
        urgent = False  # this machine has only the other way
    monkeypatch.setattr(places, "may_be_urgent", lambda: urgent)
    middle, others = (sorted(some) for some in places.cpus())
    assert len(os.sched_getaffinity(0)) == 1 or not set(middle) & set(others)
    assert placed(places.in_the_middle) == f"{middle} {os.SCHED_OTHER}"
    modest = os.SCHED_FIFO if urgent else os.SCHED_OTHER
    assert placed(places.at_an_end(places.MODEST)) == placed(places.at_an_end(places.SMSC)) == f"{others} {modest}"
    greedy = os.SCHED_OTHER if urgent else os.SCHED_IDLE
    assert placed(places.at_an_end(places.GREEDY)) == f"{others} {greedy}"


def test_a_tiny_run_of_fairness_sees_both_clients(tmp_path):
    results = tmp_path / "results.json"
    command = [ROOT / "scripts/bench", "fairness", "--bin", BINARIES, "--seconds", "0.2", "--rounds", "1", "--json", results]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(results.read_text())["results"][0]["rows"]
    assert [row["subject"].split(",")[0] for row in rows] == ["smppd"] * 3 + ["haproxy"] * 3 + ["direct"] * 3
    assert all(row["rate"] > 0 and (row.get("busy", 0) > 0) == (row["subject"].split(",")[0] != "direct") for row in rows)
    assert [row.get("greedy", 0) > 0 and row["ratio_to_base"] > 0 for row in rows] == [False, True, True] * 3


@pytest.mark.parametrize("storage", [[], ["--storage", "rocksdb"], ["--storage", "memory"]], ids=["sent", "on disk", "in memory"])
def test_twenty_seconds_of_mixed_traffic_lose_nothing(storage):
    command = [ROOT / "scripts/soak", "20s", *storage, "--bin", BINARIES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost, memory flat" in done.stdout
