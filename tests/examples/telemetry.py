"""Devices of the telemetry example: many short connections of length-prefixed records, each of which must be told the
right sums. By default at the pace of the server that iocpp comes from: 200 new connections a second, 100 Mbit/s."""

import argparse
import asyncio
import pathlib
import random
import struct
import sys
import time

import example

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "prove"))
from verdict import Verdict, mib  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEVICES_A_SECOND = 200
MEGABITS_A_SECOND = 100
BYTES_OF_A_DEVICE = MEGABITS_A_SECOND * 1_000_000 // 8 // DEVICES_A_SECOND
PATIENCE = 30  # seconds of one device


class Stream:
    """What a device sends, and what it must be told."""

    def __init__(self, seed):
        chance = random.Random(seed)
        records, readings, total, checksum = 0, 0, 0, 0
        parts = []
        left = BYTES_OF_A_DEVICE
        while left >= 12:
            count = min(chance.choice((1, 2, 5, 30, 160, 700)), (left - 4) // 8)
            values = [chance.getrandbits(64) for _ in range(count)]
            parts.append(struct.pack(f">I{count}Q", 8 * count, *values))
            left -= len(parts[-1])
            records += 1
            readings += count
            for value in values:
                total += value
                checksum = (checksum * 31 + value) % 2**64
        self.bytes = b"".join(parts)
        self.records = records
        self.readings = readings
        self.answer = f"{records} records, {readings} readings, sum {total % 2**64}, checksum {checksum}\n".encode()
        # It is written in so many pieces, which end in the middle of records.
        cuts = sorted(chance.sample(range(1, len(self.bytes)), 6))
        self.pieces = [self.bytes[start:end] for start, end in zip([0, *cuts], [*cuts, len(self.bytes)])]


class Devices:
    def __init__(self, address, streams):
        self.address = address
        self.streams = streams
        self.right = 0
        self.records = 0
        self.readings = 0
        self.bytes = 0
        self.faults = []
        self.longest = 0.0

    async def _talk(self, stream):
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            for piece in stream.pieces:
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            return await reader.read(-1)
        finally:
            writer.close()

    async def device(self, number):
        stream = self.streams[number % len(self.streams)]
        start = time.monotonic()
        try:
            answer = await asyncio.wait_for(self._talk(stream), PATIENCE)
        except (OSError, TimeoutError) as error:
            return self.faults.append(f"device {number}: {error!r}")
        self.longest = max(self.longest, time.monotonic() - start)
        if answer != stream.answer:
            return self.faults.append(f"device {number}: told {answer!r} and not {stream.answer!r}")
        self.right += 1
        self.records += stream.records
        self.readings += stream.readings
        self.bytes += len(stream.bytes)

    async def paced(self, count):
        """At a steady rate; one that is late is made up for."""
        start = time.monotonic()
        running = []
        for number in range(count):
            pause = start + number / DEVICES_A_SECOND - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            running.append(asyncio.create_task(self.device(number)))
        await asyncio.gather(*running)

    async def at_once(self, count, together=50):
        """As fast as they are served."""
        numbers = iter(range(count))

        async def one_after_the_other():
            for number in numbers:
                await self.device(number)

        await asyncio.gather(*(one_after_the_other() for _ in range(together)))


async def finishes_in_a_drain(server, stream):
    """A device that is in the middle of it when the server is asked to end."""
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(stream.bytes[:5_000])
    await writer.drain()
    server.ask_to_end()
    # The listening sockets are closed: the drain has begun.
    while True:
        try:
            _, another = await asyncio.open_connection(*server.address)
            another.close()
        except ConnectionResetError:
            continue  # it knocked after the last accept and before the close
        except ConnectionRefusedError:
            break
    writer.write(stream.bytes[5_000:])
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(-1), PATIENCE)
    writer.close()
    return answer == stream.answer


def check_end(verdict, server, devices):
    stream = devices.streams[0]
    verdict.claim(asyncio.run(finishes_in_a_drain(server, stream)), "who is in the middle of it when the server ends may finish",
                  stream.answer.decode().strip())
    code, said = server.end()
    numbers = [int(word) for word in said.split() if word.isdigit()]
    verdict.claim(code == 0 and numbers[1:] == [devices.records + stream.records, devices.readings + stream.readings, 0],
                  "the server's sums are those of all devices", said.strip() or f"exit code {code}, and no word")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="(default: %(default)s)")
    parser.add_argument("--at-any-speed", type=int, metavar="DEVICES",
                        help="so many devices as fast as they are served: what comes of them, and no claim of a rate")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "examples" / "telemetry_example")
    arguments = parser.parse_args()
    verdict = Verdict()
    count = arguments.at_any_speed or arguments.seconds * DEVICES_A_SECOND
    streams = [Stream(seed) for seed in range(8 if arguments.at_any_speed else 64)]
    with example.Example(arguments.program, 0) as server:
        devices = Devices(server.address, streams)
        started, cpu = time.monotonic(), server.cpu_seconds()
        asyncio.run(devices.at_once(count) if arguments.at_any_speed else devices.paced(count))
        seconds = time.monotonic() - started
        cpu_share = (server.cpu_seconds() - cpu) / seconds
        resident = server.resident_bytes()
        for fault in devices.faults[:10]:
            verdict.note(fault)
        verdict.claim(devices.right == count, "every record arrived, in order: each device was told the right sums",
                      f"{devices.right:,} of {count:,} devices, {devices.records:,} records")
        rates = (devices.right / seconds, devices.bytes * 8 / 1e6 / seconds)
        measured = f"{rates[0]:.1f} connections a second, {rates[1]:.1f} Mbit/s; longest {devices.longest * 1000:.0f} ms"
        if arguments.at_any_speed:
            verdict.note(measured)
        else:
            verdict.claim(rates[0] >= 0.99 * DEVICES_A_SECOND and rates[1] >= 0.99 * MEGABITS_A_SECOND,
                          f"{DEVICES_A_SECOND} new connections a second and {MEGABITS_A_SECOND} Mbit/s, within 1 %", measured)
            verdict.note(f"the server took {cpu_share:.1%} of a core, and {mib(resident)} of resident memory at the end")
        check_end(verdict, server, devices)
    return verdict.exit_code()


if __name__ == "__main__":
    sys.exit(main())
