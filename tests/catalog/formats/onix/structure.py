"""The structure of ONIX for Books, releases 3.0 and 3.1, as far as this shop reads and writes it: a check for tests.

Facts of EDItEUR's Product Information Format Specification (3.0 revision 8, 3.1), written down here by hand: which
elements a composite holds, in which order and how often, and their short tags. Content models are as in a DTD.
"""

import re
from functools import cache
from typing import Any

from lxml import etree

_MODELS = """
ONIXMessage: Header, Product*
Header: Sender, Addressee*, MessageNumber?, MessageRepeat?, SentDateTime, MessageNote*, DefaultLanguageOfText?,
    DefaultPriceType?, DefaultCurrencyCode?
Sender: ((SenderIdentifier+, SenderName?) | SenderName), ContactName?, EmailAddress?
SenderIdentifier: SenderIDType, IDTypeName?, IDValue
Product: RecordReference, NotificationType, DeletionText*, RecordSourceType?, RecordSourceIdentifier*,
    RecordSourceName?, ProductIdentifier+, Barcode*, DescriptiveDetail?, CollateralDetail?, ContentDetail?,
    PublishingDetail?, RelatedMaterial?, ProductSupply*
ProductIdentifier: ProductIDType, IDTypeName?, IDValue
DescriptiveDetail: ProductComposition, ProductForm, ProductFormDetail*, ProductFormDescription*,
    PrimaryContentType?, ProductContentType*, Measure*, (Collection+ | NoCollection)?, TitleDetail+,
    ((Contributor+, ContributorStatement*) | NoContributor)?, EditionType*, EditionNumber?, EditionStatement*,
    NoEdition?, Language*, Extent*, IllustrationsNote*, AncillaryContent*, Subject*, Audience*
Measure: MeasureType, Measurement, MeasureUnitCode
Collection: CollectionType, SourceName?, CollectionIdentifier*, CollectionSequence*, TitleDetail*, Contributor*
CollectionSequence: CollectionSequenceType, CollectionSequenceTypeName?, CollectionSequenceNumber
TitleDetail: TitleType, TitleElement+, TitleStatement?
TitleElement: SequenceNumber?, TitleElementLevel,
    ((PartNumber, YearOfAnnual?, (TitleText | ((TitlePrefix | NoPrefix), TitleWithoutPrefix))?)
    | (YearOfAnnual, (TitleText | ((TitlePrefix | NoPrefix), TitleWithoutPrefix))?)
    | TitleText | ((TitlePrefix | NoPrefix), TitleWithoutPrefix)), Subtitle?
Contributor: SequenceNumber?, ContributorRole+, FromLanguage*, ToLanguage*, NameType?, NameIdentifier*,
    ((((PersonName, PersonNameInverted?) | PersonNameInverted),
    (TitlesBeforeNames?, NamesBeforeKey?, PrefixToKey?, KeyNames, NamesAfterKey?, SuffixToKey?)?)
    | (TitlesBeforeNames?, NamesBeforeKey?, PrefixToKey?, KeyNames, NamesAfterKey?, SuffixToKey?)
    | CorporateName | UnnamedPersons), BiographicalNote*
Language: LanguageRole, LanguageCode, CountryCode?, RegionCode?, ScriptCode?
Extent: ExtentType, ExtentValue, ExtentUnit
Subject: MainSubject?, SubjectSchemeIdentifier, SubjectSchemeName?, SubjectSchemeVersion?,
    ((SubjectCode, SubjectHeadingText*) | SubjectHeadingText+)
CollateralDetail: TextContent*, CitedContent*, SupportingResource*
TextContent: TextType, ContentAudience+, Territory?, Text+, ReviewRating?, TextAuthor*, TextSourceCorporate?,
    TextSourceDescription*, SourceTitle*, ContentDate*
ContentDate: ContentDateRole, DateFormat?, Date
PublishingDetail: ((Imprint+, Publisher*) | Publisher+), CityOfPublication*, CountryOfPublication?,
    (PublishingStatus, PublishingStatusNote*)?, PublishingDate*
Imprint: (ImprintIdentifier+, ImprintName?) | ImprintName
ImprintIdentifier: ImprintIDType, IDTypeName?, IDValue
Publisher: PublishingRole, ((PublisherIdentifier+, PublisherName?) | PublisherName)
PublisherIdentifier: PublisherIDType, IDTypeName?, IDValue
PublishingDate: PublishingDateRole, DateFormat?, Date
ProductSupply: Market*, MarketPublishingDetail?, SupplyDetail+
Market: Territory, SalesRestriction*
Territory: (CountriesIncluded, RegionsIncluded?, RegionsExcluded?)
    | (RegionsIncluded, CountriesExcluded?, RegionsExcluded?)
SupplyDetail: Supplier, ReturnsConditions*, ProductAvailability, SupplyDate*, OrderTime?, Stock*, PackQuantity?,
    (UnpricedItemType | Price+)
Supplier: SupplierRole, ((SupplierIdentifier+, SupplierName?) | SupplierName)
SupplierIdentifier: SupplierIDType, IDTypeName?, IDValue
SupplyDate: SupplyDateRole, DateFormat?, Date
Stock: LocationIdentifier*, LocationName*, OnHand, Proximity?, OnOrder?, Proximity?, CBO?, Proximity?, OnOrderDetail*
OnOrderDetail: OnOrder, Proximity?, ExpectedDate
Price: PriceIdentifier*, PriceType?, PriceQualifier?, EpubTechnicalProtection*, PriceConstraint*, EpubLicense?,
    PriceTypeDescription*, PricePer?, PriceCondition*, MinimumOrderQuantity?, BatchBonus*, DiscountCoded*, Discount*,
    PriceStatus?, ((PriceAmount, (Tax+ | TaxExempt)?) | UnpricedItemType), CurrencyCode?, Territory?, CurrencyZone?,
    ComparisonProductPrice*, PriceDate*, (PrintedOnProduct, PositionOnProduct?)?
PriceCondition: PriceConditionType, PriceConditionQuantity*, ProductIdentifier*
BatchBonus: BatchQuantity, FreeQuantity
DiscountCoded: DiscountCodeType, DiscountCodeTypeName?, DiscountCode
Tax: ProductIdentifier*, PricePartDescription*, TaxType?, TaxRateCode?,
    ((TaxRatePercent, TaxableAmount?, TaxAmount?) | (TaxableAmount?, TaxAmount))
PriceDate: PriceDateRole, DateFormat?, Date
"""
_GONE_IN_31 = re.compile(r"(?:DateFormat|CurrencyZone)\?, ")
_SHORT = """
a001 RecordReference a002 NotificationType a199 DeletionText b221 ProductIDType b233 IDTypeName b244 IDValue
x298 SenderName m379 SenderIDType x307 SentDateTime m186 DefaultCurrencyCode x310 DefaultPriceType
x314 ProductComposition b012 ProductForm x315 MeasureType c094 Measurement c095 MeasureUnitCode
x329 CollectionType x479 CollectionSequenceType x481 CollectionSequenceNumber b202 TitleType x409 TitleElementLevel
x410 PartNumber b203 TitleText b030 TitlePrefix x501 NoPrefix b031 TitleWithoutPrefix b029 Subtitle
b034 SequenceNumber b035 ContributorRole b036 PersonName b037 PersonNameInverted b038 TitlesBeforeNames
b039 NamesBeforeKey b247 PrefixToKey b040 KeyNames b041 NamesAfterKey b248 SuffixToKey b047 CorporateName
b249 UnnamedPersons b058 EditionStatement b253 LanguageRole b252 LanguageCode b251 CountryCode x420 ScriptCode
b218 ExtentType b219 ExtentValue b220 ExtentUnit x425 MainSubject b067 SubjectSchemeIdentifier
b171 SubjectSchemeName b069 SubjectCode b070 SubjectHeadingText x426 TextType x427 ContentAudience d104 Text
d107 TextAuthor x428 SourceTitle x429 ContentDateRole j260 DateFormat b306 Date b079 ImprintName
b291 PublishingRole b081 PublisherName x447 PublisherIDType b394 PublishingStatus x448 PublishingDateRole
j292 SupplierRole j137 SupplierName j396 ProductAvailability x461 SupplyDateRole j349 LocationName j350 OnHand
x502 Proximity j351 OnOrder j302 ExpectedDate j192 UnpricedItemType x462 PriceType j261 PriceQualifier
j239 PricePer x463 PriceConditionType j263 MinimumOrderQuantity j264 BatchQuantity j265 FreeQuantity
j363 DiscountCodeType j364 DiscountCode j266 PriceStatus j151 PriceAmount x470 TaxType x471 TaxRateCode
x472 TaxRatePercent x473 TaxableAmount x474 TaxAmount x546 TaxExempt j152 CurrencyCode x475 CurrencyZone
x449 CountriesIncluded x450 RegionsIncluded x451 CountriesExcluded x452 RegionsExcluded x476 PriceDateRole
"""
_WORDS = _SHORT.split()
SHORT_TAGS = dict(zip(_WORDS[1::2], _WORDS[::2], strict=True))
"""Reference name → short tag; that of a composite is its name in lower case."""

