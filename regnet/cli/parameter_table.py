"""Which parameters are there? The README's table, made from their declarations.

``python -m regnet.cli.parameter_table README.md`` brings the table in a file up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from regnet.atomic_files import write_whole
from regnet.cli.study_options import execution_parameters, write_values
from regnet.errors import InputError
from regnet.parameters import Parameter
from regnet.study import study_parameters

BEGIN, END = "<!-- parameters: begin -->", "<!-- parameters: end -->"
"""The lines between which a file holds the table."""


def parameter_table() -> str:
    """Return every parameter with its meaning, values and default, as Markdown, group by group."""
    parameters = [*study_parameters().values(), *execution_parameters().values()]
    lines = []
    for group in dict.fromkeys(parameter.group for parameter in parameters):
        lines += [f"**{group}**", "", "| option | meaning | default |", "|---|---|---|"]
        lines += [_line(parameter) for parameter in parameters if parameter.group == group]
        lines.append("")
    return "\n".join(lines)


def with_table(text: str, where: str) -> str:
    """Return a text with its table brought up to date; InputError where it has no place for one."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(where, f"a place for the table, {BEGIN} … {END}", "none")
    return f"{before}{BEGIN}\n{parameter_table()}\n{END}{after}"


def main(words: Sequence[str] | None = None) -> int:
    """Bring the table in each named file up to date."""
    for name in sys.argv[1:] if words is None else words:
        path = Path(name)
        write_whole(path, with_table(path.read_text(encoding="utf-8"), name), mode=0o644)
    return 0


def _line(parameter: Parameter) -> str:
    mark = " *" if parameter.grid else ""
    default = write_values(parameter, parameter.default)
    help = parameter.help.replace("|", "\\|").replace("*", "\\*")
    return f"| `{parameter.option}`{mark} | {help} | {f'`{default}`' if default else ''} |"


if __name__ == "__main__":
    sys.exit(main())
