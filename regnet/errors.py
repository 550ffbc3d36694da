"""How does regNet tell a user what is wrong, and what to do about it?

Every problem that a user can fix is an :class:`InputError`: one line that names the place, what was
wanted, what was found and the remedy. The command line prints it and exits with code 2, a form shows
it beside its field, a Python caller catches it as a ``ValueError``.
"""

from __future__ import annotations

_SHOWN = 100  # longest piece of a user's own text that is repeated in a message


def shown(text: object) -> str:
    """Return a user's text as it may stand in a message: quoted, short, without control characters.

    Long text loses its middle, since a path's end tells most.
    """
    plain = repr(str(text))
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN // 2]}…{plain[-_SHOWN // 2 :]}"


class InputError(ValueError):
    """Something that the user gave can't be used, and this is how to mend it.

    Parameters
    ----------
    where : str
        The field, option, file or line, as the user knows it (``"conditions"``,
        ``"motifs.tsv, line 12, column 'RAP1'"``).
    wanted : str
        What would have been right (``"a whole number of at least 1"``).
    found : str
        What stood there instead (``"'four'"``).
    remedy : str
        What to do, where that doesn't follow from `wanted`.
    """

    def __init__(self, where: str, wanted: str, found: str = "", remedy: str = "") -> None:
        self.where = where
        self.wanted = wanted
        self.found = found
        self.remedy = remedy
        super().__init__(self._line())

    def _line(self) -> str:
        line = f"{self.where}: wanted {self.wanted}" if self.where else f"wanted {self.wanted}"
        if self.found:
            line += f", found {self.found}"
        if self.remedy:
            line += f"; {self.remedy}"
        return " ".join(line.split())

    def at(self, where: str) -> InputError:
        """Return the same error, placed more exactly (a file's name before the field's)."""
        place = f"{where}, {self.where}" if self.where else where
        return type(self)(place, self.wanted, self.found, self.remedy)

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str, str]]:
        return type(self), (self.where, self.wanted, self.found, self.remedy)
