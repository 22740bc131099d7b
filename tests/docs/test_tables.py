"""How a table of a page is written."""

from docs.tables import table


def test_a_bar_in_a_cell_does_not_end_the_cell() -> None:
    assert table(["a"], [["x | y"]]) == "| a |\n| --- |\n| x \\| y |\n"
