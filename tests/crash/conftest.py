import pytest

from .ordeal import Ordeal, Plan


@pytest.fixture
def ordeal(tmp_path):
    """ordeal(deaths=10, ...) has its peers running; smppd is not started yet."""
    started = []

    def make(env=None, store=None, **plan):
        started.append(Ordeal(tmp_path, Plan(**plan), env, store))
        return started[-1]

    yield make
    for one in started:
        one.end()
