"""The list of routers, a line each: the busiest first, since routes are matched in order."""

from fastapi import APIRouter

from app.admin.audit.router import router as admin_audit
from app.admin.jobs.router import router as admin_jobs
from app.admin.reports.router import router as reports
from app.admin.stats.goods.router import router as admin_goods_stats
from app.admin.stats.router import router as admin_stats
from app.admin.users.router import router as admin_users
from app.catalog.authors.router import router as authors
from app.catalog.books.listings.router import router as book_listings
from app.catalog.books.router import router as books
from app.catalog.categories.router import router as categories
from app.catalog.documents.router import router as documents
from app.catalog.exports.router import router as admin_exports
from app.catalog.imports.router import router as admin_imports
from app.catalog.items.router import router as items
from app.catalog.merges.router import router as merges
from app.catalog.pictures.router import listings as form_listings
from app.catalog.pictures.router import router as pictures
from app.catalog.prices.router import router as prices
from app.catalog.search.facets.router import router as facets
from app.catalog.search.related.router import router as related
from app.catalog.search.router import router as search
from app.catalog.search.suggest.router import router as suggest
from app.catalog.search.synonyms.router import router as admin_synonyms
from app.catalog.search.zero_results.router import router as admin_zero_results
from app.catalog.sellers.router import router as sellers
from app.catalog.series.router import router as series
from app.catalog.works.router import router as works
from app.identity.accounts.router import router as accounts
from app.identity.api_keys.router import router as api_keys
from app.identity.mfa.router import router as mfa
from app.identity.oauth.router import router as oauth
from app.identity.passkeys.router import router as passkeys
from app.identity.sessions.router import router as sessions
from app.identity.step_up.router import router as step_up
from app.identity.verification.pages import router as verification_pages
from app.identity.verification.router import router as verification
from app.messaging.alerts.pages import router as alert_pages
from app.messaging.alerts.router import router as alerts
from app.messaging.feed.router import router as events
from app.messaging.follows.pages import router as follow_pages
from app.messaging.follows.router import router as follows
from app.messaging.newsletter.issues.router import router as newsletter_issues
from app.messaging.newsletter.pages import router as newsletter_pages
from app.messaging.newsletter.router import router as newsletter
from app.messaging.notifications.router import router as notifications
from app.messaging.push_subscriptions.router import router as push_subscriptions
from app.messaging.realtime.router import router as live
from app.messaging.support.router import router as support
from app.messaging.suppressions.router import router as suppressions
from app.messaging.webhooks.router import router as webhooks
from app.ops.health import router as health
from app.ops.info import router as info
from app.sales.addresses.router import router as addresses
from app.sales.bills.router import router as bills
from app.sales.cart.router import router as cart
from app.sales.checkout.router import router as checkout
from app.sales.counts.router import router as counts
from app.sales.discounts.router import router as discounts
from app.sales.gift_cards.router import router as gift_cards
from app.sales.inventory.router import router as inventory
from app.sales.invoices.router import router as invoices
from app.sales.offers.router import router as offers
from app.sales.orders.router import router as orders
from app.sales.payments.router import router as payments
from app.sales.refunds.router import router as refunds
from app.sales.returns.router import router as returns
from app.sales.shipping.router import router as admin_shipping_methods
from app.sales.taxes.router import router as admin_tax_rates
from app.sales.till.router import router as till
from app.sales.transactions.router import router as transactions
from app.sales.warehouse.router import router as warehouse

ROUTERS: tuple[APIRouter, ...] = (
    accounts,
    cart,
    checkout,
    # Before the books: `facets` is no id.
    facets,
    # Before books and items: only forms with pictures are theirs.
    form_listings,
    books,
    related,
    suggest,
    search,
    items,
    # After the accounts: `me` is no id.
    sellers,
    prices,
    authors,
    categories,
    works,
    series,
    book_listings,
    pictures,
    documents,
    sessions,
    step_up,
    oauth,
    verification,
    verification_pages,
    api_keys,
    mfa,
    passkeys,
    notifications,
    follows,
    follow_pages,
    push_subscriptions,
    addresses,
    # Before the inventory: `labels.pdf` is no id.
    warehouse,
    offers,
    orders,
    # Before the inventory: `counts` is no id.
    counts,
    inventory,
    till,
    discounts,
    payments,
    refunds,
    returns,
    invoices,
    bills,
    transactions,
    gift_cards,
    newsletter,
    newsletter_pages,
    newsletter_issues,
    alerts,
    alert_pages,
    suppressions,
    webhooks,
    live,
    support,
    events,
    merges,
    admin_users,
    admin_audit,
    admin_stats,
    admin_jobs,
    admin_goods_stats,
    reports,
    admin_synonyms,
    admin_zero_results,
    admin_exports,
    admin_imports,
    admin_shipping_methods,
    admin_tax_rates,
    health,
    info,
)

