"""What people do in the console, in a real browser.

    journeys.py JOURNEY < {"chromium": path, "screenshots": folder, "entry": link, ...}

Each page on the way is judged by axe, kept as a screenshot, and must stay silent on the browser's console. A journey that
cannot go on ends with the reason and a last screenshot.
"""

import json
import pathlib
import re
import sys
import time
import urllib.parse
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

PATIENCE = 240_000
PHONE = {"width": 390, "height": 844}


class Person:
    """Somebody in front of a browser."""

    def __init__(self, page, console, folder, journey):
        self.page = page
        self.console = console
        self.folder = pathlib.Path(folder)
        self.journey = journey
        self.shots = 0
        self.complaints = []
        self.expected = None
        page.on("console", self.reads)
        page.on("pageerror", lambda error: self.complain("script", str(error)))

    def complain(self, what, text):
        self.complaints.append(f"{what} at {self.page.url}: {text}")

    def reads(self, message):
        """What the browser says of the console's pages; Intuit's are not judged."""
        is_expected = self.expected and self.expected in message.text
        if message.type == "error" and self.page.url.startswith(self.console) and not is_expected:
            self.complain("console", message.text)

    def looks(self, name):
        """Judges the page and keeps a picture of it."""
        self.shots += 1
        self.page.screenshot(path=self.folder / f"{self.journey}-{self.shots:02}-{name}.png", full_page=True)
        results = Axe().run(self.page).response
        for violation in results["violations"]:
            nodes = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            self.complain("axe", f"{violation['id']} ({violation['impact']}): {violation['help']}: {nodes}")
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            self.complain("layout", f"the page is {wide} pixels too wide")

    def goes(self, section):
        self.page.get_by_role("navigation", name="Sections").get_by_role("link", name=section, exact=True).click()

    def searches(self, text):
        """Types what to look for, and waits for what was found to replace the list."""
        self.page.get_by_label("Search both sides").fill(text)
        self.page.wait_for_url(re.compile("text=" + re.escape(urllib.parse.quote(text)) + "(&|$)"))

    def sees(self, text):
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE)

    def sees_after_a_while(self, text):
        """What happens elsewhere shows on a page that is opened again."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not self.page.get_by_text(text).first.is_visible():
            if time.monotonic() > deadline:
                raise AssertionError(f"{text!r} does not show")
            self.page.wait_for_timeout(500)
            self.page.reload()


def first_day(person, order):
    """A new company is connected, looked at, imported and switched on, and what is billed next arrives in QuickBooks."""
    page = person.page
    page.goto(order["entry"])
    person.sees("Getting started")
    person.looks("overview-of-a-new-company")
    page.get_by_role("link", name="Connect", exact=True).first.click()
    person.looks("connect")
    page.get_by_role("link", name="Connect to QuickBooks").click()
    page.locator(f"[name=realm][value='{order['realm']}']").first.click()
    if page.url.startswith(order["intuit"]):
        page.get_by_role("button").first.click()
    person.sees("Connected to QuickBooks")
    page.get_by_role("link", name="Go on").click()
    person.goes("Connect")
    person.sees("What was checked")
    person.looks("connected-and-checked")
    person.goes("Import")
    person.looks("import")
    page.get_by_role("button", name="Preview").click()
    person.sees("Import this now")
    person.looks("preview")
    page.get_by_role("button", name="Import this now").click()
    person.sees("set the directions")
    person.looks("imported")
    person.goes("Mapping")
    person.sees("are mapped")
    person.looks("mapping-after-the-import")
    person.goes("Sync settings")
    page.get_by_label("Default income account").select_option(label="Services")
    for kind in ["Clients and Customers", "Products and Items", "Invoices", "Payments"]:
        page.get_by_label(kind, exact=True).select_option("bidirectional")
    page.get_by_role("button", name="Save").click()
    person.sees("Saved.")
    person.looks("settings")
    bill(order["ninja"], "clients", {"name": "Quay Street Bakery", "contacts": [{"email": "hello@quay.example"}]})
    page.goto(f"{order['console']}/console/activity?text=Quay+Street")
    person.sees_after_a_while("Created in QuickBooks")
    person.looks("activity")
    page.get_by_role("link", name="Client Quay Street Bakery").first.click()
    person.sees("How they were linked")
    person.looks("history-of-a-record")
    person.goes("Overview")
    person.sees("Calls this month")
    person.looks("overview")
    page.emulate_media(color_scheme="dark")
    person.looks("overview-dark")
    page.set_viewport_size(PHONE)
    person.looks("overview-phone")
    person.goes("Activity")
    person.looks("activity-phone")
    page.get_by_role("button", name="Sign out").click()
    person.sees("You are signed out")
    person.expected = "401 (Unauthorized)"
    page.goto(f"{order['console']}/console")
    person.sees("You are not signed in")


def bill(ninja, path, record):
    request = urllib.request.Request(
        f"{ninja['url']}/api/v1/{path}",
        data=json.dumps(record).encode(),
        headers={
            "X-API-TOKEN": ninja["token"],
            "X-Requested-With": "XMLHttpRequest",
            "Accept": "application/json",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request) as answer:
        answer.read()


def fix_a_failure(person, order):
    """A client that may be one of two Customers is mapped by hand, and what waited for that goes on by itself."""
    page = person.page
    page.goto(order["entry"])
    person.sees("Needs attention")
    person.looks("something-waits")
    page.get_by_role("link", name="More than one match").click()
    person.sees("What to do:")
    person.looks("why-it-waits")
    person.goes("Mapping")
    person.sees("are mapped")
    person.searches(order["client"])
    pick = page.get_by_label(f"Pick {order['client']}")
    # By keyboard: the box is ticked and the button reached without a mouse.
    expect(page.get_by_role("button", name="Change Mapping")).to_be_hidden()
    pick.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Change Mapping")).to_be_visible()
    expect(page.get_by_role("button", name="Clear Mapping")).to_be_hidden()
    person.looks("picked")
    # What is ticked is kept while the list is searched.
    person.searches("nobody is called so")
    expect(page.get_by_role("group", name="Picked, and not on this page")).to_contain_text(order["client"])
    person.looks("picked-elsewhere")
    person.searches(order["client"])
    expect(pick).to_be_checked()
    page.get_by_role("button", name="Change Mapping").click()
    with page.expect_response(re.compile("/choices")):
        page.get_by_label(re.compile("Type the name")).press_sequentially(order["customer"][:6])
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.get_by_role("radio", name=re.compile(re.escape(order["customer"]))).check()
    person.looks("chosen")
    page.get_by_role("button", name="Update").click()
    person.sees("1 record mapped")
    person.sees("A person linked them")
    person.looks("mapped")
    page.get_by_role("checkbox").first.check()
    expect(page.get_by_role("button", name="Clear Mapping")).to_be_visible()
    page.goto(f"{order['console']}/console/activity?text={order['invoice']}")
    person.sees_after_a_while("Created in QuickBooks")
    person.looks("it-went-on")
    auto_maps(person)


def auto_maps(person):
    """Auto Map is a dialog that a keyboard opens and leaves, and a page for those without a script."""
    page = person.page
    person.goes("Mapping")
    opener = page.get_by_role("link", name="Auto Map")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="What Auto Map would do")
    expect(dialog).to_be_visible()
    person.looks("auto-map")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    opener.click()
    expect(dialog).to_be_visible()
    person.looks("auto-map-phone-dark")
    dialog.get_by_role("link", name=re.compile("Cancel|Back")).click()
    expect(dialog).to_be_hidden()
    person.looks("mapping-phone-dark")
    plain = page.context.browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    page = plain.new_page()
    page.goto(person.page.url)
    page.get_by_role("link", name="Auto Map").click()
    expect(page.get_by_role("heading", name="What Auto Map would do")).to_be_visible()
    page.get_by_role("link", name=re.compile("Cancel|Back")).click()
    page.get_by_role("checkbox").first.check()
    page.get_by_label("Search both sides").fill("nobody is called so")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("group", name="Picked, and not on this page")).to_be_visible()
    plain.close()


JOURNEYS = {"first-day": first_day, "fix-a-failure": fix_a_failure}


def main():
    journey, order = sys.argv[1], json.load(sys.stdin)
    pathlib.Path(order["screenshots"]).mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=order["chromium"], args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 800}, color_scheme="light")
        page.set_default_timeout(PATIENCE)
        person = Person(page, order["console"], order["screenshots"], journey)
        try:
            JOURNEYS[journey](person, order)
        except Exception as error:
            person.shots += 1
            page.screenshot(path=person.folder / f"{journey}-failed.png", full_page=True)
            person.complain("journey", f"{error}\n{page.inner_text('body')[:2000]}")
        browser.close()
    if person.complaints:
        sys.exit("\n".join(person.complaints))


main()
