"""What orders cost: parts add up, nothing is negative, and no order of lines or rules matters."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sales.pricing import (
    DiscountRule,
    DiscountType,
    Line,
    PricedLine,
    TaxClass,
    Totals,
    discounted,
    minor_units,
    price,
    round_money,
    spread,
)

PERCENTAGE, FIXED = DiscountType.PERCENTAGE, DiscountType.FIXED
D = Decimal


def a_line(
    item_id: int = 1, unit_price: str = "10.00", quantity: int = 1, *, is_price_fixed: bool = False
) -> Line:
    return Line(
        item_id, quantity, D(unit_price), TaxClass.PRINT, is_price_fixed, frozenset(), frozenset(), 300
    )


def a_rule(value: str = "10", kind: DiscountType = PERCENTAGE, rule_id: int = 1) -> DiscountRule:
    return DiscountRule(rule_id, f"Rule {rule_id}", None, kind, D(value))


@pytest.mark.parametrize(
    ("amount", "percent", "left"),
    [("100", "10", "90.00"), ("100", "0", "100.00"), ("50", "50", "25.00"), ("2.67", "50", "1.33")],
)
def test_a_percentage_leaves_the_rest(amount: str, percent: str, left: str) -> None:
    assert str(discounted(D(amount), PERCENTAGE, D(percent))) == left


@pytest.mark.parametrize(
    ("kind", "value", "most", "left"),
    [
        (FIXED, "30", None, "70.00"),
        (FIXED, "130", None, "0.00"),
        (FIXED, "30", "12.5", "87.50"),
        (PERCENTAGE, "50", "20", "80.00"),
        (PERCENTAGE, "100", None, "0.00"),
    ],
)
def test_a_discount_has_a_most_and_never_exceeds_the_goods(
    kind: DiscountType, value: str, most: str | None, left: str
) -> None:
    assert str(discounted(D(100), kind, D(value), D(most) if most else None)) == left


def test_tax_is_of_what_the_discount_leaves() -> None:
    totals = price([a_line(unit_price="999.99")], rules=[a_rule("15")], rates={TaxClass.PRINT: D("0.08")})
    assert (totals.subtotal, totals.discount) == (D("999.99"), D("150.00"))
    assert (totals.subtotal - totals.discount, totals.tax) == (D("849.99"), D("68.00"))
    assert totals.total == D("917.99")


def test_lines_add_up() -> None:
    lines = [a_line(1, "999.99"), a_line(2, "29.99", 2), a_line(3, "79.99")]
    totals = price(lines)
    assert totals.total == totals.subtotal == D("1139.96")
    assert sum(line.line.quantity for line in totals.lines) == 4


def test_gross_prices_contain_their_tax() -> None:
    totals = price(
        [a_line(unit_price="10.70")], rates={TaxClass.PRINT: D("0.07")}, is_gross=True, shipping=D("4.9")
    )
    assert (totals.tax, totals.total) == (D("0.70"), D("15.60"))


def test_each_line_is_rounded_half_up() -> None:
    rates = {TaxClass.PRINT: D("0.05")}
    totals = price([a_line(number, "2.50") for number in (1, 2, 3)], rates=rates)
    # 0.125 each: from the sum it would be 0.38, half to even 0.36.
    assert [str(line.tax) for line in totals.lines] == ["0.13"] * 3
    assert totals.tax == D("0.39")


@pytest.mark.parametrize(("currency", "total"), [("JPY", "1081"), ("EUR", "1080.92"), ("KWD", "1080.918")])
def test_amounts_have_the_decimals_of_their_currency(currency: str, total: str) -> None:
    totals = price([a_line(unit_price="1000.85")], rates={TaxClass.PRINT: D("0.08")}, currency=currency)
    assert str(totals.total) == total


def test_an_amount_in_the_smallest_unit_comes_out_even() -> None:
    assert [minor_units(D("12.30"), currency) for currency in ("EUR", "KWD")] == [1230, 12300]
    assert minor_units(D(500), "JPY") == 500
    with pytest.raises(ValueError, match="no amount of JPY"):
        minor_units(D("12.30"), "JPY")


def test_what_is_odd_falls_where_most_was_cut() -> None:
    assert [str(share) for share in spread(D("10.00"), [D(1), D(1), D(1)])] == ["3.34", "3.33", "3.33"]
    assert [str(share) for share in spread(D("0.05"), [D(13), D(4), D(3)])] == ["0.03", "0.01", "0.01"]
    assert spread(D(0), [D(0), D(0)]) == [D(0), D(0)]


def test_a_fixed_price_takes_no_discount() -> None:
    free, fixed = a_line(1, "20.00"), a_line(2, "30.00", is_price_fixed=True)
    totals = price([fixed, free], rules=[a_rule("50")])
    assert [line.discount for line in totals.lines] == [D(0), D("10.00")]
    assert totals.explain == (
        "Rule 1: 10.00 off.",
        "Rule 1: not for 1 of the lines, whose price is fixed.",
    )
    assert price([fixed], rules=[a_rule("50")]).applied == ()


def test_a_rule_is_for_what_it_names() -> None:
    lines = [
        a_line(1),
        a_line(2)._replace(category_ids=frozenset({7})),
        a_line(3)._replace(author_ids=frozenset({8})),
        a_line(4),
    ]
    rule = replace(
        a_rule(), item_ids=frozenset({1}), category_ids=frozenset({7}), author_ids=frozenset({8, 9})
    )
    totals = price(lines, rules=[rule])
    assert [line.discount for line in totals.lines] == [D(1), D(1), D(1), D(0)]
    totals = price(lines, rules=[replace(a_rule(), item_ids=frozenset({99}))])
    assert totals.explain == ("Rule 1: not applied, it is for none of these items.",)


def test_an_order_below_the_least_has_no_discount() -> None:
    rule = replace(a_rule(), min_order=D("50.00"))
    assert price([a_line(unit_price="49.99")], rules=[rule]).explain == (
        "Rule 1: not applied, the order must come to 50.00.",
    )
    assert price([a_line(unit_price="50.00")], rules=[rule]).discount == D("5.00")


def test_rules_stack_in_the_order_of_their_priority() -> None:
    ten, five = a_rule("10", rule_id=1), replace(a_rule("5", FIXED, 2), priority=1)
    totals = price([a_line(unit_price="100.00")], rules=[ten, five])
    assert [(one.rule_id, one.amount) for one in totals.applied] == [(2, D("5.00")), (1, D("9.50"))]


def test_an_exclusive_rule_stands_alone_where_it_saves_more() -> None:
    lines = [a_line(unit_price="100.00")]
    ten, five = a_rule("10", rule_id=1), a_rule("5", rule_id=2)
    alone = replace(a_rule("20", rule_id=3), is_exclusive=True)
    totals = price(lines, rules=[ten, five, alone])
    assert [one.rule_id for one in totals.applied] == [3]
    assert totals.explain == (
        "Rule 3: 20.00 off.",
        "Rule 1: not applied, it does not go with what is and saves no more.",
        "Rule 2: not applied, it does not go with what is and saves no more.",
    )
    totals = price(lines, rules=[ten, five, replace(alone, value=D(14))])
    assert [one.rule_id for one in totals.applied] == [1, 2]
    assert totals.discount == D("14.50")


AMOUNTS = st.decimals(min_value=0, max_value=10_000, places=2)
IDS = st.frozensets(st.integers(1, 4), max_size=2)


@st.composite
def some_lines(draw: st.DrawFn) -> list[Line]:
    item_ids = draw(st.lists(st.integers(1, 50), max_size=8, unique=True))
    return [
        Line(
            item_id,
            draw(st.integers(1, 1000)),
            draw(AMOUNTS),
            draw(st.sampled_from(TaxClass)),
            draw(st.booleans()),
            draw(IDS),
            draw(IDS),
            draw(st.integers(0, 5000)),
        )
        for item_id in item_ids
    ]


@st.composite
def some_rules(draw: st.DrawFn) -> list[DiscountRule]:
    return [
        DiscountRule(
            id=number,
            name=f"Rule {number}",
            code=None,
            discount_type=draw(st.sampled_from(DiscountType)),
            value=draw(st.decimals(min_value="0.01", max_value=100, places=2)),
            min_order=draw(AMOUNTS),
            max_discount=draw(st.none() | AMOUNTS),
            is_exclusive=draw(st.booleans()),
            priority=draw(st.integers(0, 2)),
            item_ids=draw(IDS),
            category_ids=draw(IDS),
            author_ids=draw(IDS),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


RATES = st.dictionaries(
    st.sampled_from(TaxClass), st.decimals(min_value=0, max_value=1, places=4), max_size=3
)
ORDERS = st.fixed_dictionaries(
    {
        "rates": RATES,
        "is_gross": st.booleans(),
        "shipping": AMOUNTS,
        "currency": st.sampled_from(["EUR", "JPY", "KWD"]),
    }
)


@given(some_lines(), some_rules(), ORDERS)
def test_parts_add_up_and_nothing_is_negative(
    lines: list[Line], rules: list[DiscountRule], order: dict[str, object]
) -> None:
    totals = price(lines, rules=rules, **order)  # type: ignore[arg-type]  # of the strategy's own making
    assert totals.subtotal == sum(line.line_total for line in totals.lines)
    assert totals.discount == sum(line.discount for line in totals.lines)
    assert totals.discount == sum(one.amount for one in totals.applied)
    assert totals.tax == sum(line.tax for line in totals.lines)
    own = D(0) if order["is_gross"] else totals.tax
    assert totals.total == totals.subtotal - totals.discount + totals.shipping + own
    for line in totals.lines:
        assert 0 <= line.discount <= line.line_total
        assert 0 <= line.tax <= line.line_total - line.discount
        assert not (line.discount and line.line.is_price_fixed)
    assert all(one.amount > 0 for one in totals.applied)
    limits = {rule.id: rule for rule in rules}
    for one in totals.applied:
        most = limits[one.rule_id].max_discount
        assert most is None or one.amount <= round_money(most, str(order["currency"]))
    exclusive = [one for one in totals.applied if limits[one.rule_id].is_exclusive]
    assert not exclusive or len(totals.applied) == 1


@given(some_lines(), some_rules(), ORDERS, st.randoms())
def test_no_order_of_lines_or_rules_matters(
    lines: list[Line], rules: list[DiscountRule], order: dict[str, object], random: Random
) -> None:
    def told(lines: Sequence[Line], rules: Sequence[DiscountRule]) -> tuple[list[PricedLine], Totals]:
        totals = price(lines, rules=rules, **order)  # type: ignore[arg-type]  # of the strategy's own making
        return sorted(totals.lines, key=lambda line: line.line.item_id), totals._replace(lines=())

    other_lines, other_rules = list(lines), list(rules)
    random.shuffle(other_lines)
    random.shuffle(other_rules)
    assert told(lines, rules) == told(other_lines, other_rules)


@given(st.lists(AMOUNTS, min_size=1, max_size=20), st.decimals(min_value=0, max_value=1, places=3))
def test_shares_add_up_and_stay_within_their_weights(weights: list[Decimal], part: Decimal) -> None:
    amount = round_money(sum(weights, D(0)) * part)
    shares = spread(amount, weights)
    assert sum(shares) == (amount if sum(weights) else 0)
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


@given(AMOUNTS, st.decimals(min_value=0, max_value=100, places=2), st.sampled_from(DiscountType))
def test_a_discount_leaves_between_nothing_and_all(
    amount: Decimal, value: Decimal, kind: DiscountType
) -> None:
    assert 0 <= discounted(amount, kind, value) <= amount
