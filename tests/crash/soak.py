"""scripts/soak --crashes N: as many deaths, spread over the scenarios, and what the ledgers say of all of them."""
import collections
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from . import scenarios
from .ordeal import Ordeal, Plan
from .shim import Shim

DEATHS_A_RUN = 20


class Maker:
    def __init__(self, folder):
        self.folder, self.made = folder, None

    def __call__(self, env=None, store=None, **plan):
        self.made = Ordeal(self.folder, Plan(**plan), env, store)
        return self.made


def one_run(name, deaths):
    """The verdict; what is left of a run that found something stays where it says."""
    folder = Path(tempfile.mkdtemp(prefix="smppd-crash-"))
    make = Maker(folder)
    try:
        verdict = scenarios.ALL[name](make, Shim(folder), deaths)
    finally:
        if make.made is not None:
            make.made.end()
    if verdict.findings:
        print(f"soak: {name}: {verdict}\nsoak: kept in {folder}, seed {make.made.plan.seed}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return verdict


def main(deaths, names):
    total, started = collections.defaultdict(collections.Counter), time.monotonic()
    left, names = deaths, names or list(scenarios.ALL)
    while left > 0:
        name = names[sum(figures["runs"] for figures in total.values()) % len(names)]
        verdict = one_run(name, min(left, DEATHS_A_RUN))
        total[name].update({"runs": 1, **verdict.figures})
        left -= DEATHS_A_RUN
    print(json.dumps(total, indent=1))
    findings = sum(figures["unexplained"] for figures in total.values())
    print(f"soak: {deaths} deaths in {time.monotonic() - started:.0f} s, " + (f"{findings} findings" if findings else "all explained"))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
