"""How does a form that was being filled in come back after a crash or a lost connection?

Each app writes a draft of its own, named by its process, so that two apps on one data directory never
overwrite each other's. An app that starts takes over the newest draft whose app is gone.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from regnet.atomic_files import write_whole
from regnet.runs.processes import process_from, process_id
from regnet.study import Study
from regnet_tui.form_state import FormState, form_parameters

FORMAT = 1
_MOST_BYTES = 1_000_000
_ABANDONED_AFTER = 24 * 3600.0  # seconds after which another host's draft counts as nobody's


def save_draft(folder: Path, state: FormState) -> None:
    """Write this app's draft, whole or not at all.

    Raises
    ------
    OSError
        Where the directory can't be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {
        "format": FORMAT,
        "process": process_id().as_fields(),
        "texts": dict(state.texts),
        "origin": dict(state.origin),
        "origin_name": state.origin_name,
    }
    write_whole(_own(folder), json.dumps(content, indent=1))


def take_draft(folder: Path) -> FormState | None:
    """Return this app's draft, or else the newest that no living app writes, which becomes this app's.

    None where there is none that can be read. Of two apps that start at once, one gets the draft.
    """
    own = _own(folder)
    state = _state(_content(own))
    if state is not None:
        return state
    for path in sorted(folder.glob("study-*.json"), key=_changed, reverse=True):
        content = _content(path)
        state = _state(content)
        if state is None or not _is_abandoned(content, path):
            continue
        try:
            path.rename(own)
        except FileNotFoundError:
            continue  # another app was quicker
        except OSError:
            pass  # a directory that can't be written: the draft is read all the same
        return state
    return None


def _own(folder: Path) -> Path:
    me = process_id()
    return folder / f"study-{me.pid}-{me.started or 0}.json"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _is_abandoned(content: dict[str, Any], path: Path) -> bool:
    """Whether no living app writes a draft: its process is gone or, where that can't be known, long idle."""
    writer = process_from(content.get("process"))
    alive = writer.is_alive if writer is not None else False
    return time.time() - _changed(path) > _ABANDONED_AFTER if alive is None else not alive


def _content(path: Path) -> dict[str, Any]:
    """Return what a draft's file holds; empty where it can't be read."""
    try:
        with path.open(encoding="utf-8") as stream:
            content = json.loads(stream.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _state(content: dict[str, Any]) -> FormState | None:
    """Return the form that a draft holds; None where it holds none."""
    texts, origin = _texts(content.get("texts")), _texts(content.get("origin"))
    if content.get("format") != FORMAT or texts is None or origin is None:
        return None
    defaults = FormState.from_study(Study(), "")
    known = form_parameters()
    return FormState(
        {**defaults.texts, **{k: v for k, v in texts.items() if k in known}},
        {**defaults.texts, **{k: v for k, v in origin.items() if k in known}},
        str(content.get("origin_name", "")),
    )


def _texts(found: object) -> dict[str, str] | None:
    """Return a mapping of names to texts; None where it isn't one."""
    if not isinstance(found, dict):
        return None
    texts = {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, str)}
    return texts if len(texts) == len(found) else None
