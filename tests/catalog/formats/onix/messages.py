"""ONIX messages for the tests, in both vocabularies."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.catalog.formats.onix.reader import OnixSource
from app.catalog.formats.record import Record, SourceFormat, SourceOptions
from tests.catalog.formats.onix.structure import COMPOSITES, SHORT_TAGS

REFERENCE = "http://ns.editeur.org/onix/3.0/reference"
SHORT = "http://ns.editeur.org/onix/3.0/short"
SENDER = "Global Bookinfo"

HOBBIT = """
<Product>
  <RecordReference>com.globalbookinfo.onix.01734529</RecordReference>
  <NotificationType>03</NotificationType>
  <ProductIdentifier><ProductIDType>03</ProductIDType><IDValue>9780261102217</IDValue></ProductIdentifier>
  <ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>9780261102217</IDValue></ProductIdentifier>
  <DescriptiveDetail>
    <ProductComposition>00</ProductComposition>
    <ProductForm>BC</ProductForm>
    <Measure><MeasureType>01</MeasureType><Measurement>178</Measurement><MeasureUnitCode>mm</MeasureUnitCode></Measure>
    <Collection>
      <CollectionType>10</CollectionType>
      <TitleDetail><TitleType>01</TitleType>
        <TitleElement><TitleElementLevel>01</TitleElementLevel><PartNumber>1</PartNumber></TitleElement>
        <TitleElement><TitleElementLevel>02</TitleElementLevel><TitleText>Middle-earth</TitleText></TitleElement>
      </TitleDetail>
    </Collection>
    <TitleDetail><TitleType>01</TitleType>
      <TitleElement><TitleElementLevel>01</TitleElementLevel>
        <TitlePrefix>The</TitlePrefix><TitleWithoutPrefix>Hobbit</TitleWithoutPrefix>
        <Subtitle>There and Back Again</Subtitle></TitleElement>
    </TitleDetail>
    <Contributor><SequenceNumber>2</SequenceNumber><ContributorRole>A12</ContributorRole>
      <NamesBeforeKey>Alan</NamesBeforeKey><KeyNames>Lee</KeyNames></Contributor>
    <Contributor><SequenceNumber>1</SequenceNumber><ContributorRole>A01</ContributorRole>
      <PersonNameInverted>Tolkien, J. R. R.</PersonNameInverted></Contributor>
    <Contributor><SequenceNumber>3</SequenceNumber><ContributorRole>A23</ContributorRole>
      <PersonName>Christopher Tolkien</PersonName></Contributor>
    <EditionStatement>Illustrated edition</EditionStatement>
    <Language><LanguageRole>02</LanguageRole><LanguageCode>fre</LanguageCode></Language>
    <Language><LanguageRole>01</LanguageRole><LanguageCode>eng</LanguageCode></Language>
    <Extent><ExtentType>00</ExtentType><ExtentValue>310</ExtentValue><ExtentUnit>03</ExtentUnit></Extent>
    <Subject><SubjectSchemeIdentifier>10</SubjectSchemeIdentifier><SubjectCode>FIC009020</SubjectCode></Subject>
    <Subject><MainSubject/><SubjectSchemeIdentifier>93</SubjectSchemeIdentifier>
      <SubjectCode>FMB</SubjectCode><SubjectHeadingText>Epic fantasy</SubjectHeadingText></Subject>
    <Subject><SubjectSchemeIdentifier>94</SubjectSchemeIdentifier><SubjectCode>1DDU</SubjectCode></Subject>
    <Subject><SubjectSchemeIdentifier>20</SubjectSchemeIdentifier><SubjectHeadingText>rings</SubjectHeadingText></Subject>
  </DescriptiveDetail>
  <CollateralDetail>
    <TextContent><TextType>03</TextType><ContentAudience>00</ContentAudience>
      <Text>In a hole in the ground there lived a hobbit.</Text></TextContent>
  </CollateralDetail>
  <PublishingDetail>
    <Publisher><PublishingRole>01</PublishingRole><PublisherName>HarperCollins</PublisherName></Publisher>
    <PublishingStatus>04</PublishingStatus>
    <PublishingDate><PublishingDateRole>01</PublishingDateRole><Date dateformat="01">199105</Date></PublishingDate>
    <PublishingDate><PublishingDateRole>11</PublishingDateRole><Date dateformat="05">1937</Date></PublishingDate>
  </PublishingDetail>
  <ProductSupply>
    <SupplyDetail>
      <Supplier><SupplierRole>01</SupplierRole><SupplierName>A Distributor</SupplierName></Supplier>
      <ProductAvailability>21</ProductAvailability>
      <Stock><OnHand>12</OnHand></Stock>
      <Price><PriceType>01</PriceType><PriceAmount>9.00</PriceAmount><CurrencyCode>EUR</CurrencyCode></Price>
      <Price><PriceType>02</PriceType><PriceAmount>9.99</PriceAmount><CurrencyCode>EUR</CurrencyCode></Price>
      <Price><PriceType>02</PriceType><PriceAmount>8.99</PriceAmount><CurrencyCode>GBP</CurrencyCode></Price>
    </SupplyDetail>
  </ProductSupply>
