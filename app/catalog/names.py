"""How a name is stored: as printed, without what nobody sees.

Which names are one is the database's to say: `person_key` and `series_key`, over which the tables have indexes.
"""

import re
import unicodedata

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
    # What joins letters or keeps them apart counts in the scripts of Western and Southern Asia alone.
    "|(?<![\u0600-\u0fff])[\u200c\u200d]|[\u200c\u200d](?![\u0600-\u0fff])"
)


def printed_name(name: str) -> str:
    """The name composed (NFC), with single spaces, and without marks that are not seen."""
    if name.isascii():
        return " ".join(name.split())
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", name)).split())
