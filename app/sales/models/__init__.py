"""Tables of sales."""

from app.sales.models.addresses import SavedAddress as SavedAddress
from app.sales.models.carts import Cart as Cart
from app.sales.models.carts import CartLine as CartLine
from app.sales.models.discounts import Discount as Discount
from app.sales.models.discounts import DiscountRedemption as DiscountRedemption
from app.sales.models.discounts import DiscountUse as DiscountUse
from app.sales.models.inventory import InventoryCheck as InventoryCheck
from app.sales.models.invoices import Invoice as Invoice
from app.sales.models.invoices import InvoiceCounter as InvoiceCounter
from app.sales.models.invoices import InvoiceFile as InvoiceFile
from app.sales.models.invoices import InvoiceKind as InvoiceKind
from app.sales.models.orders import Order as Order
from app.sales.models.orders import OrderEvent as OrderEvent
from app.sales.models.orders import OrderLine as OrderLine
from app.sales.models.orders import OrderPart as OrderPart
from app.sales.models.orders import Shipment as Shipment
from app.sales.models.payments import FakeTransaction as FakeTransaction
from app.sales.models.payments import Payment as Payment
from app.sales.models.payments import PaymentStatus as PaymentStatus
from app.sales.models.payments import PaymentWebhook as PaymentWebhook
from app.sales.models.payments import Refund as Refund
from app.sales.models.payments import RefundPart as RefundPart
from app.sales.models.payments import RefundStatus as RefundStatus
from app.sales.models.shipping import ShippingBand as ShippingBand
from app.sales.models.shipping import ShippingMethod as ShippingMethod
from app.sales.models.taxes import TaxRate as TaxRate
