"""Word lists of generated texts: invented people, teams, services, and sentences about them.

In: nothing. Out: tuples of texts. They are made once; a record's value is one element, by its number.
No person, company or product is real. All hosts lie below ``example.com`` (RFC 2606).
"""

from __future__ import annotations

from itertools import product

_FIRST = (
    "Amara", "Anselm", "Briony", "Chidi", "Dalia", "Edda", "Farid", "Greta", "Hana", "Idris",
    "Inga", "Jaro", "Kaito", "Leonie", "Liv", "Mateo", "Mirela", "Nadia", "Noor", "Oskar",
    "Petra", "Quinn", "Rafael", "Ruta", "Samir", "Selma", "Tamsin", "Tomas", "Uma", "Vera",
    "Wanda", "Yara", "Yusuf", "Zane", "Zoë", "Łucja", "Émile", "Søren",
)  # fmt: skip
_LAST = (
    "Ashgrove", "Birkwell", "Brackenby", "Caldmoor", "Dunwick", "Elmhaven", "Fairholt", "Farrowby",
    "Fenwater", "Garthside", "Glenmere", "Harrowell", "Hazelby", "Ivarsten", "Juniperly", "Kestrin",
    "Larkmoor", "Lindhaven", "Marlowick", "Merrowyn", "Nettlefold", "Oakenby", "Orrinshaw", "Pellworth",
    "Quillmoor", "Ravensby", "Rookhaven", "Saltmarsh", "Sedgeley", "Silverton", "Tarnbeck", "Thornbury",
    "Umberly", "Vellacroft", "Wexmoor", "Willowby", "Wrenfield", "Åkervik", "Yewdale", "Zellenby",
)  # fmt: skip
_PLAIN = str.maketrans("ëŁÉøÅ", "eLEoA")


def _person(first: str, last: str) -> tuple[str, str, str]:
    login = f"{first}.{last}".translate(_PLAIN).lower()
    return f"{first} {last}", login, f"{login}@example.com"


# (name, login, e-mail address)
PEOPLE = tuple(_person(first, last) for first, last in product(_FIRST, _LAST))

