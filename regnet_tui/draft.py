"""How does a form that was being filled in come back after a crash or a lost connection?"""

from __future__ import annotations

import json
from pathlib import Path

from regnet.atomic_files import write_whole
from regnet.study import Study
from regnet_tui.form_state import FormState, form_parameters

FORMAT = 1
_MOST_BYTES = 1_000_000


def save_draft(folder: Path, state: FormState) -> None:
    """Write the draft, whole or not at all.

    Raises
    ------
    OSError
        Where the directory can't be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {
        "format": FORMAT,
        "texts": dict(state.texts),
        "origin": dict(state.origin),
        "origin_name": state.origin_name,
    }
    write_whole(folder / "study.json", json.dumps(content, indent=1))


def load_draft(folder: Path) -> FormState | None:
    """Return the draft, or None where there is none that can be read."""
    try:
        with (folder / "study.json").open(encoding="utf-8") as stream:
            content = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return None
    texts, origin = _texts(content.get("texts")), _texts(content.get("origin"))
    if texts is None or origin is None:
        return None
    defaults = FormState.from_study(Study(), "")
    known = form_parameters()
    return FormState(
        {**defaults.texts, **{k: v for k, v in texts.items() if k in known}},
        {**defaults.texts, **{k: v for k, v in origin.items() if k in known}},
        str(content.get("origin_name", "")),
    )


def drop_draft(folder: Path) -> None:
    """Forget the draft."""
    (folder / "study.json").unlink(missing_ok=True)


def _texts(found: object) -> dict[str, str] | None:
    """Return a mapping of names to texts; None where it isn't one."""
    if not isinstance(found, dict):
        return None
    texts = {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, str)}
    return texts if len(texts) == len(found) else None