</Product>
"""

HOBBIT_VALUES = {
    "title": "The Hobbit",
    "subtitle": "There and Back Again",
    "edition_statement": "Illustrated edition",
    "series": "Middle-earth",
    "series_position": "1",
    "contributors": [("J. R. R. Tolkien", "author"), ("Alan Lee", "illustrator")],
    "language": "en",
    "pages": 310,
    "format": "paperback",
    "description": "In a hole in the ground there lived a hobbit.",
    "publisher": "HarperCollins",
    "published_on": "1991-05",
    "first_published": 1937,
    "is_price_fixed": False,
    "supplier_availability": "available",
    "supplier_expected_on": None,
}

_SHORT_TAGS = {name: name.lower() for name in COMPOSITES} | SHORT_TAGS | {"ONIXMessage": "ONIXmessage"}


def message(*products: str, namespace: str = REFERENCE, header: str = "", prolog: str = "") -> str:
    """A whole message with reference names."""
    stated = f' xmlns="{namespace}"' if namespace else ""
    sender = f"<Sender><SenderName>{SENDER}</SenderName></Sender><SentDateTime>20260102</SentDateTime>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{prolog}<ONIXMessage{stated} release="3.0">\n'
        f"<Header>{sender}{header}</Header>\n{''.join(products)}</ONIXMessage>\n"
    )


def shortened(text: str) -> str:
    """The same message with short tags."""
    for name, short in sorted(_SHORT_TAGS.items(), key=lambda one: -len(one[0])):
        for before, after in (("<", ">"), ("</", ">"), ("<", "/>"), ("<", " ")):
            text = text.replace(f"{before}{name}{after}", f"{before}{short}{after}")
    return text.replace(REFERENCE, SHORT).replace("/3.1/reference", "/3.1/short")


def product(
    inner: str, *, isbn: str = "9780261102217", notification: str = "03", reference: str = "r.1"
) -> str:
    """A product with the blocks given."""
    return (
        f"<Product><RecordReference>{reference}</RecordReference><NotificationType>{notification}</NotificationType>"
        f"<ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>{isbn}</IDValue></ProductIdentifier>"
        f"{inner}</Product>\n"
    )


def descriptive(inner: str = "", title: str = "<TitleText>The Hobbit</TitleText>") -> str:
    """Block 1 with a title."""
    return (
        "<DescriptiveDetail><TitleDetail><TitleType>01</TitleType><TitleElement>"
        f"<TitleElementLevel>01</TitleElementLevel>{title}</TitleElement></TitleDetail>{inner}</DescriptiveDetail>"
    )


def collateral(text: str, attributes: str = "", kind: str = "03") -> str:
    """Block 2 with a description."""
    content = (
        f"<TextType>{kind}</TextType><ContentAudience>00</ContentAudience><Text{attributes}>{text}</Text>"
    )
    return f"<CollateralDetail><TextContent>{content}</TextContent></CollateralDetail>"


def supply(inner: str) -> str:
    """Block 6 with one supply detail."""
    return f"<ProductSupply><SupplyDetail>{inner}</SupplyDetail></ProductSupply>"


def price(
    amount: str, kind: str = "02", currency: str = "EUR", *, more: str = "", taxes: str = "", after: str = ""
) -> str:
    """One price: `more` stands before its amount, `taxes` behind it, `after` behind its currency."""
    stated = f"<CurrencyCode>{currency}</CurrencyCode>" if currency else ""
    typed = f"<PriceType>{kind}</PriceType>" if kind else ""
    return f"<Price>{typed}{more}<PriceAmount>{amount}</PriceAmount>{taxes}{stated}{after}</Price>"


def opened(path: Path, content: str | bytes, encoding: str | None = None, **shop: Any) -> OnixSource:
    """The content as a source of a shop that sells in euros, in Germany unless told otherwise."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return OnixSource(path, SourceOptions(SourceFormat.ONIX, "EUR", encoding, **{"country": "DE"} | shop))


def records_of(path: Path, content: str | bytes, encoding: str | None = None, **shop: Any) -> list[Record]:
    """All records of the content."""
    source = opened(path, content, encoding, **shop)
    try:
        return list(source)
    finally:
        source.close()


def only_record(
    path: Path, *blocks: str, shop: Mapping[str, Any] = MappingProxyType({}), **options: str
) -> Record:
    """The record of a message with one product of these blocks."""
    (record,) = records_of(path, message(product("".join(blocks), **options)), **shop)
    return record


def territory(**codes: str) -> str:
    """A territory: `countries="DE AT"`, `regions`, `without_countries`, `without_regions`."""
    names = {
        "countries": "CountriesIncluded",
        "regions": "RegionsIncluded",
        "without_countries": "CountriesExcluded",
        "without_regions": "RegionsExcluded",
    }
    return "".join(
        [
            "<Territory>",
            *(f"<{names[key]}>{code}</{names[key]}>" for key, code in codes.items()),
            "</Territory>",
        ]
    )


def dated(composite: str, role: str, day: str, form: str = "") -> str:
    """A date composite, such as `PriceDate`."""
    stated = f' dateformat="{form}"' if form else ""
    return f"<{composite}><{composite}Role>{role}</{composite}Role><Date{stated}>{day}</Date></{composite}>"
