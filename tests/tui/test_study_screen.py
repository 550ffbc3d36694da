"""The Study screen: a form that says at once what can't be used, and a command that says the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from regnet.places import Places
from regnet.presets.preset_files import list_presets, save_preset
from regnet.study import Study
from regnet_tui.app import RegnetApp
from regnet_tui.draft import take_draft
from regnet_tui.preset_list import PresetList
from regnet_tui.scenario_form import Field, ScenarioForm
from regnet_tui.study_screen import StudyScreen

OpenApp = Callable[..., RegnetApp]


def study_screen(app: RegnetApp) -> StudyScreen:
    assert isinstance(app.screen, StudyScreen)
    return app.screen


def text_of(app: RegnetApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


async def type_into(pilot: Pilot[int], name: str, text: str) -> None:
    pilot.app.screen.query_one(f"#field-{name}").focus()
    await pilot.pause()
    await pilot.press("end", "ctrl+u", *text)
    await pilot.pause()


async def test_the_first_screen_holds_a_study_that_can_run(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert not app.screen.query_one("#run", Button).disabled
        assert app.screen.query_one("#command", Input).value == "regnet run quickstart"
        assert "fits" in text_of(app, "#run-reason")


async def test_a_wrong_value_is_said_beside_its_field_and_run_is_off_with_the_reason(
    open_app: OpenApp,
) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "genes", "many")
        field = app.screen.query_one("#field-genes").parent
        assert isinstance(field, Field)
        assert field.has_class("-problem")
        assert "whole number" in str(field.query_one(".field-note", Static).render())
        assert app.screen.query_one("#run", Button).disabled
        assert "genes" in text_of(app, "#run-reason")
        await type_into(pilot, "genes", "500")
        assert not field.has_class("-problem")
        assert field.has_class("-changed")
        assert not app.screen.query_one("#run", Button).disabled


async def test_values_that_do_not_fit_each_other_are_said_at_once(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await type_into(pilot, "conditions", "4")
        await type_into(pilot, "covariance", "lowrank_8")
        note = app.screen.query_one("#field-covariance").parent
        assert note is not None
        assert "lowrank_4" in str(note.query_one(".field-note", Static).render())


async def test_the_matrix_of_the_structure_fixed_has_its_field_as_soon_as_it_is_chosen(
    open_app: OpenApp,
) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert not app.screen.query("#field-signal_matrix")
        await type_into(pilot, "signal_model", "fixed")
        await pilot.pause(0.3)
        field = app.screen.query_one("#field-signal_matrix").parent
        assert isinstance(field, Field)
        assert field.has_class("-problem")
        assert app.screen.query_one("#run", Button).disabled
        await type_into(pilot, "signal_matrix", "1 0.5; 0.5 1")
        await type_into(pilot, "covariance", "id")
        await pilot.pause(0.3)
        assert "wanted a 8 × 8 matrix" in str(field.query_one(".field-note", Static).render())
        await type_into(pilot, "conditions", "2")
        await pilot.pause(0.3)
        assert not field.has_class("-problem")
        study = study_screen(app).checked.study
        assert study is not None
        assert study.values["signal_matrix"] == ("1 0.5; 0.5 1",)
        await type_into(pilot, "signal_model", "id")
        await pilot.pause(0.3)
        assert field.has_class("-warning")


async def test_a_check_that_comes_while_a_key_is_on_its_way_takes_no_key_back(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await type_into(pilot, "covariance", "lo")
        field = app.screen.query_one("#field-covariance", Input)
        field.insert_text_at_cursor("w")  # shown at once; the screen hears of it later
        study_screen(app).check_now()
        assert field.value == "low"
        await pilot.pause()
        assert study_screen(app).state.texts["covariance"] == "low"
        study_screen(app).take(study_screen(app).state.edit("covariance", "id"))
        assert field.value == "id"


async def test_a_grid_shows_how_many_scenarios_and_fits_come_of_it(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await type_into(pilot, "covariance", "id")
        await type_into(pilot, "noise", "random")
        await type_into(pilot, "conditions", "4, 8, 16")
        await type_into(pilot, "replicates", "10")
        assert "3 scenarios × 10 = 60 fits" in text_of(app, "#run-reason")


async def test_a_large_grid_is_checked_beside_the_loop(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "covariance", "id")
        await type_into(pilot, "noise", "random")
        screen = study_screen(app)
        screen.query_one(ScenarioForm).focus_field("genes")
        await pilot.pause()
        numbers = ", ".join(str(n) for n in range(100, 600))
        app.screen.query_one("#field-genes", Input).value = numbers
        for _ in range(100):  # on a busy machine the pause after typing and the check take their time
            await pilot.pause(0.1)
            await app.workers.wait_for_complete()
            if "500 scenarios" in text_of(app, "#run-reason"):
                break
        assert "500 scenarios" in text_of(app, "#run-reason")


async def test_the_command_follows_the_form_and_a_pasted_one_fills_it(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "replicates", "7")
        command = app.screen.query_one("#command", Input)
        assert command.value == "regnet run quickstart --replicates 7"
        await pilot.press("ctrl+l", "ctrl+u")
        app.screen.query_one("#command").post_message(
            events.Paste("$ regnet run default \\\n  --conditions 4,8 \\\n  --cores 2")
        )
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        screen = study_screen(app)
        assert screen.checked.study == Study(conditions=[4, 8])
        assert screen.checked.execution is not None
        assert screen.checked.execution.cores == 2
        assert set(screen.state.changed) == {"conditions", "cores"}


async def test_a_command_that_can_not_be_read_is_said_and_stays(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+l", "ctrl+u", *"rm -rf", "enter")
        await pilot.pause()
        assert app.screen.query_one("#failure").display
        assert "regnet run" in text_of(app, "#failure-text")
        await pilot.press("escape")
        assert not app.screen.query_one("#failure").display


async def test_choices_are_listed_and_several_make_a_grid(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "noise", "random")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("j", "space", "enter")
        await pilot.pause()
        assert len(study_screen(app).state.texts["noise"].split(", ")) == 2


async def test_rarer_parameters_are_one_key_away_and_all_are_there(open_app: OpenApp) -> None:
    from regnet_tui.form_state import form_parameters

    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+o")
        await pilot.pause(0.3)
        found = {field.parameter.name for field in app.screen.query(Field)}
        assert found == set(form_parameters())


async def test_a_preset_is_saved_renamed_copied_compared_and_deleted(
    open_app: OpenApp, places: Places
) -> None:
    app = open_app()

    def own() -> list[str]:
        return [preset.name for preset in list_presets(places) if not preset.shipped]

    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "replicates", "7")
        await pilot.press("ctrl+s", "ctrl+u", *"mine", "enter")
        await pilot.pause()
        assert own() == ["mine"]
        assert study_screen(app).state.changed == ()
        await pilot.press("ctrl+t", "r", "ctrl+u", *"ours", "enter")
        await pilot.pause()
        assert own() == ["ours"]
        await pilot.press("c", "ctrl+u", *"quickstart", "enter")  # taken by a shipped one
        await pilot.pause()
        assert "shipped" in str(app.screen.query_one("#dialog-problem", Static).render())
        await pilot.press("ctrl+u", *"third", "enter")
        await pilot.pause()
        assert own() == ["ours", "third"]
        await type_into(pilot, "seed", "9")
        await pilot.press("ctrl+t", "equals_sign")
        await pilot.pause()
        assert "third against the form" in str(app.screen.query_one(".dialog-title", Static).render())
        await pilot.press("escape", "d", "d")
        await pilot.pause()
        assert own() == ["ours"]


async def test_a_shipped_preset_stays(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("d")
        await pilot.pause()
        assert "shipped" in text_of(app, "#failure-text")


async def test_a_damaged_preset_is_said_and_the_rest_works(open_app: OpenApp, places: Places) -> None:
    save_preset(Study(), "good", places)
    (places.presets / "bad.toml").write_text("genes = [[[")
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        presets = app.screen.query_one(PresetList)
        names = [preset.name for preset in list_presets(places)]
        presets.highlighted = names.index("bad")
        await pilot.press("enter")
        await pilot.pause()
        assert "preset bad" in text_of(app, "#failure-text")
        presets.highlighted = names.index("good")
        await pilot.press("enter")
        await pilot.pause()
        assert study_screen(app).state.origin_name == "good"


async def test_what_was_typed_comes_back_in_the_next_app(open_app: OpenApp, places: Places) -> None:
    first = open_app()
    async with first.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "genes", "12 not yet")
        await pilot.pause(1.8)
        await first.workers.wait_for_complete()
        assert take_draft(places.drafts) is not None
    second = open_app()
    async with second.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert second.screen.query_one("#field-genes", Input).value == "12 not yet"


@pytest.mark.parametrize("width", [80, 120])
async def test_the_focus_goes_down_the_screen_as_the_eye_does(open_app: OpenApp, width: int) -> None:
    app = open_app()
    async with app.run_test(size=(width, 40)) as pilot:
        await pilot.pause()
        rows = []
        for _ in range(22):
            await pilot.press("tab")
            focused = app.focused
            assert focused is not None
            if focused.id in ("command", "run"):
                break
            rows.append(focused.virtual_region_with_margin.y + focused.parent.virtual_region.y)
        assert rows == sorted(rows)
        assert len(rows) > 15


async def test_q_is_a_letter_in_a_field_and_leaves_outside(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await type_into(pilot, "name", "q")
        assert app.screen.query_one("#field-name", Input).value == "q"
        await pilot.press("escape", "q")
        await pilot.pause()
    assert app.return_value == 0
