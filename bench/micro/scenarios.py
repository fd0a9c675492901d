"""Parts: what single steps of the road cost, in nanoseconds of CPU and allocations, from the *_bench.cc beside the code."""
import json
import subprocess

from bench.harness.programs import BenchError
from bench.harness.scenario import Scenario

# program: (its benchmark, what the table calls it)
PARTS = {
    "smpp_bench": (
        ("decode/submit_sm", "decode submit_sm"),
        ("decode/submit_sm_resp", "decode submit_sm_resp"),
        ("decode/deliver_sm", "decode deliver_sm"),
        ("build_submit_sm", "encode submit_sm"),
        ("write_submit_sm_resp", "write submit_sm_resp"),
        ("edit_a_copy", "decoded submit_sm changed and encoded"),
        ("BM_ParseReceipt", "read a receipt's text"),
        ("BM_RewriteReceiptId", "put another id into a receipt's text"),
    ),
    "routing_bench": (
        ("DecideByPrefix/10", "route among 10"),
        ("DecideByPrefix/1000", "route among 1,000"),
        ("DecideByPrefix/100000", "route among 100,000"),
        ("DecideByPrefixForeseen/100000", "route among 100,000, looked ahead"),
        ("LookUpInTable/100000", "number plan of 100,000"),
    ),
    "server_bench": (
        ("Judge/auth", "filter auth"),
        ("Judge/rate_limit", "filter rate_limit"),
        ("Judge/address_filter", "filter address_filter"),
        ("Judge/metrics", "filter metrics"),
        ("Judge/transform", "filter transform, message changed"),
        ("Judge/all", "chain of six filters"),
    ),
    "flow_bench": (
        ("InsertMatchEvict/1000/iterations:1000000", "receipt map of 1,000: insert, match, evict"),
        ("InsertMatchEvict/1000000/iterations:1000000", "receipt map of 1 million"),
        ("InsertMatchEvict/10000000/iterations:1000000", "receipt map of 10 million"),
        ("InsertMatchEvictForeseen/1000000/iterations:1000000", "receipt map of 1 million, looked ahead"),
        ("InsertMatchEvictForeseen/10000000/iterations:1000000", "receipt map of 10 million, looked ahead"),
    ),
    "runtime_bench": (("Hop/1", "mail to another shard, one"), ("Hop/32", "mail to another shard, in batches of 32")),
}
TARGETS = tuple(PARTS)
MIN_TIME = 0.05


def benchmarks(program, names):
    """What Google Benchmark reports, by name."""
    wanted = "^(" + "|".join(names) + ")$"
    command = [program, f"--benchmark_min_time={MIN_TIME}", f"--benchmark_filter={wanted}", "--benchmark_format=json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"{program.name}: {done.stderr[-1000:]}")
    return {entry["name"]: entry for entry in json.loads(done.stdout)["benchmarks"]}


def figure(entry):
    """CPU nanoseconds of one item."""
    if entry.get("error_occurred"):
        raise BenchError(f"{entry['name']}: {entry['error_message']}")
    scale = {"ns": 1.0, "us": 1e3, "ms": 1e6}[entry["time_unit"]]
    items = 1e9 / entry["items_per_second"] if "items_per_second" in entry else None
    return items if items is not None else entry["cpu_time"] * scale


def rows_of(folder):
    for program, parts in PARTS.items():
        if not (folder / program).exists():
            continue
        heard = benchmarks(folder / program, [name for name, _ in parts])
        for name, label in parts:
            if name in heard:
                row = {"part": label, "ns": round(figure(heard[name]), 1)}
                for key, counter in (("allocations", "allocations"), ("octets_an_entry", "bytes/entry")):
                    if counter in heard[name]:
                        row[key] = round(heard[name][counter], 3)
                yield row


def run(plan):
    rows = list(rows_of(plan.tools))
    if not rows:
        raise BenchError(f"no benchmark programs in {plan.tools}")
    if plan.against:
        others = {row["part"]: row["ns"] for row in rows_of(plan.against)}
        for row in rows:
            if others.get(row["part"]):
                row["ratio_to_other"] = round(row["ns"] / others[row["part"]], 3)
    return {"rows": rows}


SCENARIOS = [Scenario("micro", "micro", "single steps of the road", run)]
