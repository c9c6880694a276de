"""A process of its own that makes covers of one picture: run as a script, never imported by the shop.

The picture comes on stdin. On stdout goes a line of JSON, then the files whose lengths it gives.
Whatever a hostile picture breaks, it breaks here: `core/isolation.py` runs this confined.
"""

import json
import sys
import warnings
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
LONGEST_SIDE = 10_000
MOST_PIXELS = 25_000_000
WIDTHS = {"s": 160, "m": 400, "l": 1000}
"""Pixels; a picture is never enlarged. It may be twice as high as wide, beyond that its width shrinks."""
QUALITY = 82


class Refused(Exception):
    """Why there is no cover of this picture: one of `format`, `broken`, `pixels`, `frames`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def encode(source: BinaryIO) -> tuple[tuple[int, int], dict[str, bytes]]:
    """Width and height of the largest, and the covers by size as plain WebP. Raises Refused."""
    try:
        with _opened(source) as picture:
            largest = _upright(picture)
            return largest.size, _covers(largest)
    except UnidentifiedImageError:
        raise Refused("format", "This is no JPEG, PNG, WebP or AVIF picture.") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Refused("pixels", _bounds()) from None
    except MemoryError:
        raise Refused("pixels", "The picture needs too much memory.") from None
    except (OSError, SyntaxError, ValueError, ArithmeticError, EOFError, IndexError, KeyError, TypeError):
        # Pillow's readers raise each of these over damaged files.
        raise Refused("broken", "The picture is damaged or incomplete.") from None


def _opened(source: BinaryIO) -> Image.Image:
    picture = Image.open(source, formats=FORMATS)
    width, height = picture.size
    if min(width, height) < 1:
        raise Refused("broken", "The picture has no pixels.")
    if width > LONGEST_SIDE or height > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise Refused("pixels", _bounds())
    # MPO is a JPEG with previews behind it, as many cameras write: its first frame is the picture.
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        raise Refused("frames", "The picture is animated; send a single frame.")
    largest = WIDTHS["l"]
    picture.draft("RGB", (2 * largest, 4 * largest))
    picture.load()
    return picture


def _bounds() -> str:
    return f"A picture may have {MOST_PIXELS // 1_000_000} megapixels, and {LONGEST_SIDE} pixels a side."


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF says, then reduced, opaque and in sRGB, with nothing of its metadata left."""
    profile = picture.info.get("icc_profile")
    ImageOps.exif_transpose(picture, in_place=True)
    picture.info = {name: value for name, value in picture.info.items() if name == "transparency"}
    reduced = _without_palette(picture)
    reduced.thumbnail((WIDTHS["l"], 2 * WIDTHS["l"]), Image.Resampling.LANCZOS)
    plain = _in_srgb(_without_alpha(reduced), profile)
    plain.info = {}
    return plain


def _without_palette(picture: Image.Image) -> Image.Image:
    # Palettes and bits do not shrink well, and 16 bits of grey are clipped where they ought to be scaled.
    if picture.mode.startswith("I"):
        return picture.convert("I").point([value // 256 for value in range(65_536)], "L")
    if picture.mode in {"P", "PA", "1"} or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture


def _without_alpha(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    layer = picture.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(paper, layer).convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and picture.mode in {"RGB", "CMYK", "L"}:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            # A profile of another colour space or a damaged one: as if there were none.
            return picture.convert("RGB")
        return converted or picture
    return picture.convert("RGB")


def _covers(picture: Image.Image) -> dict[str, bytes]:
    covers = {}
    for size, width in WIDTHS.items():
        reduced = picture.copy()
        reduced.thumbnail((width, 2 * width), Image.Resampling.LANCZOS)
        file = BytesIO()
        reduced.save(file, "WEBP", quality=QUALITY, method=4)
        covers[size] = file.getvalue()
    return covers


def main() -> None:
    """Read the picture, write what became of it."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        (width, height), covers = encode(sys.stdin.buffer)
        lengths = [len(content) for content in covers.values()]
        answer: dict[str, object] = {"width": width, "height": height, "lengths": lengths}
    except Refused as refusal:
        covers, answer = {}, {"refused": refusal.reason, "detail": refusal.detail}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + b"".join(covers.values()))


if __name__ == "__main__":
    main()
