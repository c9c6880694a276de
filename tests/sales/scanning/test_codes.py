"""What scanners and people send of a code, and what is read in it."""

import pytest

from app.sales.scanning.codes import ScannedCode, in_store_code, read_code

ISBN = "9780261102217"


@pytest.mark.parametrize(
    ("code", "read"),
    [
        (ISBN, ScannedCode(isbn=ISBN)),
        ("978-0-261-10221-7", ScannedCode(isbn=ISBN)),
        (" 978 0 261 10221 7 ", ScannedCode(isbn=ISBN)),
        ("0261102214", ScannedCode(isbn=ISBN)),
        ("ISBN 0-261-10221-4", ScannedCode(isbn=ISBN)),
        ("080442957x", ScannedCode(isbn="9780804429573")),
        ("９７８０２６１１０２２１７", ScannedCode(isbn=ISBN)),
        (f"{ISBN}51299", ScannedCode(isbn=ISBN, add_on="51299")),
        (f"{ISBN} 51299", ScannedCode(isbn=ISBN, add_on="51299")),
        ("978-0-261-10221-7 51299", ScannedCode(isbn=ISBN, add_on="51299")),
        (f"{ISBN}\t05", ScannedCode(isbn=ISBN, add_on="05")),
        ("BK-000042", ScannedCode(sku="BK-000042")),
        (" bk-000042 ", ScannedCode(sku="BK-000042")),
        ("BK–0042", ScannedCode(sku="BK-0042")),
        ("st-0042", ScannedCode(sku="ST-0042")),
        ("2000000000428", ScannedCode(item_id=42)),
    ],
)
def test_codes_are_read_in_every_form(code: str, read: ScannedCode) -> None:
    assert read_code(code) == read


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("9780261102218", "check digit"),
        ("9780261102218 51299", "check digit"),
        ("2000000000420", "check digit"),
        ("٢٠٠٠٠٠٠٠٠٠٤٢٨", "digits"),
        ("9771234567003", "found by their SKU"),
        ("977123456700305", "found by their SKU"),
        ("9790260000438", "found by their SKU"),
        ("4006381333931", "found by their SKU"),
        ("0261102215", "check digit"),
        ("97802611022175129", "digits"),
        ("९७८०२६११०२२१७", "digits"),
        ("hello", "digits"),
        ("BK-42", "digits"),
        ("📚", "digits"),
        ("1" * 100, "digits"),
    ],
)
def test_what_is_no_code_is_told_why(code: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_code(code)


@pytest.mark.parametrize("item_id", [1, 42, 99_999_999_999])
def test_the_number_of_a_label_leads_back_to_its_item(item_id: int) -> None:
    assert read_code(in_store_code(item_id)) == ScannedCode(item_id=item_id)
