"""Throughput: what a message costs, by the shape of the load."""
from bench.harness.scenario import Scenario

from .proxy import Case, run

SHAPES = ((4, 1000), (20, 100), (50, 10), (200, 1), (1, 1), (1000, 10))


def scenario(name, question, case):
    return Scenario(name, "throughput", question, lambda plan: run(plan, case))


def shapes():
    for sessions, window in SHAPES:
        question = f"{sessions} sessions x window {window} over 4 links, against HAProxy"
        yield scenario(f"proxy-{sessions}x{window}", question, Case(sessions, window))


SCENARIOS = [*shapes()]
