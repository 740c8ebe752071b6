"""Runs a Windows program in a console of its own: Wine makes one of a terminal, and typed keys are console events.

Usage: in_console.py [--type-ctrl-c-after TEXT] WINE PROGRAM [ARGUMENT...]
Prints what the program wrote, without the escape sequences, and exits with its code.
"""

import os
import pty
import re
import select
import sys

ESCAPES = re.compile(rb"\x1b\[[?0-9;]*[a-zA-Z]|\x1b\][^\x07]*\x07")
# Wine moves the cursor over single spaces in place of writing them.
SPACE = re.compile(rb"\x1b\[(?:K\x1b\[)?1C")


def written(raw):
    return ESCAPES.sub(b"", SPACE.sub(b" ", raw)).replace(b"\r", b"")


def is_readable(terminal):
    return bool(select.select([terminal], [], [], 0.1)[0])


def read_from(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way to say that the other side is gone
        return b""


def main():
    arguments = sys.argv[1:]
    awaited = None
    if arguments[0] == "--type-ctrl-c-after":
        awaited = arguments[1].encode()
        arguments = arguments[2:]
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm"
        os.environ["IOCPP_WINE_KEEPS_INPUT"] = "1"
        os.execv(arguments[0], arguments)
    raw = b""
    ended = None
    while ended is None or is_readable(terminal):
        if ended is None and not is_readable(terminal):
            # Not the terminal's end: a service of Wine's that was started meanwhile may keep it open.
            done, status = os.waitpid(process, os.WNOHANG)
            ended = status if done else None
            continue
        piece = read_from(terminal)
        if not piece:
            break
        raw += piece
        if awaited is not None and awaited in written(raw):
            awaited = None
            os.write(terminal, b"\x03")
    if ended is None:
        ended = os.waitpid(process, 0)[1]
    print(written(raw).decode(errors="replace"))
    return os.waitstatus_to_exitcode(ended)


if __name__ == "__main__":
    sys.exit(main())
