"""Server and load on a core each: messages a second, and latencies of an even load (an open loop).

How fast two cores hand a cache line to and fro decides these figures more than any server does, and on shared machines
it changes by the minute; so each round begins with measuring that, and is labelled with it. Nothing is gated on this.
"""

import json
import statistics
import subprocess

from programs import Attempts, Failure, port_of, settle, start_server

CONNECTIONS, BYTES = 50, 64
LATENCIES = ("p50", "p99", "p99_9", "max")


def run(command, seconds, prepare=None):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=seconds + 60,
                          preexec_fn=prepare)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def round_trip_ns(options):
    program = options.build_dir / "bench" / "round_trip"
    return float(run([program, options.server_core, options.load_core], 5))


def stress(options, port, rate):
    command = [options.build_dir / "iocpp", "stress", "echo", f"127.0.0.1:{port}", "--connections", CONNECTIONS,
               "--bytes", BYTES, "--duration", f"{options.seconds}s", "--verify", "--json"]
    return json.loads(run(command + (["--rate", rate] if rate else []), options.seconds,
                          lambda: settle(options.load_core, options.policy)))


def measure(options, name, rate):
    with start_server(options, name, "echo") as server:
        return stress(options, port_of(server), rate)


def measure_all(options):
    cells = []
    attempt = Attempts((1 + 2 * len(options.servers)) * options.rounds)
    for number in range(options.rounds):
        trip = attempt(f"round trip, round {number + 1}", lambda: round_trip_ns(options))
        if trip is None:
            break
        closed = {}
        for name in options.servers:
            most = attempt(f"closed loop: {name}, round {number + 1}",
                           lambda: measure(options, name, 0)["messages_per_second"])
            if most is not None:
                closed[name] = most
        # The same for all: what the slowest can do with something in hand.
        rate = int(0.6 * min(closed.values(), default=0))
        for name in closed:
            latency = attempt(f"even load: {name}, round {number + 1}",
                              lambda: measure(options, name, rate)["latency_us"])
            if latency is not None:
                cells.append({"round": number, "server": name, "round_trip_ns": trip, "rate": rate,
                              "messages_per_second": closed[name], "latency_us": latency})
    attempt.end()
    trips = [cell["round_trip_ns"] for cell in cells]
    if cells:
        print(f"\n{CONNECTIONS} connections, {BYTES} B; a cache line there and back took {min(trips):.0f} to "
              f"{max(trips):.0f} ns. Latencies at an even 60 % of what the slowest server does, us, medians\n"
              f"  {'server':<18}{'messages/s':>12}" + "".join(f"{which:>10}" for which in LATENCIES))
    for name in options.servers:
        mine = [cell for cell in cells if cell["server"] == name]
        if mine:
            print(f"  {name:<18}{statistics.median(cell['messages_per_second'] for cell in mine):>12,.0f}"
                  + "".join(f"{statistics.median(cell['latency_us'][which] for cell in mine):>10.0f}"
                            for which in LATENCIES))
    return {"two_cores": cells, "failures": attempt.failures}
