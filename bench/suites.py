"""Every scenario there is, in the order in which they run."""
from bench.throughput.scenarios import SCENARIOS as THROUGHPUT

SCENARIOS = [*THROUGHPUT]