SERVICES = (
    "checkout-api", "orders-api", "payments-worker", "search-index", "ledger-db", "notifications",
    "web-frontend", "auth-gateway", "catalog-sync", "billing-cron", "image-resizer", "session-cache",
    "returns-api", "pricing-engine", "stock-feed", "mail-relay",
)  # fmt: skip
TEAMS = (
    "Checkout", "Payments", "Search", "Identity", "Platform", "Data", "Mobile", "Growth", "Billing",
    "Delivery", "Support tools", "Design systems",
)  # fmt: skip
COMPANIES = (
    "Quillmoor Goods", "Tarnbeck Freight", "Larkmoor Foods", "Fenwater Supply", "Harrowell & Daughters",
    "Rookhaven Prints", "Sedgeley Outdoor", "Yewdale Gardens", "Merrowyn Travel", "Birkwell Tools",
)  # fmt: skip
REGIONS = ("eu-central", "eu-west", "us-east", "us-west", "ap-south", "ap-east")
HOSTS = tuple(f"{s}-{i}.{r}.example.com" for s, r, i in product(SERVICES, REGIONS, (1, 2, 3)))
BRANCHES = (
    "main", "main", "main", "develop", "release/2.14", "release/2.15", "feature/gift-cards",
    "feature/saved-carts", "feature/dark-mode", "fix/null-keys", "fix/rounding-of-tax",
    "fix/double-refund", "chore/update-lockfile", "docs/runbook-for-failover",
)  # fmt: skip
COMMITS = (
    "Fix rounding of tax on split orders", "Cache session lookups for a minute",
    "Retry webhooks that time out", "Drop the unused column of coupons", "Add gift cards to the cart",
    "Speed up the search index by batching writes", "Show delivery times in the customer's zone",
    "Bump the base image", "Log the reason of declined payments", "Remove the old checkout flag",
    "Translate error pages to German – “Schade!”", "Move health checks to a port of their own",
    "Validate postal codes before the address is stored", "Make refunds idempotent",
    "Split the nightly export by region", "Test the failover of the ledger",
)  # fmt: skip
_PROBLEMS = (
    "elevated error rate", "p95 latency above 2 s", "queue is growing", "connections exhausted",
    "failed deploy of the last release", "disk is 90 % full", "certificate expires in 3 days",
    "duplicate messages after a retry", "stale cache entries", "timeouts to the payment provider",
    "memory grows until restart", "health checks flapping", "missing rows in the nightly export",
    "customers cannot sign in", "slow queries after the index change", "clock skew between nodes",
)  # fmt: skip
INCIDENTS = tuple(f"{s}: {p}" for s, p in product(SERVICES, _PROBLEMS))
IMPACTS = (
    "Checkout fails for about 4 % of customers", "Search results are up to 20 minutes old",
    "Order confirmations arrive late", "Sign-in is slow in one region", "Refunds are delayed",
    "Dashboards show no data for the last hour", "Some product images do not load",
    "No impact on customers; internal reports are late",
)  # fmt: skip
_SIGNALS = (
    "error rate", "p95 latency", "request rate", "queue depth", "CPU load", "memory in use",
    "saturation of connections", "failed jobs",
)  # fmt: skip
MONITORS = tuple(f"{signal} of {s}" for s, signal in product(SERVICES, _SIGNALS))
MONITOR_QUERIES = tuple(
    f"avg({signal.replace(' ', '_')}{{service:{s}}}) over 5m > {limit}"
    for s, signal, limit in product(SERVICES, _SIGNALS, (5, 80, 250))
)
DASHBOARDS = tuple(
    f"{thing} – {view}"
    for thing, view in product(
        (*TEAMS, *SERVICES), ("overview", "on-call", "weekly review", "capacity", "costs")
    )
)
OBJECTIVES = tuple(
    f"{s}: {share} % of requests {aim}"
    for s, (share, aim) in product(
        SERVICES, ((99.9, "succeed"), (99, "under 400 ms"), (99.5, "succeed, per region"))
    )
)
LOG_LINES = (
    "GET /orders/4812 200 in 34 ms", "POST /carts/771/items 201 in 58 ms", "POST /payments 402 in 310 ms",
    "connection pool is at 48 of 50", "retrying webhook delivery, attempt 2 of 5",
    "user signed in with a one-time code", "cache miss for product 99120, loaded in 12 ms",
    "refund 5521 was already booked; nothing to do", "export of 18,204 rows finished in 41 s",
    "slow query (1.8 s): orders by customer and month", "feature gift-cards is on for 10 % of users",
    "token of client web-frontend is renewed", "image 3f2a9c resized to 640 × 480",
    "mail to customer was bounced: mailbox full", "leader of ledger-db is now node 2",
    "job billing-cron skipped: the last run is still active", "naïve timestamp – taken as UTC",
)  # fmt: skip
ACTIONS = (
    "created", "updated", "deleted", "invited", "enabled", "disabled", "started", "approved",
    "renamed", "exported",
)  # fmt: skip
GUIDES = tuple(
    f"{verb} {thing}"
    for verb, thing in product(
        ("Welcome to", "What is new in", "Find your way around", "Get more out of", "Set up",
         "Tips for"),
        ("saved carts", "reports", "the order list", "returns", "team roles", "search filters",
         "invoices", "gift cards", "the mobile app", "shipping rules"),
    )
)  # fmt: skip
QUESTIONS = tuple(
    f"{ask} {thing}?"
    for ask, thing in product(
        ("How satisfied are you with", "How easy is it to use", "What is missing in",
         "Would you recommend"),
        ("saved carts", "reports", "the order list", "returns", "search filters", "invoices",
         "the mobile app"),
    )
)  # fmt: skip
ANSWERS = (
    "Works well, but I miss keyboard shortcuts.", "Love it – much faster than before!",
    "I could not find the export at first.", "The numbers differ from our own report.",
    "Please add a dark theme.", "It is fine.", "Too many clicks to return one item.",
    "Sehr übersichtlich, danke!", "Filters reset when I go back.", "Nothing is missing.",
    "The mobile view cuts off the totals.", "Could you support more currencies?",
)  # fmt: skip
AUDIENCES = (
    "New users in their first week", "Administrators", "Users on a trial", "Everybody but internal users",
    "Buyers with more than 10 orders", "Users who have not signed in for 30 days", "Team owners in Europe",
)  # fmt: skip
SENTENCES = (
    "Keeps the list of open orders and who works on them.", "Collects events of the web shop.",
    "Runs every night and mails a summary to the team.", "Owned by the platform team; ask before changes.",
    "Compares deliveries with what was promised.", "Used by finance for the monthly close.",
    "Replaces the spreadsheet that support kept by hand.", "Shows the health of the checkout at a glance.",
    "Sends completed orders to the warehouse.", "Kept for the audit of last year – do not delete.",
    "Counts sign-ups by country and channel.", "Alerts the on-call engineer, then the whole team.",
    "Trial of a new layout; ends with the quarter.", "Holds the defaults that all teams share.",
)  # fmt: skip
ALERTS = (
    "Page the on-call engineer, and post to the channel of the team.",
    "See the runbook of the service first; restart one node at a time.",
    "Known during the nightly export. Look only if it lasts longer than an hour.",
    "Customers notice within minutes: open an incident.",
)
JOB_TITLES = (
    "Software engineer", "Site reliability engineer", "Data analyst", "Product manager", "Team lead",
    "Support engineer", "Designer", "Head of platform",
)  # fmt: skip
CONDITIONS = (
    "event = 'Order Completed' and total > 100", "country = 'DE'", "plan != 'free'",
    "event in ('Signed Up', 'Signed In')",
)  # fmt: skip
EVENTS = (
    "Order Completed", "Cart Viewed", "Product Added", "Checkout Started", "Payment Declined",
    "Signed Up", "Signed In", "Search Performed", "Invoice Paid", "Item Returned",
)  # fmt: skip
SQL = (
    "SELECT user_id, plan, country FROM accounts WHERE is_active",
    "SELECT customer_id, sum(total) AS revenue FROM orders GROUP BY customer_id",
    "SELECT email, last_seen_at FROM users WHERE last_seen_at > current_date - 30",
    "SELECT sku, count(*) AS returns FROM order_lines WHERE is_returned GROUP BY sku",
    "SELECT company_id, max(created_at) AS last_order FROM orders GROUP BY company_id",
)
STEPS = ("checkout", "lint", "unit_tests", "build_image", "integration_tests", "scan", "deploy")
TASKS = (
    "build", "unit-tests", "lint", "integration-tests", "build-image", "scan-image", "deploy-staging",
    "deploy-production", "publish-docs", "nightly-export",
)  # fmt: skip
WORKFLOW_FILE = (
    "version: 1\nsteps:\n  unit_tests:\n    image: python:3.12\n    commands: [make test]\n"
)
NOUNS = (
    "harbour", "lantern", "meadow", "compass", "orchard", "pebble", "signal", "thicket", "timber",
    "willow", "anchor", "beacon", "cobalt", "drift", "ember", "falcon",
)  # fmt: skip
