"""Whole records as distributors send them, valid by the structure of both releases: a volume of a set, and an update."""

from tests.catalog.formats.onix.messages import REFERENCE, SENDER, message, shortened

VOLUME_ISBN = "9780261103573"
VOLUME = f"""
<Product>
  <RecordReference>com.globalbookinfo.onix.77</RecordReference>
  <NotificationType>03</NotificationType>
  <ProductIdentifier><ProductIDType>01</ProductIDType><IDTypeName>Artikelnummer</IDTypeName><IDValue>4711</IDValue></ProductIdentifier>
  <ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>{VOLUME_ISBN}</IDValue></ProductIdentifier>
  <DescriptiveDetail>
    <ProductComposition>00</ProductComposition><ProductForm>BB</ProductForm>
    <TitleDetail><TitleType>01</TitleType>
      <TitleElement><TitleElementLevel>02</TitleElementLevel><TitleText>Gesammelte Werke</TitleText></TitleElement>
      <TitleElement><TitleElementLevel>01</TitleElementLevel><PartNumber>Band 2</PartNumber>
        <TitlePrefix>Die</TitlePrefix><TitleWithoutPrefix>Gedichte</TitleWithoutPrefix><Subtitle>1801–1810</Subtitle></TitleElement>
    </TitleDetail>
    <Contributor><SequenceNumber>1</SequenceNumber><ContributorRole>A01</ContributorRole>
      <PersonName>Anna Muster</PersonName><PersonNameInverted>Muster, Anna</PersonNameInverted></Contributor>
    <Contributor><SequenceNumber>2</SequenceNumber><ContributorRole>B01</ContributorRole>
      <NamesBeforeKey>Ludwig</NamesBeforeKey><PrefixToKey>van</PrefixToKey><KeyNames>Beispiel</KeyNames></Contributor>
    <Language><LanguageRole>01</LanguageRole><LanguageCode>ger</LanguageCode><CountryCode>DE</CountryCode></Language>
    <Extent><ExtentType>00</ExtentType><ExtentValue>412</ExtentValue><ExtentUnit>03</ExtentUnit></Extent>
    <Subject><MainSubject/><SubjectSchemeIdentifier>93</SubjectSchemeIdentifier><SubjectCode>DCF</SubjectCode></Subject>
  </DescriptiveDetail>
  <CollateralDetail>
    <TextContent><TextType>03</TextType><ContentAudience>02</ContentAudience><Text>45 % bis Freitag.</Text></TextContent>
    <TextContent><TextType>03</TextType><ContentAudience>00</ContentAudience>
      <Text textformat="05"><p>Für alle, und länger als das andere.</p></Text></TextContent>
    <TextContent><TextType>03</TextType><ContentAudience>03</ContentAudience>
      <Territory><CountriesIncluded>AT DE</CountriesIncluded></Territory><Text>Für Leser.</Text><TextAuthor>Red.</TextAuthor>
      <ContentDate><ContentDateRole>14</ContentDateRole><Date dateformat="00">20200101</Date></ContentDate></TextContent>
    <TextContent><TextType>03</TextType><ContentAudience>03</ContentAudience><Text>Nicht mehr, und das längste von allen.</Text>
      <ContentDate><ContentDateRole>15</ContentDateRole><Date dateformat="00">20191231</Date></ContentDate></TextContent>
  </CollateralDetail>
  <PublishingDetail>
    <Imprint><ImprintName>Lyrik</ImprintName></Imprint>
    <Publisher><PublishingRole>01</PublishingRole><PublisherName>Verlag Muster</PublisherName></Publisher>
    <PublishingStatus>02</PublishingStatus>
    <PublishingDate><PublishingDateRole>01</PublishingDateRole><Date dateformat="01">202503</Date></PublishingDate>
  </PublishingDetail>
  <ProductSupply>
    <Market><Territory><RegionsIncluded>WORLD</RegionsIncluded><CountriesExcluded>US CA</CountriesExcluded></Territory></Market>
    <SupplyDetail>
      <Supplier><SupplierRole>02</SupplierRole><SupplierName>Auslieferung</SupplierName></Supplier>
      <ProductAvailability>32</ProductAvailability>
      <SupplyDate><SupplyDateRole>08</SupplyDateRole><Date dateformat="01">202703</Date></SupplyDate>
      <Stock><LocationName>Leipzig</LocationName><OnHand>0696</OnHand><Proximity>03</Proximity>
        <OnOrder>500</OnOrder><OnOrderDetail><OnOrder>500</OnOrder><ExpectedDate>20270301</ExpectedDate></OnOrderDetail></Stock>
      <Price><PriceType>04</PriceType><PriceStatus>02</PriceStatus><PriceAmount>29.80</PriceAmount><CurrencyCode>EUR</CurrencyCode>
        <Territory><CountriesIncluded>AT</CountriesIncluded></Territory></Price>
      <Price><PriceType>04</PriceType><DiscountCoded><DiscountCodeType>02</DiscountCodeType><DiscountCode>A</DiscountCode></DiscountCoded>
        <PriceStatus>02</PriceStatus><PriceAmount>29.00</PriceAmount>
        <Tax><TaxType>01</TaxType><TaxRateCode>R</TaxRateCode><TaxRatePercent>7</TaxRatePercent><TaxableAmount>27.10</TaxableAmount><TaxAmount>1.90</TaxAmount></Tax>
        <CurrencyCode>EUR</CurrencyCode><Territory><CountriesIncluded>DE</CountriesIncluded></Territory></Price>
      <Price><PriceType>04</PriceType><PriceAmount>24.00</PriceAmount><CurrencyCode>EUR</CurrencyCode>
        <Territory><CountriesIncluded>DE</CountriesIncluded></Territory>
        <PriceDate><PriceDateRole>15</PriceDateRole><Date dateformat="00">20250630</Date></PriceDate></Price>
      <Price><PriceType>04</PriceType><PriceQualifier>06</PriceQualifier><PriceAmount>20.00</PriceAmount><CurrencyCode>EUR</CurrencyCode></Price>
      <Price><PriceType>04</PriceType><MinimumOrderQuantity>10</MinimumOrderQuantity><PriceAmount>19.00</PriceAmount><CurrencyCode>EUR</CurrencyCode></Price>
      <Price><PriceType>02</PriceType><PriceAmount>39.00</PriceAmount><CurrencyCode>CHF</CurrencyCode>
        <Territory><CountriesIncluded>CH</CountriesIncluded></Territory></Price>
      <Price><PriceType>02</PriceType><PriceAmount>35.00</PriceAmount><CurrencyCode>EUR</CurrencyCode>
        <Territory><RegionsIncluded>WORLD</RegionsIncluded><CountriesExcluded>AT CH DE</CountriesExcluded></Territory></Price>
    </SupplyDetail>
  </ProductSupply>
  <ProductSupply>
    <Market><Territory><CountriesIncluded>US CA</CountriesIncluded></Territory></Market>
    <SupplyDetail>
      <Supplier><SupplierRole>02</SupplierRole><SupplierName>Overseas</SupplierName></Supplier>
      <ProductAvailability>21</ProductAvailability>
      <Price><PriceType>01</PriceType><PriceAmount>33.00</PriceAmount><CurrencyCode>USD</CurrencyCode></Price>
    </SupplyDetail>
  </ProductSupply>
</Product>
"""