COMPOSITES = tuple(re.findall(r"^(\w+):", _MODELS, re.MULTILINE))

_EMPTY = frozenset({"MainSubject", "NoPrefix", "NoCollection", "NoContributor", "NoEdition", "TaxExempt"})
_FLOW = frozenset({"Text"})
"""Elements that may hold XHTML."""


@cache
def _models(release: str) -> dict[str, re.Pattern[str]]:
    text = re.sub(r"\n\s+", " ", _MODELS)
    if release == "3.1":
        text = _GONE_IN_31.sub("", text)
    models = (line.split(": ", 1) for line in text.strip().splitlines())
    return {
        name: re.compile(re.sub(r"\w+", r"(?:\g<0>;)", model).replace(",", "").replace(" ", ""))
        for name, model in models
    }


def structure_faults(content: bytes) -> list[str]:
    """What of a message is not as its release and its vocabulary have it; [] for a valid one."""
    root = etree.fromstring(content)
    release = root.get("release", "")
    is_short = etree.QName(root).localname == "ONIXmessage"
    vocabulary = "short" if is_short else "reference"
    namespace = f"http://ns.editeur.org/onix/{release}/{vocabulary}"
    if release not in {"3.0", "3.1"} or etree.QName(root).namespace != namespace:
        return [f"release {release!r} in the namespace {etree.QName(root).namespace!r}"]
    names = {short: name for name, short in SHORT_TAGS.items()} | {
        name.lower(): name for name in _models(release)
    }
    names["ONIXmessage"] = "ONIXMessage"
    return list(_faults(root, release, names if is_short else None, namespace))


def _faults(element: Any, release: str, names: dict[str, str] | None, namespace: str) -> Any:
    tag = etree.QName(element)
    name = names.get(tag.localname, f"?{tag.localname}") if names else tag.localname
    where = f"{name} in line {element.sourceline}"
    if tag.namespace != namespace:
        yield f"{where}: in the namespace {tag.namespace}"
    model = _models(release).get(name)
    if model is None:
        if name not in SHORT_TAGS and name not in _EMPTY:
            yield f"{where}: unknown"
        elif name not in _FLOW and len(element):
            yield f"{where}: has elements"
        elif (name in _EMPTY) == bool((element.text or "").strip() or len(element)):
            yield f"{where}: is empty, or should be"
        return
    children = [etree.QName(child).localname for child in element.iterchildren("*")]
    shown = "".join(f"{names.get(child, child) if names else child};" for child in children)
    if not model.fullmatch(shown):
        yield f"{where}: may not hold {shown}"
    if "".join([element.text or "", *(child.tail or "" for child in element)]).strip():
        yield f"{where}: has text"
    for child in element.iterchildren("*"):
        yield from _faults(child, release, names, namespace)
