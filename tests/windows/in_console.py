"""Runs a Windows program in a console of its own: Wine makes one of a terminal, and typed keys are console events.

Usage: in_console.py [--type-ctrl-c-after TEXT] WINE PROGRAM [ARGUMENT...]
Prints what the program wrote, without the escape sequences, and exits with its code.
"""

import os
import pty
import re
import sys

ESCAPES = re.compile(rb"\x1b\[[?0-9;]*[a-zA-Z]|\x1b\][^\x07]*\x07")
# Wine moves the cursor over single spaces in place of writing them.
SPACE = re.compile(rb"\x1b\[(?:K\x1b\[)?1C")


def written(raw):
    return ESCAPES.sub(b"", SPACE.sub(b" ", raw)).replace(b"\r", b"")


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
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux's way to say that the other side is gone
            break
        if not piece:
            break
        raw += piece
        if awaited is not None and awaited in written(raw):
            awaited = None
            os.write(terminal, b"\x03")
    print(written(raw).decode(errors="replace"))
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
