"""Store-and-forward: its price by what the store promises, its queue, and Kannel as the yardstick."""
from bench.harness.scenario import Scenario

from . import kannel, queue, stored


def queued(name, messages, **more):
    question = f"{messages:,} messages wait for an SMSC, are there after a restart, and leave: is each as cheap as the first?"
    return Scenario(name, "storage", question, lambda plan: queue.run(plan, messages), **more)


SCENARIOS = [
    Scenario(
        "stored-10x100", "storage", "10 x 100 without receipts, by what the store promises",
        lambda plan: stored.compare(plan, receipts=False),
    ),
    Scenario(
        "stored-full-loop", "storage", "submit, response, receipt and its response, 10 x 100, by what the store promises",
        lambda plan: stored.compare(plan, receipts=True), on_request=True,
    ),
    Scenario(
        "stored-latency", "storage", f"{stored.LATENCY_RATE:,} messages a second on 10 sessions, open loop", stored.latency
    ),
    Scenario("stored-kannel", "storage", "beside Kannel 1.4.5 and its spool, 10 connections by HTTP", kannel.compare),
    queued("queue-100k", 100_000),
    queued("queue-1m", 1_000_000, on_request=True),
    queued("queue-10m", 10_000_000, on_request=True),
]
