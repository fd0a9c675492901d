"""What open-loop runs are called with, and the row of several of them."""
from bench.harness.scenario import median

PERCENTILES = ("p50", "p90", "p99", "p99_9", "max")


def load(plan, rate, sessions):
    shape = ["--sessions", sessions, "--window", 1000, "--rate", f"{rate:.0f}"]
    return [*shape, "--warmup", f"{plan.warmup}s", "--duration", f"{plan.seconds}s"]


def row_of(name, reports, pid=None):
    """The quietest of the rounds."""
    quietest = min(reports, key=lambda report: report["latency_us"]["p99"])
    row = {"subject": name, "rate": round(quietest["throughput"])}
    for percentile in PERCENTILES:
        row[f"{percentile}_us"] = round(quietest["latency_us"][percentile], 1)
    row["p99_us_rounds"] = [round(report["latency_us"]["p99"], 1) for report in reports]
    if pid:
        spent = [report["other_cpu_seconds"] / report["counters"]["answered"] * 1e6 for report in reports]
        row["cpu_us"] = round(median(spent), 3)
    return row
