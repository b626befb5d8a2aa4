"""Counts the system calls of a running server."""

from __future__ import annotations

import pathlib
import re
import signal
import subprocess
import time
import types

from load import BenchmarkError
from servers import Child

ATTACH_SECONDS = 20
STOP_SECONDS = 30


class SystemCallCounter:
    """Counts, by name, what all threads of a process ask of the kernel during the `with` block.

    strace stops a thread at each call, so nothing else may be measured at the same time. It needs
    no rights, unlike perf's tracepoints. Slower threads go to sleep more often, so one call after
    another it counts more than those do.
    """

    def __init__(self, child: Child, folder: pathlib.Path):
        self.counts: dict[str, int] = {}
        self._child = child
        self._table = folder / "strace.out"
        self._messages = folder / "strace.err"

    def __enter__(self) -> SystemCallCounter:
        with open(self._messages, "wb") as messages:
            self._strace = subprocess.Popen(
                ["strace", "-f", "-c", "-S", "calls", "-U", "calls,name", "-o", str(self._table),
                 "-p", str(self._child.process.pid)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=messages,
                start_new_session=True)
        try:
            self._wait_until_attached()
        except BaseException:
            self._strace.kill()
            self._strace.wait()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: types.TracebackType | None) -> None:
        self._strace.send_signal(signal.SIGINT)
        try:
            self._strace.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._strace.kill()
            self._strace.wait()
            raise BenchmarkError(f"strace still runs {STOP_SECONDS} s after SIGINT") from None
        if error is None:
            self.counts = self._read_table()

    def _wait_until_attached(self) -> None:
        give_up_at = time.monotonic() + ATTACH_SECONDS
        attached = f"Process {self._child.process.pid} attached"
        while attached not in (text := self._messages.read_text(errors="replace")):
            if self._strace.poll() is not None or time.monotonic() > give_up_at:
                raise BenchmarkError(f"strace cannot watch {self._child.name}: {text.strip()}")
            time.sleep(0.01)

    def _read_table(self) -> dict[str, int]:
        text = self._table.read_text(encoding="utf-8")
        lines = re.findall(r"^\s*(\d+) (\w+)$", text, re.MULTILINE)
        counts = {name: int(count) for count, name in lines if name != "total"}
        if not counts:
            raise BenchmarkError(f"strace: cannot read what it counted: {text!r}")
        return counts
