"""Workflow > Browse Templates shows the pack's templates: one card each, with a picture."""

from __future__ import annotations

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import Screenshots
from tests.browser.template_files import PACK, template_names

PREFIX = "template-workflow-"


def test_each_template_has_a_card_with_a_picture(
    comfy: ComfyPage, screenshots: Screenshots
) -> None:
    dialog = comfy.open_templates(PACK)
    cards = comfy.page.locator(f'[data-testid^="{PREFIX}"]')
    first = comfy.page.locator(f'[data-testid="{PREFIX}{template_names()[0]}"]')
    try:
        first.wait_for()
        screenshots.take(comfy)
        shown = [card.get_attribute("data-testid") or "" for card in cards.all()]
        assert sorted(name.removeprefix(PREFIX) for name in shown) == template_names()
        for card in cards.all():
            # Pictures are loaded when their cards come into view.
            card.scroll_into_view_if_needed()
            picture = card.locator("img").first
            picture.wait_for()
            comfy.wait_for(
                "image => image.complete && image.naturalWidth", picture.element_handle()
            )
    finally:
        # Not every front end closes this dialog with the Escape key.
        first.dispatch_event("click")
        dialog.wait_for(state="hidden")
