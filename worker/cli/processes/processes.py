"""Runs a few processes together: their lines on one screen, one end for all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from worker.machine.child_process import tied

#: Seconds a process may take to end after SIGTERM; a worker first lets its runs come to a clean end.
STOP_TIMEOUT = 30.0
#: Bytes read at once from a process.
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Command:
    """One process to start."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class ProcessGroup:
    """Starts commands, shows their output, and ends all of them when one ends or when it is told to."""

    def __init__(
        self,
        commands: Sequence[Command],
        *,
        prefix: bool = True,
        stop_timeout: float = STOP_TIMEOUT,
        keep: Callable[[str, str], None] | None = None,
    ) -> None:
        """`prefix` puts the process's name before each of its lines; `stop_timeout` is in seconds.

        `keep` is called with the process's name and each of its lines.
        """
        self._commands = commands
        self._prefix = prefix
        self._stop_timeout = stop_timeout
        self._keep = keep
        self._width = max(len(command.name) for command in commands)
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._stop = asyncio.Event()
        #: Those that were killed since they did not end, and those that ended badly when they were asked to, each as
        #: it is told.
        self.killed: list[str] = []
        self.failed: list[str] = []

    @property
    def names(self) -> list[str]:
        """What runs together."""
        return [command.name for command in self._commands]

    def stop(self) -> None:
        """Ask all processes to end; asked a second time, kill them."""
        if self._stop.is_set():
            self.kill()
        self._stop.set()

    def kill(self) -> None:
        """End all processes at once."""
        for process in self._processes.values():
            _signal(process, signal.SIGKILL)

    async def run(self, *, also_needed: Mapping[str, Callable[[], bool]] | None = None) -> str | None:
        """Run until told to stop.

        Args:
            also_needed: further things that must be alive, by name, each asked every second.

        Returns:
            What ended by itself, with its exit code; `None` after `stop`.
        """
        pumps = []
        try:
            for command in self._commands:
                output, process = await self._start(command)
                self._processes[command.name] = process
                pumps.append(asyncio.create_task(self._show(command.name, output)))
            return await self._wait(also_needed or {})
        finally:
            await self._end_all()
            await asyncio.gather(*pumps)

    async def _start(self, command: Command) -> tuple[int, asyncio.subprocess.Process]:
        """Start a process; gives the reading end of its output."""
        # A pipe of our own: asyncio's `wait` does not return while a grandchild still holds one of its pipes.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *tied(command.arguments),
                env={**os.environ, "PYTHONUNBUFFERED": "1", **command.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                # A Ctrl-C in the terminal is for this process, which then ends the others in order.
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return reading, process

    async def _wait(self, also_needed: Mapping[str, Callable[[], bool]]) -> str | None:
        stop = asyncio.create_task(self._stop.wait())
        ends = {asyncio.create_task(process.wait()): name for name, process in self._processes.items()}
        try:
            while True:
                done, _ = await asyncio.wait([stop, *ends], timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                if stop in done:
                    return None
                for each in done:
                    return f"{ends[each]} ended with {_code(each.result())}"
                for name, is_alive in also_needed.items():
                    if not is_alive():
                        return f"{name} ended"
        finally:
            for task in (stop, *ends):
                task.cancel()

    async def _end_all(self) -> None:
        asked = [name for name, process in self._processes.items() if process.returncode is None]
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        running = [asyncio.create_task(process.wait()) for process in self._processes.values()]
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=self._stop_timeout)
        for name, process in self._processes.items():
            if process.returncode is None:
                self._print(name, f"killed: it had not ended {self._stop_timeout:g} s after it was asked to")
                self.killed.append(name)
            elif name in asked and process.returncode not in (0, -signal.SIGTERM):
                self.failed.append(f"{name} ended with {_code(process.returncode)}")
            # The process itself, and what it may have left in its group.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if late:
            await asyncio.wait(late)

    async def _show(self, name: str, output: int) -> None:
        """Pass the process's output on line by line until it is closed."""
        reader = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(output, "rb", buffering=0)
        )
        rest = b""
        while chunk := await reader.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._print(name, line.decode(errors="replace"))
        if rest:
            self._print(name, rest.decode(errors="replace"))
        pipe.close()

    def _print(self, name: str, line: str) -> None:
        label = f"{name:<{self._width}} | " if self._prefix else ""
        with suppress(BrokenPipeError):
            sys.stdout.write(f"{label}{line}\n")
            sys.stdout.flush()
        if self._keep is not None:
            self._keep(name, line)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(number)


def _code(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
