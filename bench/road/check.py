"""usage: python3 -m bench.road.check BUILD_FOLDER [--update]

Fails when a message costs over 3 % more instructions or allocations than bench/baselines/road.json says; --update writes
that file anew, in the commit that has the reason.
"""
import json
import sys
from pathlib import Path

from bench.harness.programs import BenchError
from bench.harness.report import grid

from . import counting

BASELINE = Path(__file__).resolve().parents[1] / "baselines/road.json"


def table(rows, before):
    known = {row["case"]: row["instructions"] for row in before.get("cases", [])}
    lines = []
    for row in rows:
        change = f"{row['instructions'] / known[row['case']] - 1:+.1%}" if row["case"] in known else ""
        lines.append([row["case"], f"{row['instructions']:,.0f}", change, f"{row['allocations']:.4f}", row["question"]])
    return grid(["case", "instructions/msg", "to baseline", "allocations/msg", ""], lines)


def main(arguments):
    update = "--update" in arguments
    folders = [Path(word) for word in arguments if not word.startswith("--")]
    if len(folders) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    build = folders[0].resolve()
    before = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    compiler = counting.compiler(build)
    try:
        rows = counting.count_all(build / "bin", build / "callgrind")
    except BenchError as error:
        print(f"road: {error}", file=sys.stderr)
        return 1
    for line in table(rows, before):
        print(line)
    if update:
        cases = [{key: row[key] for key in ("case", "instructions", "allocations")} for row in rows]
        lines = ",\n".join("  " + json.dumps(case) for case in cases)
        BASELINE.write_text(f'{{"compiler": "{compiler}", "messages": {counting.MESSAGES}, "cases": [\n{lines}\n]}}\n')
        print("road: the baseline is what was counted now")
        return 0
    return verdict(before, compiler, rows)


def verdict(before, compiler, rows):
    if before.get("compiler") != compiler:
        print(f"road: the baseline was counted with {before.get('compiler')}, this is {compiler}: they do not compare")
        return 1
    found = counting.compare(before, rows)
    for sentence in found:
        print(f"road: {sentence}")
    better = counting.outdated(before, rows)
    if better:
        print(f"road: {', '.join(better)} became cheaper; scripts/bench --update-baselines keeps it so")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
