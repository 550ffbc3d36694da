"""A terminal that the app runs in: a pseudo-terminal with a screen that can be read."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
_LEFT_OUT = ("TMUX", "NO_COLOR", "COLORTERM", "COLUMNS", "LINES")  # what a test says itself
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Terminal:
    """The app in a pseudo-terminal; `output` is every byte that it has written."""

    def __init__(
        self,
        data: Path,
        *,
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.output = bytearray()
        base = {k: v for k, v in os.environ.items() if k not in _LEFT_OUT}
        base |= {"TERM": "xterm-256color", "PYTHONPATH": str(HOME), "LANG": "C.UTF-8"}
        base |= dict(environment or {})
        command = [sys.executable, "-m", "regnet_tui", "--data", str(data), *arguments]
        self.started = time.perf_counter()
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.execvpe(command[0], command, base)
        self.code: int | None = None
        self.resize(*size, tell=False)

    def resize(self, width: int, height: int, *, tell: bool = True) -> None:
        """Give the window another size."""
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        if tell:
            os.kill(self.pid, signal.SIGWINCH)

    def send(self, keys: str | bytes) -> None:
        os.write(self.descriptor, keys.encode() if isinstance(keys, str) else keys)

    def read(self, seconds: float) -> bytes:
        """Return what is written within some seconds."""
        start, end = len(self.output), time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if not self.read_once(left):
                break
        return bytes(self.output[start:])

    def wait_for(self, text: str, seconds: float = 10.0) -> float:
        """Wait until a text was written since now; return how long that took."""
        began, start = time.perf_counter(), len(self.output)
        seen = -1
        while time.perf_counter() - began < seconds:
            if len(self.output) != seen:  # not in vain: the app needs the processor more
                seen = len(self.output)
                if text.encode() in plain(bytes(self.output[start:])):
                    return time.perf_counter() - began
            self.read_once(0.01)
        raise AssertionError(f"{text!r} was not drawn within {seconds} s: {self.text()[-2000:]}")

    def text(self) -> str:
        """Return all that was written, without escape sequences."""
        return plain(bytes(self.output)).decode(errors="replace")

    def screen(self, size: tuple[int, int]) -> list[str]:
        """Return the lines that stand on the screen now."""
        import pyte

        screen = pyte.Screen(*size)
        # pyte takes some private sequences for text: the app's requests to the terminal are left out
        drawn = re.sub(rb"\x1b\[[<>=?][0-9;]*[$a-zA-Z]+", b"", bytes(self.output))
        pyte.ByteStream(screen).feed(drawn)
        return list(screen.display)

    def wait(self, seconds: float = 10.0) -> int:
        """Wait for the app's end; return its exit code (negative: the signal that ended it)."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.read_once(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                return self.code
        raise AssertionError(f"the app is still there after {seconds} s")

    def cut(self) -> None:
        """Take the terminal away, as a lost link does; nothing can be read or sent any more."""
        os.close(self.descriptor)
        self.descriptor = -1  # the number may soon be another file's

    def close(self) -> None:
        """End the app, whatever it is doing."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.descriptor)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_once(self, seconds: float) -> bool:
        """Take what is written within some seconds; False where the app is gone."""
        try:
            ready, _, _ = select.select([self.descriptor], [], [], seconds)
            if ready:
                self.output += os.read(self.descriptor, 65536)
        except OSError:
            time.sleep(min(seconds, 0.01))
            return False
        return True


def plain(written: bytes) -> bytes:
    """Return what was written without escape sequences."""
    return _ESCAPES.sub(b"", written)
