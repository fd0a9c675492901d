"""Instructions and allocations per message on the road of one shard, counted: the same figures on a busy machine.

road_count drives a shard with a client and an SMSC in one process; callgrind counts only what runs inside its function
smppd_measured_turn, after as many messages to warm up. What the C library chooses by CPU (memcpy and its kin) is pinned to
its oldest form and addresses are not randomised, so the counts depend on the compiler and the libraries, not on the machine.
"""
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from bench.harness.programs import BenchError

MESSAGES = 4000
TOLERANCE = 0.03
# Below this many in a hundred messages an allocation is growth of a container, not a cost of the message.
FREE_ALLOCATIONS = 0.01
# The C library picks variants by these; valgrind shows it the host's.
CPU_FEATURES = (
    *("AVX512F", "AVX512VL", "AVX512BW", "AVX2", "AVX", "AVX_Fast_Unaligned_Load", "Fast_Unaligned_Copy"),
    *("ERMS", "FSRM", "RTM", "SSSE3", "SSE4_1", "SSE4_2"),
)
PINNED = "glibc.cpu.hwcaps=" + ",".join(f"-{name}" for name in CPU_FEATURES)


def cases(binaries):
    """(name, question) of each case the program knows."""
    text = subprocess.run([binaries / "road_count"], capture_output=True, text=True).stderr
    found = re.findall(r"^  (\S+)\s+(\S.*)$", text, re.MULTILINE)
    if not found:
        raise BenchError(f"road_count names no cases:\n{text}")
    return found


def count(binaries, case, folder, messages=MESSAGES):
    """Figures of one case; callgrind's whole output stays in the folder for callgrind_annotate."""
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"callgrind.{case}.out"
    out.unlink(missing_ok=True)
    command = ["setarch", "-R", "valgrind", "--tool=callgrind", "--collect-atstart=no"]
    command += ["--toggle-collect=smppd_measured_turn", f"--callgrind-out-file={out}"]
    command += [binaries / "road_count", case, str(messages)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GLIBC_TUNABLES": PINNED})
    if done.returncode != 0 or not out.exists():
        raise BenchError(f"{case}: {done.stdout}{done.stderr[-2000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return {
        "case": case,
        "instructions": round(collected(out.read_text()) / said["messages"], 1),
        "allocations": round(said["allocations"] / said["messages"], 4),
    }


def collected(text):
    """Instructions in the summary of a callgrind file."""
    found = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
    if not found:
        raise BenchError("callgrind wrote no summary")
    return int(found.group(1))


def count_all(binaries, folder, wanted=None):
    names = [(name, question) for name, question in cases(binaries) if wanted is None or name in wanted]
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda named: count(binaries, named[0], folder), names))
    for row, (_, question) in zip(rows, names):
        row["question"] = question
    return rows


def compiler(build):
    """The compiler of a build folder, as its baselines are named: the C++ library's code is part of every count."""
    for file in sorted(build.glob("CMakeFiles/*/CMakeCXXCompiler.cmake")):
        text = file.read_text()
        name = re.search(r'CMAKE_CXX_COMPILER_ID "([^"]+)"', text)
        version = re.search(r'CMAKE_CXX_COMPILER_VERSION "([^"]+)"', text)
        if name and version:
            return f"{name.group(1)} {version.group(1)}"
    raise BenchError(f"{build} is no build folder")


def compare(baseline, rows):
    """Sentences about what grew over the tolerance, appeared or went; empty when all is well."""
    found = []
    known = {row["case"]: row for row in baseline["cases"]}
    for row in rows:
        before = known.pop(row["case"], None)
        if before is None:
            found.append(f"{row['case']} has no baseline")
            continue
        if row["instructions"] > before["instructions"] * (1 + TOLERANCE):
            growth = row["instructions"] / before["instructions"] - 1
            found.append(
                f"{row['case']}: {row['instructions']:.0f} instructions a message, {growth:+.1%} over the baseline of "
                f"{before['instructions']:.0f}"
            )
        if row["allocations"] > max(before["allocations"] * (1 + TOLERANCE), FREE_ALLOCATIONS):
            found.append(f"{row['case']}: {row['allocations']} allocations a message, {before['allocations']} before")
    found += [f"{name} has a baseline but is not counted any more" for name in known]
    return found


def outdated(baseline, rows):
    """Cases that now take so much less that the baseline would let them grow back."""
    known = {row["case"]: row for row in baseline["cases"]}
    return [
        row["case"]
        for row in rows
        if row["case"] in known and row["instructions"] < known[row["case"]]["instructions"] * (1 - TOLERANCE)
    ]
