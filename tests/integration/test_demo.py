"""scripts/demo is the first thing people run: it must be right, and say so only when it is."""
import os
import socket
import subprocess

from harness.process import BINARIES, ROOT


def demo(folder, **environment):
    environment = {"DEMO_BIN": str(BINARIES), "TMPDIR": str(folder), **environment}
    return subprocess.run([ROOT / "scripts/demo"], env={**os.environ, **environment}, capture_output=True, text=True,
                          timeout=120)


def test_the_demo_is_right_from_beginning_to_end(tmp_path):
    result = demo(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "demo: everything was right" in result.stdout
    assert "wrong" not in result.stdout


def test_a_port_chosen_for_the_demo_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = demo(tmp_path, DEMO_SMPP_PORT=str(port))
        assert result.returncode == 1
        assert f"port {port} (DEMO_SMPP_PORT) is taken" in result.stderr


def test_the_demo_notices_a_carrier_that_delivers_nothing(tmp_path):
    """A count that is wrong must not end with status 0."""
    for name in ("smppd", "smppload"):
        (tmp_path / name).symlink_to(BINARIES / name)
    simulator = tmp_path / "smppsim"
    simulator.write_text(f'#!/bin/sh\nexec "{BINARIES}/smppsim" "$@" --error ESME_RSYSERR=1\n')
    simulator.chmod(0o755)
    result = demo(tmp_path, DEMO_BIN=str(tmp_path))
    assert result.returncode == 1, result.stdout
    assert "checks failed" in result.stderr
