"""Builds of this tree and of other revisions, all with the same preset, so that they differ in their sources alone."""
import io
import subprocess
import tarfile
from pathlib import Path

from bench.micro.scenarios import TARGETS as MICRO

from .programs import BenchError

ROOT = Path(__file__).resolve().parents[2]
PRESETS = ("bench", "release-pgo")  # plain, and with the profile of the road that scripts/build-release takes
TARGETS = ("smppd", "smppsim", "smppload", "road_count")


def run(command, cwd, log):
    with log.open("a") as out:
        if subprocess.run(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT).returncode != 0:
            raise BenchError(f"{' '.join(map(str, command))} failed:\n{log.read_text()[-3000:]}")


def build(source, targets, preset="bench"):
    """The bin folder of a source tree, built."""
    folder = source / "build" / preset
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "bench-build.log"
    log.unlink(missing_ok=True)
    if preset == "release-pgo":
        run([source / "scripts/build-release", *targets], source, log)
        return folder / "bin"
    run(["cmake", "--preset", preset], source, log)
    run(["cmake", "--build", folder, "--target", *targets], source, log)
    return folder / "bin"


def git(*words):
    done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True)
    if done.returncode != 0:
        raise BenchError(f"git {' '.join(words)}: {done.stderr.decode().strip()}")
    return done.stdout


def head():
    return git("rev-parse", "--short=12", "HEAD").decode().strip()


def build_revision(revision, micro, preset="bench"):
    """(name, bin folder) of a revision: its files go to build/against/COMMIT and stay there for the next time."""
    commit = git("rev-parse", "--verify", "--short=12", f"{revision}^{{commit}}").decode().strip()
    source = ROOT / "build/against" / commit
    if not (source / "CMakePresets.json").exists():
        source.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(git("archive", commit))) as files:
            files.extractall(source)
    targets = ["smppd", *(MICRO if micro and (source / "bench/micro").exists() else ())]
    if (source / "bench/road/main.cc").exists():
        targets.append("road_count")
    return (revision if revision != "HEAD" else commit), build(source, targets, preset)
