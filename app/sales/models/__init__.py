"""Tables of sales."""

from app.sales.models.carts import Cart as Cart
from app.sales.models.carts import CartLine as CartLine
from app.sales.models.inventory import InventoryCheck as InventoryCheck
from app.sales.models.orders import Order as Order
from app.sales.models.orders import OrderEvent as OrderEvent
from app.sales.models.orders import OrderLine as OrderLine
from app.sales.models.orders import OrderPart as OrderPart
from app.sales.models.orders import Shipment as Shipment
