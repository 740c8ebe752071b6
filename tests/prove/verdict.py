"""Claims, each printed with what was measured, and the exit code that they add up to."""

MIB = 1 << 20


class Verdict:
    def __init__(self):
        self.failed = 0

    def claim(self, holds, claim, measured):
        print(f"{'PASS' if holds else 'FAIL'}  {claim}: {measured}", flush=True)
        self.failed += not holds

    def note(self, text):
        print(f"      {text}", flush=True)

    def exit_code(self):
        print(f"\n{'all claims hold' if not self.failed else f'{self.failed} claims do not hold'}")
        return 1 if self.failed else 0


def mib(count):
    return f"{count / MIB:.2f} MiB"
