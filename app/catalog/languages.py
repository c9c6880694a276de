"""Languages in one form, through whatever door they come: BCP 47, the shortest code, `fr` for `fre` (RFC 5646 §2.2.1)."""

import re
import unicodedata
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from app.core.http.schemas import Line, shaped

_TWO_AND_THREE = """
    aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze ba:bak be:bel
    bg:bul bi:bis bm:bam bn:ben bo:bod,tib br:bre bs:bos ca:cat ce:che ch:cha co:cos cr:cre cs:ces,cze
    cu:chu cv:chv cy:cym,wel da:dan de:deu,ger dv:div dz:dzo ee:ewe el:ell,gre en:eng eo:epo es:spa
    et:est eu:baq,eus fa:fas,per ff:ful fi:fin fj:fij fo:fao fr:fra,fre fy:fry ga:gle gd:gla gl:glg
    gn:grn gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv ht:hat hu:hun hy:arm,hye hz:her ia:ina
    id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido is:ice,isl it:ita iu:iku ja:jpn jv:jav ka:geo,kat kg:kon
    ki:kik kj:kua kk:kaz kl:kal km:khm kn:kan ko:kor kr:kau ks:kas ku:kur kv:kom kw:cor ky:kir la:lat
    lb:ltz lg:lug li:lim ln:lin lo:lao lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mao,mri mk:mac,mkd ml:mal
    mn:mon mr:mar ms:may,msa mt:mlt my:bur,mya na:nau nb:nob nd:nde ne:nep ng:ndo nl:dut,nld nn:nno
    no:nor nr:nbl nv:nav ny:nya oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli pl:pol ps:pus pt:por
    qu:que rm:roh rn:run ro:ron,rum ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag si:sin sk:slk,slo
    sl:slv sm:smo sn:sna so:som sq:alb,sqi sr:srp ss:ssw st:sot su:sun sv:swe sw:swa ta:tam te:tel
    tg:tgk th:tha ti:tir tk:tuk tl:tgl tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi ty:tah ug:uig uk:ukr
    ur:urd uz:uzb ve:ven vi:vie vo:vol wa:wln wo:wol xh:xho yi:yid yo:yor za:zha zh:chi,zho zu:zul
"""
"""ISO 639-1 → ISO 639-2, terminologic and bibliographic (`fra` and `fre`), as the Library of Congress keeps it."""

TWO_LETTERS = {
    three: two
    for two, _, threes in (entry.partition(":") for entry in _TWO_AND_THREE.split())
    for three in threes.split(",")
}

_NAMES = """
    ar:arabic,العربية bg:bulgarian,български ca:catalan,català cs:czech,čeština da:danish,dansk de:german,deutsch
    el:greek,ελληνικά en:english es:spanish,español,castellano et:estonian,eesti eu:basque,euskara fa:persian,farsi
    fi:finnish,suomi fr:french,français ga:irish,gaeilge gl:galician,galego he:hebrew,עברית hi:hindi,हिन्दी
    hr:croatian,hrvatski hu:hungarian,magyar id:indonesian is:icelandic,íslenska it:italian,italiano ja:japanese,日本語
    ko:korean,한국어 la:latin lt:lithuanian,lietuvių lv:latvian,latviešu nl:dutch,nederlands no:norwegian,norsk
    pl:polish,polski pt:portuguese,português ro:romanian,română ru:russian,русский sk:slovak,slovenčina
    sl:slovenian,slovene,slovenščina sr:serbian,srpski,српски sv:swedish,svenska tr:turkish,türkçe
    uk:ukrainian,українська vi:vietnamese yi:yiddish zh:chinese,中文
"""
"""What the languages of the book trade are called in English and by themselves (CLDR)."""

_CODE_BY_NAME = {
    name: code
    for code, _, names in (entry.partition(":") for entry in _NAMES.split())
    for name in names.split(",")
}

_FILE_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}")
_REGION, _SCRIPT = 2, 4
"""Letters of a subtag."""


@lru_cache(maxsize=512)
def normal_language(tag: str) -> str:
    """Write a tag in its one form: `fre` → `fr`, `ENG-us` → `en-US`, `zho-HANT` → `zh-Hant`; `fil` stays."""
    language, *rest = tag.lower().split("-")
    return "-".join([TWO_LETTERS.get(language, language), *map(_cased, rest)])


def _cased(subtag: str) -> str:
    if len(subtag) == _REGION:
        return subtag.upper()
    return subtag.title() if len(subtag) == _SCRIPT and subtag.isalpha() else subtag


@lru_cache(maxsize=512)
def language_of(code: str) -> str:
    """Write a code or name of a file in the same form; `en_us` and `English` are some too. Raises ValueError."""
    code = _CODE_BY_NAME.get(unicodedata.normalize("NFC", code).lower(), code)
    if not _FILE_TAG.fullmatch(code):
        raise ValueError("is no language code: en, en-US or the ISO 639-2 code eng")
    return normal_language(code.replace("_", "-"))


Language = Annotated[
    Line,
    *shaped(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$", "must be a language code, such as en or en-US"),
    Field(description="BCP 47; the shortest code stands for all of them: `fr` for `fre`.", examples=["en"]),
    AfterValidator(normal_language),
]
