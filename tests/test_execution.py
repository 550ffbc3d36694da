"""Settings of execution."""

from __future__ import annotations

import pytest

from regnet.errors import InputError
from regnet.execution import Execution
from regnet.study import study_parameters


def test_text_is_as_good_as_values() -> None:
    assert Execution(jobs="4", cores="2") == Execution(jobs=4, cores=2)  # type: ignore[arg-type]
    assert Execution(jobs="auto").jobs == "auto"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"jobs": 0}, "jobs"),
        ({"jobs": "many"}, "jobs: wanted auto or a whole number"),
        ({"cores": "auto"}, "cores"),
        ({"time_limit": -1}, "time_limit"),
        ({"keep": "some"}, "keep"),
        ({"backend": "dask"}, "scheduler: wanted the address"),
        ({"scheduler": "tcp://x:1"}, "use backend dask"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Execution(**fields)  # type: ignore[arg-type]


def test_no_setting_of_execution_is_a_parameter_of_a_study() -> None:
    assert not set(Execution.__dataclass_fields__) & set(study_parameters())
