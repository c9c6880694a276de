"""Tables of sales."""

from app.sales.models.inventory import InventoryCheck as InventoryCheck
