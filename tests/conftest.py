"""What every end-to-end test has: programs that are ended with the test, and their output in the report of a failure."""
import pytest

from harness.process import Program

REPORTED_OCTETS = 6000


class Programs:
    """Programs of one test or module; all are ended with it, whatever happened."""

    def __init__(self):
        self.started = []

    def __call__(self, program: Program):
        self.started.append(program)
        return program

    def end(self):
        for program in reversed(self.started):
            program.kill()


def _programs(request):
    programs = Programs()
    request.node.programs = programs
    yield programs
    programs.end()


@pytest.fixture
def start(request):
    """start(Smppd(...)) hands the program to the test and ends it afterwards."""
    yield from _programs(request)


@pytest.fixture(scope="module")
def start_for_module(request):
    yield from _programs(request)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for node in (item, item.getparent(pytest.Module)):
        for program in getattr(node, "programs", Programs()).started:
            report.sections.append((f"output of {' '.join(program.argv)[:200]}", program.output[-REPORTED_OCTETS:]))
