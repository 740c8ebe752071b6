"""The stress client, run as a process: its live bar goes to our stderr, its result comes back."""

import json
import subprocess

import server


def stress(command, target, *options, program=server.PROGRAM):
    """(exit code, result) of `iocpp stress`."""
    arguments = [str(program), "stress", command, target, "--json", *map(str, options)]
    finished = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=False)
    if not finished.stdout.strip():
        raise SystemExit(f"iocpp stress {command} gave no result (exit code {finished.returncode})")
    return finished.returncode, json.loads(finished.stdout)


def accepts_of(served):
    """Connections that the system handed to the server, whatever it did with them."""
    return served["accepted"] + served["shed"] + served["refused"]


def accepts_text(served):
    return f"{served['accepted']:,} accepted + {served['shed']:,} shed + {served['refused']:,} refused"
