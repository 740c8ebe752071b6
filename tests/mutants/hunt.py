"""Runs each mutant over seeds until one finds it: the checker must kill every one, for a reason that its patch names."""

import concurrent.futures
import dataclasses
import json
import os
import re
import subprocess
import time

import patches

SEEDS = 100
SECONDS_A_MUTANT = 60


@dataclasses.dataclass
class Kill:
    by: str            # an invariant's number, `assertion`, `exception`, `crash`; empty: it lives
    words: str = ""
    seed: int = 0
    platform: str = ""
    runs: int = 0
    seconds: float = 0
    replay: str = ""


def of_violation(result):
    found = result["violation"]
    return Kill(str(found["invariant"]), found["detail"], found["seed"], found["platform"], result["runs"],
                replay=found["replay"])


def of_end(errors):
    """What a run that was ended has said: an assertion of what ships, an exception that went through it, or that memory
    was not there. Anything else that aborts (an assertion of the simulator's own, or of a library) is no kill."""
    replay = re.search(r"build/mutants/iocpp simulate .*--seed (\d+) --platform (\w+).*", errors)
    aborted = "The run that SIGABRT has ended" in errors
    assertion = re.search(r"^\S+?: (\S+):\d+: .*Assertion `(.*)' failed", errors, re.MULTILINE)
    exception = re.search(r"^terminate called .*", errors, re.MULTILINE)
    if not aborted:
        kill = Kill("crash")
    elif assertion and patches.SHIPPED.search(assertion.group(1)):
        kill = Kill("assertion", f"{assertion.group(2)} ({assertion.group(1)})")
    elif exception:
        kill = Kill("exception", exception.group(0))
    else:
        kill = Kill("", f"it aborted, and not by an assertion of what ships: {errors.strip()[:300]}")
    if replay:
        kill.seed, kill.platform, kill.replay = int(replay.group(1)), replay.group(2), replay.group(0)
        kill.runs = kill.seed
    return kill


def hunt(program, mutant, seeds=SEEDS):
    command = [str(program), "simulate", "--mutant", mutant.name, "--seeds", f"1..{seeds}", "--threads", "1", "--json"]
    begin = time.monotonic()
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_A_MUTANT, check=False)
    except subprocess.TimeoutExpired:
        return Kill("", f"still running after {SECONDS_A_MUTANT} s", seconds=time.monotonic() - begin)
    if run.returncode == 0:
        kill = Kill("", f"{seeds} seeds found nothing")
    elif run.stdout.startswith("{"):
        kill = of_violation(json.loads(run.stdout))
    elif run.returncode == 1 and "The run that " in run.stderr:
        kill = of_end(run.stderr)
    else:
        kill = Kill("", f"exit code {run.returncode}: {run.stderr.strip()[-200:]}")
    kill.seconds = time.monotonic() - begin
    return kill


def hunt_all(program, mutants, seeds=SEEDS):
    """(mutant, kill) for each, in order."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(zip(mutants, pool.map(lambda mutant: hunt(program, mutant, seeds), mutants)))


def failure(mutant, kill):
    """Why this is not the kill that was demanded, or None."""
    if not kill.by:
        return f"{mutant.name} lives: {kill.words}"
    if kill.by not in mutant.found_by:
        return f"{mutant.name} was found by {kill.by} ({kill.words}), not by one of {', '.join(mutant.found_by)}"
    return None
