"""Writes the measured part of docs/performance.md, and its plots, from the results of a whole run."""
from pathlib import Path

from bench.suites import SCENARIOS

from . import plots, report
from .programs import BenchError

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEGIN = "<!-- scripts/bench --docs writes from here -->"
END = "<!-- to here -->"
# What the design wants, by scenario.
TARGETS = {
    "proxy-4x1000": "at most 2.3x HAProxy and 0.2 us",
    "proxy-20x100": "at most 1.5x HAProxy",
    "proxy-50x10": "at most 0.8x HAProxy",
    "proxy-200x1": "at most 0.6x HAProxy",
    "full-loop-10x100": "at most 0.6 us",
    "shards": "at most 1.15x one shard with 4 shards",
    "routes": "at most 1.10x from 10 to 100,000",
    "sessions-alone": "at most 1.10x from 1 to 1,000",
    "latency-20k": "p50 at most 1.1x HAProxy's, p99 below 1 ms, p99.9 below 5 ms",
    "fairness": "p99 at most twice what it is alone",
    "fairness-crowd": "p99 at most twice what it is alone",
    "overload": "throttled costs less than served",
    "start": "start below 100 ms, reload below 500 ms, no message delayed by over 1 ms",
    "idle-18k": "less than 1,000 octets a session",
    "road": "no allocation",
    "stored-10x100": "at most 2 us with fsync",
    "stored-latency": "p99 added bounded by the commit interval, below 10 ms",
    "queue-10m": "the same for each, start below 10 s",
}
TITLES = {
    "throughput": "CPU a message",
    "latency": "Latency",
    "connections": "Connections, start and reload",
    "memory": "Idle sessions",
    "storage": "Store-and-forward",
    "road": "Instructions and allocations",
    "micro": "Parts",
}


def markdown_table(suite, rows):
    columns = report.COLUMNS[suite]
    cells = [report.cells(suite, row) for row in rows]
    used = [i for i in range(len(columns)) if any(row[i] for row in cells)]
    yield "| " + " | ".join(columns[i][0] for i in used) + " |"
    yield "|" + "|".join("---" if i == 0 else "---:" for i in used) + "|"
    for row in cells:
        yield "| " + " | ".join(row[i] for i in used) + " |"


def in_summary(result):
    return {"smppd", "haproxy"} <= {row.get("subject") for row in result["rows"]} and result["suite"] == "throughput"


def summary(results):
    """One line a shape of load."""
    yield "| scenario | smppd us | HAProxy us | ratio | wanted | smppd msg/s | syscalls a message, smppd / HAProxy | RSS MiB |"
    yield "|---|---:|---:|---:|---|---:|---:|---:|"
    for result in filter(in_summary, results):
        rows = {row["subject"]: row for row in result["rows"]}
        ours, theirs = rows["smppd"], rows["haproxy"]
        calls = f"{ours['syscalls']:.3f} / {theirs['syscalls']:.3f}" if "syscalls" in ours else ""
        cells = [f"`{result['scenario']}`", f"{ours['cpu_us']:.2f}", f"{theirs['cpu_us']:.2f}", f"{ours['ratio_to_haproxy']:.2f}"]
        cells += [TARGETS.get(result["scenario"], ""), f"{ours['messages_per_second']:,}", calls, f"{ours['rss_mib']:.0f}"]
        yield "| " + " | ".join(cells) + " |"


def section(result):
    yield f"`scripts/bench {result['scenario']}`: {result['question']}."
    if result["scenario"] in TARGETS:
        yield f"Wanted: {TARGETS[result['scenario']]}."
    yield ""
    yield from markdown_table(result["suite"], result["rows"])
    yield ""


def text_of(whole):
    machine = whole["machine"]
    results = whole["results"]
    yield BEGIN
    yield ""
    yield (
        f"Measured at commit {whole['commit']} (build {whole.get('build', 'bench')}) on {machine['cpus']} cores "
        f"({machine['model']}), Linux {machine['kernel']}, load average {machine['load_average']:.1f} before the run; "
        f"{whole['rounds']} rounds of {whole['seconds']:g} s."
    )
    yield ""
    yield "Sessions x window, smppd and HAProxy in turns, CPU a message:"
    yield ""
    yield from summary(results)
    yield ""
    for name, alt in (("cpu", "CPU a message of smppd and HAProxy"), ("latency", "Latency"), ("road", "Instructions a message")):
        if (DOCS / f"performance-{name}.svg").exists():
            yield f"![{alt}](performance-{name}.svg)"
    yield ""
    for suite, title in TITLES.items():
        yield f"### {title}"
        yield ""
        for result in results:
            if result["suite"] == suite and not in_summary(result):
                yield from section(result)
    yield END


def draw(results):
    by_name = {result["scenario"]: result for result in results}
    shapes = [result for result in filter(in_summary, results) if result["scenario"].startswith("proxy-")]
    groups = []
    for result in shapes:
        rows = {row["subject"]: row for row in result["rows"]}
        label = f"{result['sessions']:,} sessions x {result['window']:,}"
        groups.append((label, [(name, rows[name]["cpu_us"]) for name in ("smppd", "haproxy")]))
    yield "cpu", plots.bars("CPU a message", "microseconds, logarithmic; less is better", groups, logarithmic=True)
    groups = []
    for percentile in ("p50", "p90", "p99", "p99_9"):
        rows = by_name["latency-20k"]["rows"]
        groups.append((percentile.replace("_", "."), [(row["subject"], row[f"{percentile}_us"]) for row in rows]))
    yield "latency", plots.bars("Latency at 20,000 messages a second, 20 sessions", "microseconds, logarithmic; less is better", groups, True)
    groups = [(row["case"], [("instructions", row["instructions"])]) for row in by_name["road"]["rows"]]
    yield "road", plots.bars("Instructions a message on the road of one shard", "less is better", groups)


def write(whole):
    wanted = {scenario.name for scenario in SCENARIOS if not scenario.on_request}
    whole = {**whole, "results": [r for r in whole["results"] if "error" not in r]}
    missing = wanted - {r["scenario"] for r in whole["results"]}
    if missing:
        raise BenchError(f"the documentation needs every scenario; these are missing: {', '.join(sorted(missing))}")
    for name, svg in draw(whole["results"]):
        (DOCS / f"performance-{name}.svg").write_text(svg)
    page = DOCS / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise BenchError(f"{page} lacks the lines '{BEGIN}' and '{END}'")
    page.write_text(before + "\n".join(text_of(whole)) + after)
