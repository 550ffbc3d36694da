"""``regnet convert``: bring the original software's data sets into a form that any software reads."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from regnet.cli.exit_codes import DONE
from regnet.cli.output import harmless, write, write_json
from regnet.errors import InputError, shown


def add_parser(subparsers: Any) -> None:
    """Add the command ``convert``."""
    parser = subparsers.add_parser(
        "convert",
        description="Read data sets that the original software pickled under Python 2 (plain or gzipped) and "
        "write each as an .npz of its arrays, equal to the last bit, and a .json of its parameters, under "
        "the same name. Nothing in a file is run: what isn't such a data set is refused by name.",
    )
    parser.add_argument("files", metavar="OLD.pkl", nargs="+", help="a pickle of the original software")
    parser.add_argument("--out", metavar="DIR", help="where to (default: beside each file)")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(func=convert)


def convert(options: argparse.Namespace) -> int:
    """Convert every file; the first that can't be is an error, those before it are done."""
    records = []
    for file in options.files:
        path = Path(file).expanduser()
        folder = Path(options.out).expanduser() if options.out else path.parent
        record = _convert_one(path, folder, options.force)
        records.append(record)
        if not options.json:
            write(f"{harmless(path)}: {record['replicates']} replicates, {record['sizes']}")
            write(f"  written to {harmless(record['file'])} and .json")
    if options.json:
        write_json(records)
    return DONE


def _convert_one(path: Path, folder: Path, force: bool) -> dict[str, Any]:
    from regnet.files.ybetaparams import load_ybetaparams, write_ybetaparams

    stem = folder / path.name.removesuffix(".gz").removesuffix(".pkl")
    target = stem.with_name(f"{stem.name}.npz")
    if target.exists() and (not force or target == path):
        remedy = "give --force to replace it, or another folder with --out"
        raise InputError(str(target), "a file that isn't there yet", shown(target.name), remedy)
    data = load_ybetaparams(path)
    folder.mkdir(parents=True, exist_ok=True)
    written = write_ybetaparams(data, stem)
    parameter = data.parameter
    return {
        "from": str(path),
        "file": str(written),
        "replicates": data.n_replicates,
        "sizes": f"{parameter.G} genes × {parameter.C} conditions, {parameter.TF} transcription factors",
    }
