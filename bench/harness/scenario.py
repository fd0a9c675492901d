"""A scenario answers one question with figures; a run says how long and against what."""
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable


@dataclass(frozen=True)
class Scenario:
    """`run(plan)` returns the result: a dict with "rows", one dict of figures a row; what the columns are is the suite's."""

    name: str
    suite: str
    question: str
    run: Callable
    on_request: bool = False  # long: runs only when its own name is given


@dataclass(frozen=True)
class Plan:
    """What one invocation of scripts/bench measures and how long."""

    tools: Path  # folder with smppsim, smppload and the benchmark programs
    smppds: tuple  # (name, path of binary), the first is the one under test
    against: Path | None = None  # folder with the programs of the other revision
    seconds: float = 1.5
    rounds: int = 3
    warmup: float = 0.3
    machine: dict = field(default_factory=dict)  # as it was before the first run
    say: Callable = field(default=lambda text: None)


def median(values):
    return statistics.median(values)


def spread(values):
    """Half the distance between the extremes, as a share of the median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


def paired_ratio(ours, theirs):
    """Median of the ratios of what ran one after the other, so that a load which comes and goes hits both alike."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True) if b)
