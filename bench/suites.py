"""Every scenario there is, in the order in which they run."""
from bench.latency.scenarios import SCENARIOS as LATENCY
from bench.road.scenarios import SCENARIOS as ROAD
from bench.throughput.scenarios import SCENARIOS as THROUGHPUT

SCENARIOS = [*THROUGHPUT, *LATENCY, *ROAD]