UPDATE = f"""
<Product>
  <RecordReference>com.globalbookinfo.onix.77</RecordReference>
  <NotificationType>04</NotificationType>
  <ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>{VOLUME_ISBN}</IDValue></ProductIdentifier>
  <ProductSupply>
    <SupplyDetail>
      <Supplier><SupplierRole>02</SupplierRole><SupplierName>Auslieferung</SupplierName></Supplier>
      <ProductAvailability>51</ProductAvailability>
      <UnpricedItemType>03</UnpricedItemType>
    </SupplyDetail>
  </ProductSupply>
</Product>
"""

VOLUME_SHOWN = {
    "title": "Gesammelte Werke, Band 2: Die Gedichte",
    "subtitle": "1801–1810",
    "series": "Gesammelte Werke",
    "series_position": "Band 2",
    "author": "Anna Muster",
    "publisher": "Verlag Muster",
    "published_on": "2025-03",
    "language": "de-DE",
    "format": "hardcover",
    "pages": 412,
    "description": "Für Leser.",
    "price": 29.0,
    "is_price_fixed": True,
    "quantity": 0,
    "supplier_availability": "reprinting",
    "supplier_expected_on": "2027-03",
}


def feed(*products: str, release: str = "3.0", is_short: bool = False) -> str:
    """A message of one of the releases in one of the vocabularies."""
    text = message(*products).replace('release="3.0"', f'release="{release}"')
    text = text.replace(REFERENCE, f"http://ns.editeur.org/onix/{release}/reference")
    assert SENDER in text
    return shortened(text) if is_short else text
