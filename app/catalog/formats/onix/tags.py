"""The two vocabularies of ONIX for Books 3.0: reference names and short tags.

Source: EDItEUR, ONIX for Books Product Information Format Specification, Release 3.0 revision 8, and its
schema ONIX_BookProduct_3.0_short.xsd. Only what is mapped stands here; the rest is kept as it came.
"""

NAMESPACES = frozenset(
    f"http://{host}.editeur.org/onix/{release}/{vocabulary}"
    for host in ("ns", "www")
    for release in ("3.0", "3.1")
    for vocabulary in ("reference", "short")
)
"""The first schemas of 3.0 said `www`. 3.1 took elements away that are not read here, and added others that stay raw."""

_CODED = """
    a001:RecordReference a002:NotificationType b221:ProductIDType b233:IDTypeName b244:IDValue
    x298:SenderName m186:DefaultCurrencyCode x310:DefaultPriceType
    x314:ProductComposition b012:ProductForm
    x329:CollectionType x481:CollectionSequenceNumber
    b202:TitleType x409:TitleElementLevel x410:PartNumber b203:TitleText b030:TitlePrefix
    b058:EditionStatement
    x501:NoPrefix b031:TitleWithoutPrefix b029:Subtitle
    b034:SequenceNumber b035:ContributorRole b036:PersonName b037:PersonNameInverted
    b038:TitlesBeforeNames b039:NamesBeforeKey b247:PrefixToKey b040:KeyNames b041:NamesAfterKey
    b248:SuffixToKey b047:CorporateName
    b253:LanguageRole b252:LanguageCode b251:CountryCode x420:ScriptCode
    b218:ExtentType b219:ExtentValue b220:ExtentUnit x315:MeasureType c094:Measurement c095:MeasureUnitCode
    x425:MainSubject b067:SubjectSchemeIdentifier b171:SubjectSchemeName b069:SubjectCode
    b070:SubjectHeadingText
    x426:TextType x427:ContentAudience d104:Text
    b079:ImprintName b291:PublishingRole b081:PublisherName x447:PublisherIDType x448:PublishingDateRole b306:Date j260:DateFormat
    j292:SupplierRole j137:SupplierName j396:ProductAvailability j350:OnHand j192:UnpricedItemType
    x502:Proximity x461:SupplyDateRole j302:ExpectedDate
    x462:PriceType j261:PriceQualifier j262:PriceTypeDescription j239:PricePer x463:PriceConditionType
    j263:MinimumOrderQuantity j266:PriceStatus j151:PriceAmount j152:CurrencyCode x475:CurrencyZone
    x470:TaxType x471:TaxRateCode x472:TaxRatePercent x473:TaxableAmount x474:TaxAmount x546:TaxExempt
    x476:PriceDateRole x301:PrintedOnProduct x313:PositionOnProduct
    x449:CountriesIncluded x450:RegionsIncluded x451:CountriesExcluded x452:RegionsExcluded
    x429:ContentDateRole
"""

_COMPOSITES = """
    Header Sender Product ProductIdentifier DescriptiveDetail CollateralDetail ContentDetail
    PublishingDetail RelatedMaterial ProductionDetail PromotionDetail ProductSupply
    Collection CollectionSequence TitleDetail TitleElement Contributor Language Measure Extent Subject TextContent
    Imprint Publisher PublisherIdentifier PublishingDate Market Territory SalesRestriction SupplyDetail Supplier SupplyDate
    Stock OnOrderDetail Price PriceIdentifier PriceCondition PriceDate BatchBonus DiscountCoded Discount Tax
    ComparisonProductPrice ContentDate
"""

REFERENCE_NAMES = {short: name for short, _, name in (entry.partition(":") for entry in _CODED.split())} | {
    name.lower(): name for name in _COMPOSITES.split()
}
"""Short tag → reference name; a composite's short tag is its name in lower case."""

ROOTS = frozenset({"ONIXMessage", "ONIXmessage"})
"""The short one has a small m."""


def reference_name(tag: str) -> str:
    """The reference name of an element of either vocabulary; unknown ones stay as they are."""
    local = tag.rpartition("}")[2]
    return REFERENCE_NAMES.get(local, local)
