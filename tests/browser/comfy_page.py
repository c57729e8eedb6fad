"""ComfyUI's page in a browser, driven by the tests as by a person."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

# Long, for shared machines; a condition that holds ends the wait.
MILLISECONDS = 60_000
RUN_MILLISECONDS = 180_000

# The page is ready when it has opened the default graph, which would replace one opened earlier.
READY = """() => window.app?.vueAppReady && app.extensionManager?.workflow?.activeWorkflow
  && app.canvas?.graph?.nodes.length"""
# Error and warning toasts of PrimeVue (front ends until 1.5x) and of their successor, the panel of
# node errors, and any open dialog.
ALERTS = (
    ".p-toast-message-error, .p-toast-message-warn",
    '[data-testid="toast-viewport"] li:has(.text-destructive, .text-warning)',
    '[data-testid="error-overlay"]',
    "[role=dialog]",
)
# Errors that the host logs by itself: without internet, for addresses that an older core does not
# have, and for user files that a new user does not have.
HOST_NOISE = (
    r"violates the following Content Security Policy",
    r"violates the document's Content Security Policy",
    r"net::ERR_",
    # On a machine that is busy.
    r"^Failed to fetch remote config: AbortError",
    r"Failed to load resource: the server responded with a status of 404",
    r"Jobs API|JobsApiError|Failed to fetch queue",
    # A card without a picture, which test_cards looks for.
    r"^Failed to fetch: 404$",
    # Its own start, in another order each time.
    r"^ComfyApp graph accessed before initialization",
    # 1.32.9's proxy of the search's settings, thrown at start with no pack installed as well.
    r"Cannot read properties of undefined \(reading 'id'\)\s+at onChange",
)


@dataclass(frozen=True)
class FrontEnd:
    """A front end and the server that serves it."""

    name: str
    url: str
    base: Path

    def post(self, path: str, body: Any) -> None:
        """POST JSON to the server."""
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        with _direct.open(urllib.request.Request(self.url + path, data, headers), timeout=30):
            pass

    def get(self, path: str) -> Any:
        """GET JSON from the server."""
        with _direct.open(self.url + path, timeout=30) as answer:
            return json.load(answer)


# Requests to the loopback interface bypass the proxies of the environment.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ComfyPage:
    """One page of one front end in one renderer; `page` is Playwright's."""

    def __init__(self, front_end: FrontEnd, page: Page, renderer: str) -> None:
        self.front_end = front_end
        self.page = page
        self.renderer = renderer
        self.console: list[str] = []
        page.set_default_timeout(MILLISECONDS)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(re.search(it, message.text) for it in HOST_NOISE):
            self.console.append(message.text)

    def open(self) -> None:
        """Open the page and wait until its application is ready."""
        self.page.goto(self.front_end.url)
        self.page.wait_for_function(READY)

    def run(self, script: str, argument: Any = None) -> Any:
        """Evaluate JavaScript, with its `app`, in the page."""
        return self.page.evaluate(script, argument)

    def wait_for(self, script: str, argument: Any = None, timeout: int = MILLISECONDS) -> None:
        """Wait until a JavaScript function returns something true."""
        self.page.wait_for_function(script, arg=argument, timeout=timeout)

    def settled(self) -> None:
        """Wait until two frames are drawn after the last change."""
        self.run("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        self.run("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def still(self) -> None:
        """Wait until no dialog or message is moving; spinners turn for ever."""
        self.wait_for(
            """() => document.getAnimations().every(one => one.playState !== 'running'
                 || one.effect.getComputedTiming().iterations === Infinity)"""
        )

    def alerts(self) -> list[str]:
        """Return the texts of all visible error messages."""
        found: list[str] = []
        for selector in ALERTS:
            for shown in self.page.locator(selector).all():
                if shown.is_visible():
                    found.append(" ".join(shown.inner_text().split()))
        return found

    def dismiss_alerts(self) -> None:
        """Close messages and dialogs, so that the next test starts without them."""
        self.page.keyboard.press("Escape")
        # Moving messages cannot be clicked. Front ends before 1.5x have the first name.
        self.run(
            """() => { const { toast } = app.extensionManager
                 void (toast.removeAll ?? toast.dismissAll)() }"""
        )
        for button in self.page.locator('[data-testid="error-overlay-dismiss"]').all():
            if button.is_visible():
                button.click()

    def open_templates(self, pack: re.Pattern[str]) -> Locator:
        """Open Browse Templates at the cards of a pack and return the dialog."""
        self.run("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
        dialog = self.page.get_by_role("dialog")
        # A click that is dispatched does not wait for the dialog's animations.
        dialog.get_by_text(pack).first.dispatch_event("click")
        return dialog

    def open_card(self, pack: re.Pattern[str], name: str) -> None:
        """Open a template from its card."""
        dialog = self.open_templates(pack)
        self.run("() => app.graph.clear()")
        card = self.page.locator(f'[data-testid="template-workflow-{name}"]')
        card.dispatch_event("click")
        self.wait_for("() => app.graph.nodes.length")
        dialog.wait_for(state="hidden")

    def load(self, workflow: dict[str, Any]) -> None:
        """Open a workflow as from its file."""
        self.run("workflow => app.loadGraphData(workflow)", workflow)
        self.settled()

    def set_widgets(self, values: dict[str, dict[str, Any]]) -> None:
        """Set values by node type and widget name; an unknown name is an error."""
        self.run(
            """values => {
              for (const [type, named] of Object.entries(values)) {
                const nodes = app.graph.nodes.filter(node => node.comfyClass === type)
                if (!nodes.length) throw new Error(`no node of type ${type}`)
                for (const node of nodes) for (const [name, value] of Object.entries(named)) {
                  const widget = node.widgets.find(one => one.name === name)
                  if (!widget) throw new Error(`${type} has no widget ${name}`)
                  widget.value = value
                }
              }
            }""",
            values,
        )

    def queue(self) -> None:
        """Queue the graph; returns when the server has answered."""
        self.run("() => app.queuePrompt(0, 1)")

    def boxes(self) -> dict[str, str]:
        """Return the texts of the pack's text boxes, and TIPO Expand's prompts, by node id."""
        shown: dict[str, str] = self.run(
            """() => Object.fromEntries(app.graph.nodes
                 .filter(node => node.tipoTextBox ?? node.tipoResult)
                 .map(node => [String(node.id), node.tipoTextBox?.value
                   ?? (node.tipoResult.state.results ?? []).map(one => one.prompt)
                     .join('\\n\\n')]))"""
        )
        return shown

    def our_nodes(self) -> list[dict[str, Any]]:
        """Return id, type, title and whether an error is shown, for each of the pack's nodes."""
        nodes: list[dict[str, Any]] = self.run(
            """() => app.graph.nodes.filter(node => node.type.startsWith('Tipo')).map(node => ({
                 id: String(node.id), type: node.type, title: node.title,
                 error: Boolean(node.has_errors) || Boolean(app.lastNodeErrors?.[node.id]) }))"""
        )
        return nodes

    def fit(self) -> None:
        """Zoom to the whole graph."""
        self.run("() => app.extensionManager.command.execute('Comfy.Canvas.FitView')")
        # The view moves in an animation.
        self.wait_for(
            """() => { const { offset, scale } = app.canvas.ds
                 const now = JSON.stringify([...offset, scale])
                 const still = window.tipoLastView === now
                 window.tipoLastView = now
                 return still }"""
        )
        self.settled()


@contextmanager
def new_tab(
    browser: Browser, front_end: FrontEnd, renderer: str, **settings: Any
) -> Iterator[ComfyPage]:
    """Open the front end in a tab with a browser context of its own."""
    front_end.post(
        "/settings",
        {
            "Comfy.VueNodes.Enabled": renderer == "nodes2",
            "Comfy.Locale": "en",
            # A first visit would open the templates by itself.
            "Comfy.TutorialCompleted": True,
            # Drawing these takes a good part of the time without a GPU.
            "Comfy.Minimap.Visible": False,
            "Comfy.Graph.CanvasInfo": False,
            # Texts are drawn at every zoom, so that the screenshots can be read.
            "LiteGraph.Canvas.MinFontSizeForLOD": 0,
            **settings,
        },
    )
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    try:
        comfy = ComfyPage(front_end, context.new_page(), renderer)
        comfy.open()
        yield comfy
    finally:
        context.close()
