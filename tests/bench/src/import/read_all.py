"""Reads all Customers and Invoices with python-quickbooks, and keeps none of them."""

import json
import os
import resource
import sys
import time
from types import SimpleNamespace

from quickbooks import QuickBooks
from quickbooks.objects.customer import Customer
from quickbooks.objects.invoice import Invoice

PAGE = 1000

address, realm = sys.argv[1:3]
QuickBooks.api_url_v3 = f"{address}/v3"
QuickBooks.sandbox_api_url_v3 = f"{address}/v3"
client = QuickBooks(
    auth_client=SimpleNamespace(
        access_token=os.environ["ACCESS_TOKEN"],
        client_id="bench",
        client_secret="bench",
        refresh_token=None,
        environment="production",
        refresh=lambda refresh_token=None: None,
    ),
    company_id=realm,
    minorversion=75,
)


def pages(kind):
    start = 1
    while True:
        try:
            page = kind.filter(order_by="Id", start_position=start, max_results=PAGE, qb=client)
        except Exception as problem:
            if "429" not in str(problem) and "hrottl" not in str(problem):
                raise
            time.sleep(1)
            continue
        if not page:
            return
        yield page
        start += len(page)


customers, invoices = (sum(len(page) for page in pages(kind)) for kind in (Customer, Invoice))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"customers": customers, "invoices": invoices, "peak_kib": peak}))
