"""Reads the samples of a Markdown page, and compares what they show with what a command printed.

A sample is a fenced block ```console. A line `$ COMMAND` is a command, on several lines if it ends
with a backslash or inside quotes; the lines below it are what it prints. In these

- a line `...` stands for any lines, and `...` within a line for any text;
- a time stands for any time;
- a UUID that no command before it has stands for whatever UUID comes at its place, but for the same
  one all over the page, in later commands too, and for no other.

The block ```console not-run is left out: what it shows installs packages or needs what a test lacks.
"""

import dataclasses
import re
import shlex

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
PIECE = re.compile(rf"({UUID})|({TIME})|(\.\.\.)")


class SampleError(AssertionError):
    """A page that cannot be read, or a sample that does not show what its command prints."""


@dataclasses.dataclass
class Sample:
    page: str
    line: int
    command: str
    shown: list[str] = dataclasses.field(default_factory=list)

    def place(self) -> str:
        return f"{self.page}:{self.line}"


def is_unfinished(command: str) -> bool:
    if command.endswith("\\"):
        return True
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return False


def read_samples(page: str, text: str) -> list[Sample]:
    samples: list[Sample] = []
    fence: str | None = None  # the opening line of the block at hand
    command: Sample | None = None  # the one whose output follows
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("```"):
            if command is not None and is_unfinished(command.command):
                raise SampleError(f"{command.place()}: the command does not end: {command.command}")
            fence = line[3:].strip() if fence is None else None
            command = None
        elif fence == "console":
            if command is not None and is_unfinished(command.command):
                command.command += "\n" + line
            elif line.startswith("$ "):
                command = Sample(page, number, line[2:])
                samples.append(command)
            elif command is not None:
                command.shown.append(line.rstrip())
            else:
                raise SampleError(f"{page}:{number}: a console block begins with a command: {line}")
        elif fence is not None and fence != "console not-run" and line.startswith("$ "):
            raise SampleError(f"{page}:{number}: a command outside of a console block is not tested")
    if fence is not None:
        raise SampleError(f"{page}: a block does not end")
    return samples


class Matcher:
    """Compares the samples of one page, in their order."""

    def __init__(self, samples: list[Sample]):
        self._given: set[str] = set()  # those that a command has before anything shows them
        self._stands_for: dict[str, str] = {}
        shown: set[str] = set()
        for sample in samples:
            self._given.update(set(re.findall(UUID, sample.command)) - shown)
            shown.update(re.findall(UUID, "\n".join(sample.shown)))

    def with_known_ids(self, sample: Sample) -> Sample:
        """The sample to run: what was shown before is in its command as it came."""
        command = re.sub(UUID, lambda uuid: self._stands_for.get(uuid[0], uuid[0]), sample.command)
        return dataclasses.replace(sample, command=command)

    def check(self, sample: Sample, printed: str) -> None:
        """SampleError if `printed` is not what the sample shows."""
        lines = [line.rstrip() for line in printed.rstrip("\n").split("\n")] if printed else []
        new: dict[str, str] = {}  # group in the pattern -> UUID of the page
        pattern = "".join(self._pattern_of(line, new) for line in sample.shown)
        found = re.fullmatch(pattern, "".join(line + "\n" for line in lines))
        if found is None:
            raise SampleError(self._difference(sample, lines, "is not what it prints"))
        for group, uuid in new.items():
            self._stands_for[uuid] = found[group]
        if len(set(self._stands_for.values())) < len(self._stands_for):
            raise SampleError(self._difference(sample, lines, "shows two ids for one"))

    def _pattern_of(self, line: str, new: dict[str, str]) -> str:
        if line.strip() == "...":
            return r"(?:.*\n)*?"
        pattern = ""
        end = 0
        for piece in PIECE.finditer(line):
            pattern += re.escape(line[end:piece.start()])
            end = piece.end()
            uuid, time, _ = piece.groups()
            if uuid:
                pattern += self._pattern_of_uuid(uuid, new)
            else:
                pattern += TIME if time else ".*"
        return pattern + re.escape(line[end:]) + "\n"

    def _pattern_of_uuid(self, uuid: str, new: dict[str, str]) -> str:
        if uuid in self._given:
            return uuid
        if uuid in self._stands_for:
            return self._stands_for[uuid]
        group = "uuid_" + uuid.replace("-", "_")
        if group in new:
            return f"(?P={group})"
        new[group] = uuid
        return f"(?P<{group}>{UUID})"

    @staticmethod
    def _difference(sample: Sample, lines: list[str], what: str) -> str:
        shown = "\n".join("  " + line for line in sample.shown)
        printed = "\n".join("  " + line for line in lines)
        return (f"{sample.place()}: what the page shows of `{sample.command}` {what}.\n"
                f"The page:\n{shown}\nThe command:\n{printed}")
