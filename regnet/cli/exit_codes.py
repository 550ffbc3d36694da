"""With which code does a command end, and what does each mean?"""

from __future__ import annotations

from regnet.errors import InputError

DONE, FAILED, MENDABLE, NO_RUN, INTERRUPTED = 0, 1, 2, 3, 130

EXIT_CODES = {
    DONE: "done (also where some fits failed: they are counted in the results)",
    FAILED: "a failure inside regNet, a run that ended before its study did, or no fit that went well",
    MENDABLE: "something that you can mend: an argument, a file, a full disk",
    NO_RUN: "no such run, or the run is lost (its process died)",
    INTERRUPTED: "interrupted by Ctrl+C; the command that resumes is printed",
}
"""Every exit code and what it means; they stay the same from version to version."""


class NoSuchRun(InputError):
    """There is no run of that name, or there are several: exit code 3."""
