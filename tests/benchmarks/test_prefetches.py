"""What is fetched ahead of its use is so in the binary too: compilers have dropped it before, and nothing but time tells."""
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("SMPPD_BIN_DIR", ROOT / "build/release/bin")) / "smppd"
FETCHING = (
    "flow::ReceiptMap::index_waiting",
    "flow::ReceiptMap::insert",
    "flow::ReceiptMap::prefetch_removal",
    "routing::RuleSet::foresee",
    "store::ItemIndex::prefetch_item",
)
INSTRUCTION = re.compile(r"\t(prefetch\w*|prfm)\b")


@pytest.fixture(scope="module")
def fetches():
    """How many such instructions there are, by function; parts that the compiler has split off count for the whole."""
    code = subprocess.run(["objdump", "-dC", "--no-show-raw-insn", BINARY], check=True, capture_output=True, text=True).stdout
    found, function = {}, ""
    for line in code.splitlines():
        if line.endswith(">:"):
            function = line.partition("<smppd::")[2].partition("(")[0]
        elif INSTRUCTION.search(line):
            found[function] = found.get(function, 0) + 1
    return found


@pytest.mark.parametrize("function", FETCHING)
def test_a_function_that_fetches_ahead_still_does(fetches, function):
    assert fetches.get(function, 0) >= 1, sorted(name for name in fetches if name)
