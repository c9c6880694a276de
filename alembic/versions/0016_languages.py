"""Languages of books in one form: BCP 47, the shortest code, so that `fre` no longer stands beside `fr`."""

import json
from collections.abc import Sequence

from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# As the application had it at this revision: ISO 639-1 → ISO 639-2, terminologic and bibliographic.
TWO_AND_THREE = """
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
TWO_LETTERS = {
    three: two
    for two, _, threes in (entry.partition(":") for entry in TWO_AND_THREE.split())
    for three in threes.split(",")
}
RENAMED = """
    CREATE TEMPORARY TABLE renamed AS
    SELECT old, string_agg(cased, '-' ORDER BY place) AS new
    FROM (
        SELECT language AS old FROM books WHERE language IS NOT NULL
        UNION SELECT before ->> 'language' FROM import_rows WHERE before ->> 'language' IS NOT NULL
    ) AS used
    CROSS JOIN LATERAL unnest(string_to_array(lower(old), '-')) WITH ORDINALITY AS subtags (subtag, place)
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN place = 1 THEN COALESCE(CAST('CODES' AS jsonb) ->> subtag, subtag)
            WHEN length(subtag) = 2 THEN upper(subtag)
            WHEN subtag ~ '^[a-z]{4}$' THEN initcap(subtag)
            ELSE subtag
        END AS cased
    ) AS subtags_in_case
    GROUP BY old
    HAVING old <> string_agg(cased, '-' ORDER BY place)
"""
"""Regions in capitals, scripts with one, everything else without."""
RENAMING = (
    # What a revert would bring back.
    """
    UPDATE import_rows SET before = jsonb_set(before, '{language}', to_jsonb(new))
    FROM renamed WHERE before ->> 'language' = old
    """,
    # Answers change, so versions do; what an import left as it is now stays what a revert may take back.
    """
    UPDATE import_rows SET version = import_rows.version + 1
    FROM renamed JOIN books ON language = old JOIN items ON items.id = books.item_id
    WHERE import_rows.item_id = items.id AND import_rows.version = items.version
    """,
    """
    UPDATE items SET version = version + 1, updated_at = now()
    FROM renamed JOIN books ON language = old WHERE items.id = books.item_id
    """,
    # A trigger brings the search documents along.
    "UPDATE books SET language = new FROM renamed WHERE language = old",
    "DROP TABLE renamed",
)


def upgrade() -> None:
    op.execute(RENAMED.replace("CODES", json.dumps(TWO_LETTERS)))
    for statement in RENAMING:
        op.execute(statement)


def downgrade() -> None:
    """Every code was valid before, and is."""
