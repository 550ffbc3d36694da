"""What does regNet depend on outside itself, and how is it here? One function a question."""

from __future__ import annotations

import contextlib
import importlib.util
import locale
import os
import platform
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from regnet.cli.info import installed_version, shipped_tables
from regnet.cli.output import size_in_words
from regnet.errors import InputError
from regnet.places import Places, shipped_data

GOOD, SO_SO, WRONG = "good", "so-so", "wrong"

_NETWORKED = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "lustre", "gpfs", "beegfs", "ceph", "afs")
_LITTLE = 1e9  # bytes of free space below which a large study may not fit
_LOGIND = "/etc/systemd/logind.conf"


class Check(NamedTuple):
    """One finding: what was looked at, how it is (good, so-so, wrong), and what to do."""

    name: str
    verdict: str
    found: str
    remedy: str = ""


def all_checks(places: Places) -> list[Check]:
    """Return every finding; a check that can't be made says so and stops none of the others."""
    environment = os.environ
    questions: list[Callable[[], Check]] = [
        lambda: terminal(environment, sys.stdout.isatty()),
        terminal_size,
        lambda: colours(environment),
        lambda: clipboard(environment),
        lambda: text_encoding(locale.getpreferredencoding(False)),
        lambda: multiplexer(environment),
        lambda: logout(_kills_at_logout(), _lingers()),
        lambda: data_directory(places),
        lambda: file_system(places.root),
        lambda: free_space(places.root),
        python,
        shipped,
        packages,
        engines,
        processors,
        blas,
    ]
    found = []
    for question in questions:
        try:
            found.append(question())
        except Exception as error:  # a machine that can't be asked is a finding, not a crash
            name = getattr(question, "__name__", "check").replace("<lambda>", "check")
            found.append(Check(name.replace("_", " "), SO_SO, f"can't be told: {error}"))
    return found


def terminal(environment: Mapping[str, str], is_terminal: bool) -> Check:
    """What kind of terminal is this?"""
    kind = environment.get("TERM", "")
    program = environment.get("TERM_PROGRAM", "")
    found = f"TERM={kind or 'unset'}" + (f", {program}" if program else "")
    if not is_terminal:
        return Check("terminal", GOOD, f"{found}; output goes to a file or pipe: plain lines")
    if kind in ("", "dumb"):
        return Check("terminal", WRONG, found, "set TERM, say to xterm-256color; the app can't draw on this")
    return Check("terminal", GOOD, found)


def terminal_size() -> Check:
    """Is there room for the app's screens?"""
    columns, lines = shutil.get_terminal_size()
    found = f"{columns} columns × {lines} lines"
    if columns < 80 or lines < 24:
        return Check("terminal's size", SO_SO, found, "80 × 24 or more shows every screen whole")
    return Check("terminal's size", GOOD, found)


def colours(environment: Mapping[str, str]) -> Check:
    """How many colours does the terminal promise?"""
    if environment.get("NO_COLOR"):
        return Check("colours", GOOD, "none: NO_COLOR is set")
    if environment.get("COLORTERM") in ("truecolor", "24bit"):
        return Check("colours", GOOD, "16 million (COLORTERM)")
    kind = environment.get("TERM", "")
    if "256color" in kind or "direct" in kind or "kitty" in kind:
        return Check("colours", GOOD, "256")
    return Check("colours", SO_SO, "16", "set TERM to a 256-colour kind, say xterm-256color")


def clipboard(environment: Mapping[str, str]) -> Check:
    """By which way does the app copy?"""
    if environment.get("TMUX"):
        return Check("clipboard", GOOD, "tmux's buffer (tmux load-buffer)")
    if environment.get("TERM", "dumb") in ("linux", "dumb", "vt100", "vt220"):
        return Check("clipboard", SO_SO, "a file: this terminal has no clipboard")
    return Check("clipboard", GOOD, "the terminal's (OSC 52), and a file in case it refuses")


def text_encoding(encoding: str) -> Check:
    """Can the terminal show Σ and →?"""
    name = encoding.replace("-", "").lower()
    if name == "utf8":
        return Check("locale", GOOD, encoding)
    remedy = "set LANG to a UTF-8 locale, say C.UTF-8"
    return Check("locale", WRONG if name == "ascii" else SO_SO, encoding, remedy)


def multiplexer(environment: Mapping[str, str]) -> Check:
    """Is a screen kept while the link is down?"""
    if environment.get("TMUX"):
        return Check("tmux", GOOD, f"inside {_output('tmux', '-V') or 'tmux'}")
    if environment.get("STY"):
        return Check("tmux", GOOD, "inside GNU screen")
    if environment.get("SSH_CONNECTION"):
        remedy = "runs outlive the connection anyway; tmux keeps the screen as well"
        return Check("tmux", SO_SO, "over SSH, without tmux or screen", remedy)
    return Check("tmux", GOOD, "not used; not needed on this machine")


def logout(kills: bool | None, lingers: bool) -> Check:
    """Does the system kill a user's processes at logout?"""
    name = "logout"
    if kills is None:
        return Check(name, GOOD, "no systemd-logind here: runs outlive a logout")
    if not kills:
        return Check(name, GOOD, "KillUserProcesses=no: runs outlive a logout")
    if lingers:
        return Check(name, GOOD, "KillUserProcesses=yes, but this user lingers: runs outlive a logout")
    return Check(
        name,
        WRONG,
        "KillUserProcesses=yes: the system ends runs at logout",
        "run 'loginctl enable-linger', or start regNet by 'systemd-run --user --scope'",
    )


