import pytest

from app.catalog.authors.names import sort_name


@pytest.mark.parametrize(
    ("name", "filed"),
    [
        ("J.R.R. Tolkien", "Tolkien, J.R.R."),
        ("Ursula K. Le Guin", "Le Guin, Ursula K."),
        ("Daphne du Maurier", "du Maurier, Daphne"),
        ("Johann Wolfgang von Goethe", "Goethe, Johann Wolfgang von"),
        ("Simone de Beauvoir", "Beauvoir, Simone de"),
        ("Chris Van Allsburg", "Van Allsburg, Chris"),
        ("Kurt Vonnegut Jr.", "Vonnegut, Kurt, Jr."),
        ("Martin Luther King, Jr.", "King, Martin Luther, Jr."),
        ("  Ada   Lovelace ", "Lovelace, Ada"),
    ],
)
def test_a_name_is_filed_by_family_name(name: str, filed: str) -> None:
    assert sort_name(name) == filed


@pytest.mark.parametrize(
    "name",
    ["Homer", "Tolkien, J.R.R.", "Augustine of Hippo", "Better Homes and Gardens", "村上 春樹", "X"],
)
def test_a_name_that_has_no_family_name_at_its_end_stays(name: str) -> None:
    assert sort_name(name) == name
