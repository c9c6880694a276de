"""A copy's weight, in whole grams whatever the message measures in."""

from pathlib import Path

import pytest

from tests.catalog.formats.onix.messages import descriptive, only_record

UNKNOWN = object()


def _measure(kind: str, measured: str, unit: str) -> str:
    return (
        f"<Measure><MeasureType>{kind}</MeasureType><Measurement>{measured}</Measurement>"
        f"<MeasureUnitCode>{unit}</MeasureUnitCode></Measure>"
    )


@pytest.mark.parametrize(
    ("measures", "grams", "warning"),
    [
        (_measure("08", "310", "gr"), 310, None),
        (_measure("08", "0.31", "kg"), 310, None),
        (_measure("08", "10.9", "oz"), 309, None),
        (_measure("08", "1.5", "lb"), 680, None),
        (_measure("08", "0.5", "gr"), 1, None),
        (_measure("01", "178", "mm") + _measure("08", "310", "gr"), 310, None),
        (_measure("08", "0", "gr"), UNKNOWN, None),
        (_measure("08", "0.00", "kg"), UNKNOWN, None),
        (_measure("08", "310", "mm"), UNKNOWN, None),
        (_measure("01", "310", "gr"), UNKNOWN, None),
        ("", UNKNOWN, None),
        (_measure("08", "310,5", "gr"), UNKNOWN, "not-a-number"),
        (_measure("08", "-3", "gr"), UNKNOWN, "not-a-number"),
        (_measure("08", "٣", "gr"), UNKNOWN, "not-a-number"),
        (_measure("08", "9" * 10_000, "gr"), UNKNOWN, "not-a-number"),
        (_measure("08", "0.4", "gr"), UNKNOWN, "greater_than_equal"),
        (_measure("08", "1001", "kg"), UNKNOWN, "less_than_equal"),
    ],
)
def test_the_unit_weight_is_read_and_none_leaves_what_the_shop_weighed(
    tmp_path: Path, measures: str, grams: object, warning: str | None
) -> None:
    record = only_record(tmp_path / "message.xml", descriptive(measures))
    assert record.values.get("weight_grams", UNKNOWN) == grams
    assert [one.type for one in record.warnings] == ([warning] if warning else [])
