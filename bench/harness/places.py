"""Where programs run, for `Workbench.placed`: CPUs of their own, and who goes before whom.

The program in the middle has the first CPU for itself; clients and SMSCs share the others. The modest client, and the SMSC that it
uses, go before the greedy client and the greedy one's SMSC wherever both want a CPU: with real-time priorities, or, where those
are not ours to give, by putting the greedy in the class SCHED_IDLE.
"""
import functools
import os

GREEDY, SMSC, MODEST = range(3)  # who goes before whom


def cpus():
    """(those of the program in the middle, those of everyone else); a single CPU is everyone's."""
    all_of_them = sorted(os.sched_getaffinity(0))
    return {all_of_them[0]}, set(all_of_them[1:]) or {all_of_them[0]}


def in_the_middle():
    os.sched_setaffinity(0, cpus()[0])


def at_an_end(rank):
    """Where and how a client or an SMSC runs."""
    urgent = may_be_urgent()

    def place():
        os.sched_setaffinity(0, cpus()[1])
        if rank > GREEDY and urgent:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(rank))
        if rank == GREEDY and not urgent:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    return place


@functools.cache
def may_be_urgent():
    """Whether this machine gives us real-time priorities; known by asking for one."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except PermissionError:
        return False
    return True
