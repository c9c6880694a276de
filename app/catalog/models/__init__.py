"""Tables of the catalogue."""

from app.catalog.models.books import Author as Author
from app.catalog.models.books import Book as Book
from app.catalog.models.books import BookCategory as BookCategory
from app.catalog.models.books import Category as Category
from app.catalog.models.books import Contributor as Contributor
from app.catalog.models.books import Series as Series
from app.catalog.models.books import Work as Work
from app.catalog.models.goods import Item as Item
from app.catalog.models.goods import StockLevel as StockLevel
from app.catalog.models.goods import StockMovement as StockMovement
