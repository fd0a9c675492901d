"""Runs that tests do a little of and scripts/soak does a lot of. Each takes `make`, which gives an Ordeal for what is asked,
the faults' shim and how often smppd is to die, and returns the verdict."""
import time

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


ALL = {
    "hold": held_when_uncertain,
    "resend": sent_again_when_uncertain,
    "transaction": transaction_mode,
    "power cuts": power_cuts,
    "clock jumps": clock_jumps,
}
