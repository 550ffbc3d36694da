"""What can be done with a run, wherever it is shown? Stop, resume, rename, delete, copy into the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import work

from regnet.errors import InputError
from regnet.runs.folder import RunFolder
from regnet_tui.dialogs import Answer, Question, TextDialog
from regnet_tui.form_state import FormState
from regnet_tui.from_thread import later

if TYPE_CHECKING:
    from regnet_tui.page import Page as _Page
else:
    _Page = object


class RunActions(_Page):
    """The actions on the run that a screen has chosen; mixed into its screens."""

    def chosen_folder(self) -> RunFolder | None:
        """The run that the actions are about."""
        raise NotImplementedError

    def acted(self) -> None:
        """Look at what an action changed."""

    # ---- stop and resume -------------------------------------------------------------------------

    def action_stop(self) -> None:
        folder = self.chosen_folder()
        if folder is None:
            return
        from regnet.runs.state import state_of

        try:
            state = state_of(folder)
        except InputError as error:
            self.fail(str(error))
            return
        if not state.is_alive:
            self.fail(f"{folder.id} is {state.name}: there is nothing to stop")
            return
        if state.name == "stopping":
            text = "It was asked to stop already and is finishing the replicates under way."
            answers = (Answer("leave", "Leave it", "l"), Answer("kill", "Kill it", "k"))
        else:
            text = "What was computed is kept, and r resumes the run."
            answers = (Answer("stop", "Stop it", "s"), Answer("leave", "Leave it", "l"))

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self._do(f"{folder.id} is asked to stop", lambda: self._stop(folder, kill=False))
            elif answer == "kill":
                self._do(f"{folder.id} is killed", lambda: self._stop(folder, kill=True))

        self.app.push_screen(Question(f"Stop {folder.id}?", text, answers), answered)

    @staticmethod
    def _stop(folder: RunFolder, *, kill: bool) -> None:
        from regnet.runs.launch import stop_run

        stop_run(folder, wait=5.0 if kill else 0.0, kill=kill)

    def action_resume(self) -> None:
        folder = self.chosen_folder()
        if folder is not None:
            from regnet.runs.launch import resume_run

            self._do(f"{folder.id} goes on", lambda: resume_run(folder))

    @work(thread=True, group="run-action")
    def _do(self, told: str, action: Callable[[], object]) -> None:
        """Do something that may take a while beside the screen, and say what came of it."""
        try:
            action()
        except InputError as error:
            later(self, self.fail, str(error))
        except OSError as error:
            later(self, self.fail, f"{error.strerror}: {error.filename}")
        else:
            later(self, self._did, told)

    def _did(self, told: str) -> None:
        self.done(told)
        self.acted()

    # ---- the rest --------------------------------------------------------------------------------

    def action_duplicate(self) -> None:
        """Fill the form from the run's study."""
        folder = self.chosen_folder()
        if folder is None:
            return
        try:
            study, execution = folder.study(), folder.execution()
        except (InputError, KeyError, TypeError) as error:
            self.fail(str(error))
            return
        self.regnet.fill_form(FormState.from_study(study, f"run {folder.id}", execution))

    def action_rename(self) -> None:
        folder = self.chosen_folder()
        if folder is None:
            return
        from regnet.runs.folder import rename_run

        def rename(name: str) -> None:
            rename_run(folder, name)
            self._did(f"{folder.id} is now {name.strip()}")

        name = str(folder.record().get("name") or "")
        self.app.push_screen(
            TextDialog(f"Rename {folder.id}", "Its new name; the folder stays.", name, rename)
        )

    def action_delete(self) -> None:
        folder = self.chosen_folder()
        if folder is None:
            return
        from regnet.runs.folder import delete_run

        def answered(answer: str | None) -> None:
            if answer == "delete":
                self._do(f"{folder.id} is deleted", lambda: delete_run(folder))

        text = "Its results and arrays, for good."
        answers = (Answer("keep", "Keep it", "k"), Answer("delete", "Delete it", "d"))
        self.app.push_screen(Question(f"Delete {folder.id}?", text, answers), answered)
