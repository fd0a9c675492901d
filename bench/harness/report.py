"""Results as tables for people; the JSON is the results as they are."""

# Columns by suite: heading, key of the row's figure, format.
COLUMNS = {
    "throughput": (
        ("subject", "subject", "{}"),
        ("CPU us/msg", "cpu_us", "{:.3f}"),
        ("+-", "cpu_us_spread", "{:.0%}"),
        ("to HAProxy", "ratio_to_haproxy", "{:.2f}x"),
        ("to the first", "ratio_to_base", "{:.2f}x"),
        ("msg/s", "messages_per_second", "{:,}"),
        ("syscalls/msg", "syscalls", "{:.3f}"),
        ("RSS MiB", "rss_mib", "{:.1f}"),
        ("waiting", "waiting", "{:,}"),
        ("octets/entry", "octets_an_entry", "{:.0f}"),
        ("to the other", "ratio_to_other", "{:.3f}x"),
    ),
    "latency": (
        ("subject", "subject", "{}"),
        ("p50 us", "p50_us", "{:,.0f}"),
        ("p90 us", "p90_us", "{:,.0f}"),
        ("p99 us", "p99_us", "{:,.0f}"),
        ("p99.9 us", "p99_9_us", "{:,.0f}"),
        ("max us", "max_us", "{:,.0f}"),
        ("p99 to alone", "ratio_to_base", "{:.1f}x"),
        ("CPU us/msg", "cpu_us", "{:.2f}"),
        ("its CPU", "busy", "{:.0%}"),
        ("other's msg/s", "greedy", "{:,}"),
        ("msg/s", "rate", "{:,}"),
    ),
    "connections": (
        ("subject", "subject", "{}"),
        ("binds/s", "binds_per_second", "{:,}"),
        ("CPU us/bind", "cpu_us", "{:.0f}"),
        ("s", "seconds", "{:.2f}"),
        ("ms", "milliseconds", "{:,.1f}"),
        ("CPU ms", "cpu_ms", "{:,.0f}"),
    ),
    "memory": (
        ("subject", "subject", "{}"),
        ("sessions", "sessions", "{:,}"),
        ("bytes/session", "bytes_per_session", "{:,}"),
        ("RSS MiB", "rss_mib", "{:.1f}"),
        ("empty MiB", "empty_mib", "{:.1f}"),
    ),
    "storage": (
        ("subject", "subject", "{}"),
        ("CPU us/msg", "cpu_us", "{:.2f}"),
        ("+-", "cpu_us_spread", "{:.0%}"),
        ("to the first", "ratio_to_base", "{:.2f}x"),
        ("msg/s", "messages_per_second", "{:,}"),
        ("syncs/s", "syncs_per_second", "{:,.0f}"),
        ("msgs/sync", "messages_per_sync", "{:,.0f}"),
        ("disk bytes/msg", "disk_bytes", "{:,.0f}"),
        ("p50 us", "p50_us", "{:,.0f}"),
        ("p99 us", "p99_us", "{:,.0f}"),
        ("p50 added", "p50_added_us", "{:,.0f}"),
        ("p99 added", "p99_added_us", "{:,.0f}"),
        ("s", "seconds", "{:.2f}"),
        ("RSS MiB", "rss_mib", "{:.1f}"),
    ),
    "micro": (
        ("part", "part", "{}"),
        ("CPU ns", "ns", "{:,.0f}"),
        ("to the other", "ratio_to_other", "{:.2f}x"),
        ("allocations", "allocations", "{:.2f}"),
        ("octets/entry", "octets_an_entry", "{:.0f}"),
    ),
    "road": (
        ("case", "case", "{}"),
        ("instructions/msg", "instructions", "{:,.0f}"),
        ("to the other", "ratio_to_other", "{:.3f}x"),
        ("allocations/msg", "allocations", "{:.4f}"),
        ("", "question", "{}"),
    ),
}


def cells(suite, row):
    return [form.format(row[key]) if row.get(key) is not None else "" for _, key, form in COLUMNS[suite]]


def grid(headings, rows, separator="  "):
    """Lines with columns of one width; the first is left-aligned, figures are right-aligned. Empty columns go."""
    used = [i for i in range(len(headings)) if any(row[i] for row in rows)]
    headings = [headings[i] for i in used]
    rows = [[row[i] for i in used] for row in rows]
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    for row in [headings, *rows]:
        first = row[0].ljust(widths[0])
        yield separator.join([first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]).rstrip()


def text_of(result):
    """One scenario as lines of text."""
    suite = result["suite"]
    yield f"{result['scenario']}: {result['question']}"
    if "error" in result:
        yield f"  failed: {result['error']}"
        return
    headings = [heading for heading, _, _ in COLUMNS[suite]]
    for line in grid(headings, [cells(suite, row) for row in result["rows"]]):
        yield f"  {line}"
