"""kill -9 at random instants under load: what was answered is owned, and nothing is sent twice in silence."""
import time

import pytest

from . import scenarios
from .shim import Shim

DEATHS = {"resend": 4, "transaction": 5, "full disk": 5}  # the others are for scripts/soak --crashes


@pytest.mark.parametrize("name", DEATHS)
def test_the_ledgers_agree_whenever_it_dies(ordeal, tmp_path, name):
    verdict = scenarios.ALL[name](ordeal, Shim(tmp_path), DEATHS[name])
    assert not verdict.findings, verdict
    assert verdict.figures["answered"] > 500 and verdict.figures["receipts delivered"] > 200, verdict
    if name == "resend":
        # One death at least found requests that carriers had taken and not answered.
        assert verdict.figures["doubled, explained"] > 0, verdict
    if name == "full disk":
        assert verdict.figures["refused"] > 0 and verdict.figures["octets others took"] > 1 << 20, verdict


def test_it_starts_however_early_its_peers_come(ordeal):
    """Shards used to read each other's mail before they had a configuration, and one start in fourteen under load crashed."""
    one = ordeal(mode="transaction", rate=6000)
    one.go()
    for _ in range(15):
        one.start()
        time.sleep(0.1)
        one.kill()  # fails when it ended by itself
