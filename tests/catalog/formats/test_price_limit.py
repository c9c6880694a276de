"""A price is 1,000,000 at most in files of every format."""

from pathlib import Path

import pytest

from tests.catalog.formats.reading import records_of

ISBN = "9780261102217"


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize(
    ("price", "is_taken"), [("1000000", True), ("1000000.01", False), ("99999999", False)]
)
def test_a_price_in_a_file_has_the_limit_of_every_door(
    tmp_path: Path, form: str, price: str, is_taken: bool
) -> None:
    content = {
        "csv": f"isbn,title,price\n{ISBN},T,{price}\n",
        "ndjson": f'{{"isbn": "{ISBN}", "title": "T", "price": {price}}}\n',
    }
    [record] = records_of(tmp_path / "file", content[form].encode(), format=form)
    assert [warning.field for warning in record.warnings] == ([] if is_taken else ["price"])
    assert ("price" in record.values, record.problems) == (is_taken, [])
