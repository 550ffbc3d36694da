"""Expression tables keep their values and names; cells may be missing."""

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.files.expression import read_expression


def test_missing_values_are_kept_and_counted(tmp_path):
    path = tmp_path / "expression.csv"
    path.write_text("gene,heat,cold\nA,1,\nB,NA,-2.5\n")
    table = read_expression(path)
    assert (table.genes, table.conditions) == (("A", "B"), ("heat", "cold"))
    np.testing.assert_array_equal(table.expression, [[1.0, np.nan], [np.nan, -2.5]])
    assert table.n_missing == 2
    assert table.to_frame().loc["B", "cold"] == -2.5


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "gene,heat,heat\nA,1,2\n",
            "line 1: wanted conditions with distinct names, found 'heat' in columns 2 and 3",
        ),
        ("gene,heat\nA,1\nA,2\n", "wanted genes with distinct names, found 'A' on lines 2 and 3"),
        ("gene,heat\nA,hot\n", "line 2, condition 'heat': wanted a finite number, found 'hot'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, content, expected):
    path = tmp_path / "expression.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=expected):
        read_expression(path)