def data_directory(places: Places) -> Check:
    """Can the data directory be written?"""
    found = f"{places.root} ({places.why})"
    nearest = _nearest(places.root)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        reason = (error.strerror or "").lower()
        return Check("data directory", WRONG, f"{found}: {reason}", "give another by --data or REGNET_DATA")
    made = "" if places.root.is_dir() else "; will be made"
    return Check("data directory", GOOD, found + made)


def file_system(root: Path, mounts: str | None = None) -> Check:
    """Which file system holds the data directory? `mounts`: text in the form of /proc/self/mounts."""
    if mounts is None:
        with contextlib.suppress(OSError):
            mounts = Path("/proc/self/mounts").read_text(errors="replace")
    best, kind = "", "unknown"
    path = str(_nearest(root).resolve()).rstrip("/") + "/"
    for line in (mounts or "").splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ").rstrip("/") + "/"
        if path.startswith(point) and len(point) >= len(best):
            best, kind = point, fields[2]
    if kind == "tmpfs":
        return Check("file system", SO_SO, kind, "it is memory: runs are gone after a restart")
    if kind in _NETWORKED:
        return Check("file system", GOOD, f"{kind}, networked: runs can be watched from other hosts")
    return Check("file system", GOOD, kind)


def free_space(root: Path) -> Check:
    """Is there room for runs?"""
    free = shutil.disk_usage(_nearest(root)).free
    if free < _LITTLE:
        return Check("free space", SO_SO, size_in_words(free), "'regnet runs prune' frees some")
    return Check("free space", GOOD, size_in_words(free))


def python() -> Check:
    """Which Python runs this?"""
    return Check("Python", GOOD, f"{platform.python_version()} at {sys.executable}")


def shipped() -> Check:
    """Are the shipped data found?"""
    tables = shipped_tables("motif")
    if not tables:
        return Check("shipped data", WRONG, f"none in {shipped_data()}", "install regNet again")
    return Check("shipped data", GOOD, f"{', '.join(tables)} in {shipped_data() / 'motif'}")


def packages() -> Check:
    """Are the packages there that results depend on?"""
    names = ("numpy", "scipy", "pandas", "scikit-learn", "joblib", "textual")
    versions = {name: installed_version(name) for name in names}
    missing = [name for name, version in versions.items() if not version]
    if missing:
        return Check("packages", WRONG, f"missing: {', '.join(missing)}", "install regNet again by pip")
    return Check("packages", GOOD, ", ".join(f"{name} {version}" for name, version in versions.items()))


def engines() -> Check:
    """Which engines can fit the LMM?"""
    found = ["regnet"]
    for package in ("glimix-core", "limix"):
        if version := installed_version(package):
            found.append(f"limix (by {package} {version})")
    if importlib.util.find_spec("dask") and importlib.util.find_spec("distributed"):
        found.append("backend dask")
    return Check("engines", GOOD, ", ".join(found))


def processors() -> Check:
    """How many processors may this process use?"""
    from regnet.runs.processors import usable_processors

    usable, all_of_them = usable_processors(), os.cpu_count() or 1
    return Check("processors", GOOD, f"{usable} may be used, of {all_of_them}")


def blas() -> Check:
    """Which BLAS does numpy use, and can its threads be limited?"""
    import numpy  # noqa: F401  (loads the BLAS that is asked about)
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    if not pools:
        remedy = "set OMP_NUM_THREADS=1 before runs with several jobs"
        return Check("BLAS", SO_SO, "none whose threads can be limited", remedy)
    found = ", ".join(
        f"{pool['internal_api']} {pool.get('version') or ''} ({pool['num_threads']} threads)"
        for pool in pools
    )
    return Check("BLAS", GOOD, f"{found}; fits get as many threads as --cores says")


def _kills_at_logout() -> bool | None:
    """Whether systemd-logind kills a user's processes at logout; None where there is no logind."""
    answer = _output(
        *("busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1"),
        *("org.freedesktop.login1.Manager", "KillUserProcesses"),
    )
    if answer:
        return answer.split()[-1] == "true"
    files = [Path(_LOGIND)]
    for base in ("/usr/lib/systemd", "/run/systemd", "/etc/systemd"):
        files += sorted(Path(base, "logind.conf.d").glob("*.conf"))
    texts = []
    for file in files:
        with contextlib.suppress(OSError):
            texts.append(file.read_text(errors="replace"))
    if not texts:
        return None
    return logind_kills("\n".join(texts))


def logind_kills(configuration: str) -> bool:
    """Whether the text of logind's configuration has KillUserProcesses on; the last word counts."""
    kills = False
    for line in configuration.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "KillUserProcesses":
            kills = value.strip().lower() in ("yes", "true", "on", "1")
    return kills


def _lingers() -> bool:
    with contextlib.suppress(KeyError, OSError):
        return Path("/var/lib/systemd/linger", pwd.getpwuid(os.getuid()).pw_name).exists()
    return False


def _output(*command: str) -> str:
    """Return what a program prints; empty where there is none, it fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _nearest(path: Path) -> Path:
    """Return a directory, or the nearest one above it that exists."""
    for folder in (path, *path.parents):
        if folder.is_dir():
            return folder
    raise InputError("data", "a directory", str(path))