TAGS = {
    "books": "The catalogue: books with their contributors, prices and stock; filters, facets and what goes with a book.",
    "items": "Goods of every kind, books among them.",
    "offers": "Bundles: several items as one line, at one price.",
    "authors": "Who made the books, under all their names.",
    "series": "Series in reading order.",
    "works": "One text and all its editions.",
    "categories": "The tree of categories.",
    "prices": "What goods cost, did cost and will cost.",
    "addresses": "One's own address book.",
    "notifications": "What one was told, what one wants to be told by which channel, and whom one follows.",
    "cart": "What somebody means to buy, as guest or logged in, at today's prices.",
    "checkout": "What a cart costs, and buying it.",
    "orders": "What was bought, what became of it, and what staff do with it.",
    "inventory": "What is in stock, every movement of it, and the proof that they agree, for staff.",
    "till": "Selling at the counter: scan, sell, receipts, for staff.",
    "discounts": "Rules by which orders cost less, with a code or without, for staff.",
    "payments": "Pay orders, with the fake provider, by Stripe or with a gift card, and give money back.",
    "invoices": "Invoices to the shop, and the call back when one is paid.",
    "gift-cards": "Cards with money on them: what is on one, and issuing them, for staff.",
    "live": "Hear of what happens as it happens: server-sent events and a WebSocket.",
    "returns": "Send goods back, and decide on what is sent back.",
    "documents": "Documents that sellers keep: PDF, text and CSV.",
    "pictures": "Pictures of items, covers of books among them.",
    "search": "Find books by words, title or ISBN, misspelt ones too, and suggest while typing.",
    "accounts": "Open an account, one's own profile, what others see of it.",
    "sessions": "Log in and out, refresh tokens, see and end sessions, change the password; OAuth 2.0.",
    "newsletter": "Subscribe by a link in a mail, and leave by one click.",
    "alerts": "Hear when an item is back in stock, or costs less, by mail.",
    "mail": "Addresses that get no mail any more, for staff, and what mail providers tell of them.",
    "verification": "Prove an e-mail address; reset a forgotten password.",
    "second factor": "Authenticator apps, recovery codes and passkeys.",
    "api-keys": "Keys for programs.",
    "webhooks": "Have events sent to an address of yours, signed; what was sent, and sending it again.",
    "imports": "Bring books in from CSV, NDJSON or ONIX 3.0, and take them back.",
    "bulk": "Take books out, in the same formats.",
    "shop": "What shipping costs and what is taxed how, for staff.",
    "admin": "Accounts, merges, synonyms, figures and the audit log, for staff.",
    "operations": "How the service is, and what its errors mean.",
}
"""What the groups of operations are about, in the order in which documentation pages show them."""

PUBLIC_ROUTES = frozenset(
    {
        "list_books",
        "search_books",
        "get_book_facets",
        "suggest",
        "list_related_books",
        "get_book",
        "get_book_by_isbn",
        "list_items",
        "get_item",
        "list_offers",
        "get_offer",
        "list_item_prices",
        "list_book_prices",
        "list_authors",
        "get_author",
        "list_author_books",
        "list_works",
        "get_work",
        "list_series",
        "get_series",
        "list_series_books",
        "list_categories",
        "get_category",
        "list_category_books",
        "get_cart",
        "add_cart_line",
        "set_cart_line",
        "remove_cart_line",
        "clear_cart",
        "set_cart_coupon",
        "remove_cart_coupon",
        "quote_checkout",
        "get_cover",
        "download_document",
        "get_public_profile",
        "register_user",
        "check_username",
        "judge_password",
        "request_email_verification",
        "verify_email",
        "request_password_reset",
        "reset_password",
        "show_email_verification",
        "show_email_change_stop",
        "stop_email_change",
        "show_password_reset",
        "create_token",
        "log_in_browser",
        "refresh_token",
        "get_csrf_token",
        "log_out",
        "revoke_token",
        "get_server_metadata",
        "get_keys",
        "finish_login",
        "begin_passkey_login",
        "finish_passkey_login",
        "receive_payment_webhook",
        "receive_bounce",
        "ask_for_alert",
        "confirm_alert",
        "end_alert",
        "show_alert_confirmation",
        "show_alert_end",
        "show_alert_end_by_header",
        "unsubscribe_from_follows",
        "show_follows_unsubscription",
        "show_follows_unsubscription_by_header",
        "subscribe_to_newsletter",
        "confirm_newsletter",
        "unsubscribe_from_newsletter",
        "show_newsletter_confirmation",
        "show_newsletter_unsubscription",
        "show_newsletter_unsubscription_by_header",
        "get_liveness",
        "get_readiness",
        "get_health",
        "get_vapid_key",
        "get_metrics",
        "get_root",
        "get_version",
        "list_problems",
        "get_problem",
    }
)
"""Operations that anyone may call. Every other one must name a principal: a test walks all routes."""
