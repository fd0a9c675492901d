"""Counts on the road of one shard: the only figures that a busy machine does not blur."""
from bench.harness.scenario import Scenario

from . import counting


def run(plan):
    return {"rows": counting.count_all(plan.tools, plan.tools.parent / "callgrind")}


SCENARIOS = [Scenario("road", "road", "instructions and allocations a message, by what the road does with it", run)]
