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
from app.catalog.models.imports import ImportJob as ImportJob
from app.catalog.models.imports import ImportMade as ImportMade
from app.catalog.models.imports import ImportRow as ImportRow
from app.catalog.models.imports import OnixRecord as OnixRecord
from app.catalog.models.imports import RevertOutcome as RevertOutcome
from app.catalog.models.merges import Merge as Merge
from app.catalog.models.prices import PriceChange as PriceChange
from app.catalog.models.prices import PriceSchedule as PriceSchedule
from app.catalog.models.prices import PriceSource as PriceSource
from app.catalog.models.prices import ScheduleState as ScheduleState
from app.catalog.models.search import BookDocument as BookDocument
from app.catalog.models.search import SearchMiss as SearchMiss
from app.catalog.models.search import Synonym as Synonym
from app.catalog.models.search import SynonymRule as SynonymRule
from app.catalog.models.search import search_words as search_words
