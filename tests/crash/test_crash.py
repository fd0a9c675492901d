"""kill -9 at random instants under load: what was answered is owned, and nothing is sent twice in silence."""
import time


def test_in_transaction_mode_nothing_is_sent_twice(ordeal):
    verdict = ordeal(mode="transaction", deaths=6).run()
    assert not verdict.findings, verdict
    assert verdict.figures["answered"] > 1000, verdict


def test_it_starts_however_early_its_peers_come(ordeal):
    """Shards used to read each other's mail before they had a configuration, and one start in fourteen under load crashed."""
    one = ordeal(mode="transaction", rate=6000)
    one.go()
    for _ in range(15):
        one.start()
        time.sleep(0.1)
        one.kill()  # fails when it ended by itself
