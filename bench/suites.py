"""Every scenario there is, in the order in which they run."""
from bench.connections.scenarios import SCENARIOS as CONNECTIONS
from bench.latency.scenarios import SCENARIOS as LATENCY
from bench.memory.scenarios import SCENARIOS as MEMORY
from bench.micro.scenarios import SCENARIOS as MICRO
from bench.road.scenarios import SCENARIOS as ROAD
from bench.storage.scenarios import SCENARIOS as STORAGE
from bench.throughput.scenarios import SCENARIOS as THROUGHPUT

SCENARIOS = [*THROUGHPUT, *LATENCY, *CONNECTIONS, *MEMORY, *STORAGE, *ROAD, *MICRO]
