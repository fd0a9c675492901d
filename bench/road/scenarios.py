"""Counts on the road of one shard: the only figures that a busy machine does not blur."""
from bench.harness.scenario import Scenario

from . import counting


def run(plan):
    rows = counting.count_all(plan.tools, plan.tools.parent / "callgrind")
    if plan.against and (plan.against / "road_count").exists():
        others = {row["case"]: row for row in counting.count_all(plan.against, plan.against.parent / "callgrind")}
        for row in rows:
            if row["case"] in others:
                row["ratio_to_other"] = round(row["instructions"] / others[row["case"]]["instructions"], 4)
    return {"rows": rows}


SCENARIOS = [Scenario("road", "road", "instructions and allocations a message, by what the road does with it", run)]
