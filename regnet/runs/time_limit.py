"""How is a fit that takes for ever brought to an end, without ending its worker?

An exception is raised inside it: by the alarm signal in a process's main thread, and in any other
thread (a Dask worker's) by the interpreter at that thread's next instruction. Both wait for a call into
a compiled library to return.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class TimeLimit:
    """A context that raises TimeoutError when its block takes longer than some seconds (0: no limit).

    Calling it returns it, so that it also serves where a maker of contexts is wanted.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._by_thread: _ThreadAlarm | None = None
        self._earlier: Any = None

    def __call__(self) -> TimeLimit:
        return self

    def __enter__(self) -> TimeLimit:
        if not self.seconds:
            return self
        if threading.current_thread() is threading.main_thread():
            self._earlier = signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, self.seconds)
        else:
            self._by_thread = _ThreadAlarm(self.seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.seconds:
            return
        if self._by_thread is not None:
            alarm, self._by_thread = self._by_thread, None
            alarm.cancel()
        else:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._earlier)
        if kind is TimeoutError:
            raise TimeoutError(f"the fit took longer than {self.seconds:g} s") from None

    def _ring(self, number: int, frame: FrameType | None) -> None:
        raise TimeoutError


class _ThreadAlarm:
    """Raises TimeoutError in the thread that made it, unless cancelled before."""

    def __init__(self, seconds: float) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._is_over = False
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        with self._lock:  # once this is held, the alarm has rung or never will
            self._is_over = True
        self._timer.cancel()
        # One that has rung but not yet been raised is taken back.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), None)

    def _ring(self) -> None:
        with self._lock:
            if not self._is_over:
                thread, error = ctypes.c_ulong(self._thread), ctypes.py_object(TimeoutError)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)
