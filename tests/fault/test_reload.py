"""A reload is taken whole or refused whole, and traffic does not notice."""
import copy

import pytest

from harness.gateway import impatient
from harness.process import wait_until
from harness.traffic import NO_UPSTREAM, Sender, agree, tags


@pytest.mark.parametrize("shards", [1, 2])
def test_reloads_under_traffic_lose_nothing(smppd, carriers, shards):
    a, b = carriers(), carriers()
    gateway = smppd(impatient("a", a.port, window={"size": 50}), shards=shards)
    to_a = Sender(gateway.port, tags("a", 1200), pace=0.001, destination="1000")
    to_both = Sender(gateway.port, tags("both", 1200), pace=0.001, destination="2000", system_id="other")
    first = gateway.config
    second = copy.deepcopy(first)
    second["upstreams"].append(impatient("b", b.port))
    both = {"name": "both", "match": {"destination_addr": "2*"}, "split": [{"upstream": "a"}, {"upstream": "b"}]}
    second["routes"].insert(0, both)
    third = copy.deepcopy(second)
    third["upstreams"][1]["window"] = {"size": 20}  # b drains, and its successor starts
    for number, config in enumerate([second, third, first, second, first]):
        gateway.reload(config)
        wait_until(lambda n=number: sum("reloaded" in line for line in gateway.lines) > n, "reloaded")
    for sender in (to_a, to_both):
        sender.finish()
        assert sender.connections == 1, "no session was touched"
    assert to_a.statuses() == {0: 1200}, "what did not change goes on as if nothing had been"
    # An upstream that is new or changed takes traffic once it has bound; until then its share is told so.
    told = to_both.statuses()
    assert told[0] > 1000 and set(told) <= {0, NO_UPSTREAM}, told
    at_carriers = agree([to_a, to_both], [a, b], refusals=(NO_UPSTREAM,))
    assert sum(at_carriers.values()) == 1200 + told[0]
    assert b.received and len(a.links) == 1, "b took part, and a's link was not touched"


def test_a_broken_configuration_changes_nothing(smppd, carriers):
    carrier = carriers()
    gateway = smppd(impatient("carrier", carrier.port, window={"size": 50}))
    sender = Sender(gateway.port, tags("s", 800), pace=0.001)
    good = gateway.config
    for wrong in (
        {"routes": [{"name": "all", "match": {"destination_addr": "*"}, "upstream": "nobody"}]},
        {"clients": [{"system_id": "other", "password": "secret", "surprise": True}]},
        {"upstreams": []},
        {"storage": {"backend": "memory"}},  # takes effect at a restart
    ):
        refused = gateway.output.count("old configuration stays in force") + gateway.output.count("old one stays in force")
        gateway.reload({**good, **wrong})
        wait_until(
            lambda before=refused: gateway.output.count("old configuration stays in force")
            + gateway.output.count("old one stays in force")
            > before,
            "refused",
        )
    sender.finish()
    assert sender.statuses() == {0: 800} and sender.connections == 1
    assert len(carrier.links) == 1
    agree([sender], [carrier])
