"""Runs that tests do a little of and scripts/soak does a lot of. Each takes `make`, which gives an Ordeal for what is asked,
the faults' shim and how often smppd is to die, and returns the verdict."""
import time

from .small_disk import small_disk

JUMPS = (-3600, -60, -1, 0, 1, 60, 3600)


def transaction_mode(make, _, deaths):
    return make(mode="transaction", deaths=deaths).run()


def held_when_uncertain(make, _, deaths):
    return make(deaths=deaths, with_requests_out=0.3).run()


def sent_again_when_uncertain(make, _, deaths):
    return make(deaths=deaths, uncertain="resend", with_requests_out=0.5).run()


def power_cuts(make, shim, deaths):
    """Also takes away what was written and not synced, on a disk that takes 30 ms a sync."""
    shim.slow_syncs(0.03)
    one = make(env=shim.env, deaths=deaths, uncertain="resend", with_requests_out=0.3)
    cuts = []
    verdict = one.run(between=lambda: cuts.append(shim.cut_power(one.store, one.chance)))
    verdict.figures["octets taken by power cuts"] = sum(cuts)
    shim.slow_syncs(0)
    return verdict


def clock_jumps(make, shim, deaths):
    one = make(env=shim.env, deaths=deaths)
    one.go()
    for _ in range(deaths):
        one.start()
        for _ in range(3):
            time.sleep(0.15)
            shim.clock(one.chance.choice(JUMPS))
        one.kill()
        shim.clock(one.chance.choice(JUMPS))
    shim.clock(2 * max(JUMPS))  # what was put off by a clock that was ahead is due
    one.start()
    verdict = one.conclude()
    shim.clock(0)
    return verdict


THROTTLED = (0x58, 0x14)
DISK = 352 << 20  # a segment that is written, two ahead, the reserve, and little else


def full_disk(make, shim, deaths):
    """Others fill the disk to the last octet under load and again after each death; it starts, sends what it has and refuses
    the rest. Everything has come to its end before there is room again."""
    with small_disk(DISK) as disk:
        one = make(store=disk.path, env=shim.env, deaths=deaths, shards=1, rate=1000, padding=8000, overload="throttle", refusals=THROTTLED, with_requests_out=0.3)
        one.go()
        one.start()
        one.wait_taken(300)
        taken = disk.fill()
        one.smsc.ask("hold", True)
        one.wait_refused("a message that a full disk has no room for")
        one.kill()
        one.smsc.ask("hold", False)
        for _ in range(deaths - 1):
            taken += disk.fill()
            one.live()
        taken += disk.fill()
        one.start()
        one.drain()
        left = one.stored()
        disk.clear()
        one.go()
        verdict = one.conclude()
        verdict.figures["octets others took"] = taken
        if left:
            verdict.find("full disk", f"{left} items were left on it")
        return verdict


ALL = {
    "hold": held_when_uncertain,
    "resend": sent_again_when_uncertain,
    "transaction": transaction_mode,
    "power cuts": power_cuts,
    "clock jumps": clock_jumps,
    "full disk": full_disk,
}
