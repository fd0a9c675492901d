"""Every scenario there is, in the order in which they run."""
from bench.road.scenarios import SCENARIOS as ROAD
from bench.throughput.scenarios import SCENARIOS as THROUGHPUT

SCENARIOS = [*THROUGHPUT, *ROAD]
