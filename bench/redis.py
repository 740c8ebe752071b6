"""The echo servers under a load that is not ours: redis-benchmark's PING, an array that an echo returns as it is.

Server and load share a core, as in the other workloads; the figure is the server's CPU time a request.
"""

import csv
import io
import statistics
import subprocess

from programs import Attempts, Failure, cpu_ns, port_of, settle, start_server

CONNECTIONS, REQUESTS = 50, 50_000


def measure(options, name):
    with start_server(options, name, "echo") as server:
        command = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(port_of(server)), "-t", "ping_mbulk",
                   "-c", str(CONNECTIONS), "-n", str(REQUESTS), "--csv"]
        before = cpu_ns(server.process.pid)
        done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                              preexec_fn=lambda: settle(options.load_core, options.policy))
        used = cpu_ns(server.process.pid) - before
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    if done.returncode != 0 or len(rows) != 1:
        raise Failure(f"redis-benchmark: {done.stderr.strip() or done.stdout.strip()}")
    return {"server": name, "us_per_request": used / 1000 / REQUESTS, "requests_per_second": float(rows[0]["rps"])}


def measure_all(options):
    cells = []
    attempt = Attempts(len(options.servers) * options.rounds)
    for number in range(options.rounds):
        for name in options.servers:
            cell = attempt(f"redis-benchmark: {name}, round {number + 1}", lambda: measure(options, name))
            if cell is not None:
                cells.append({"round": number, **cell})
    attempt.end()
    print(f"\nredis-benchmark -t ping_mbulk -c {CONNECTIONS} -n {REQUESTS}: medians\n"
          f"  {'server':<18}{'us of CPU a request':>20}{'x ' + options.baseline:>18}")
    medians = {name: statistics.median(values) for name in options.servers
               if (values := [cell["us_per_request"] for cell in cells if cell["server"] == name])}
    for name, median in medians.items():
        ratio = median / medians.get(options.baseline, float("nan"))
        print(f"  {name:<18}{median:>20.3f}{ratio:>18.2f}")
    return {"redis": cells, "failures": attempt.failures}
