"""Tags are offered while a person types in a prompt box."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator

from tests.browser.comfy_page import ComfyPage
from tests.browser.conftest import Screenshots

ADD = """async type => {
  app.graph.clear()
  // Nodes 2.0 would keep the elements of nodes with the same ids.
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)))
  app.graph.add(LiteGraph.createNode(type))
}"""
VALUE = """name => app.graph.nodes[0].widgets.find(one => one.name === name).value"""


def box_of(comfy: ComfyPage, node_type: str = "TipoTask", name: str = "tags") -> Locator:
    """Put a node on the canvas and return one of its text boxes, focused."""
    comfy.run(ADD, node_type)
    comfy.settled()
    comfy.fit()
    found = comfy.page.get_by_label(name, exact=True)
    found.first.wait_for()
    comfy.settled()
    found.first.click()
    return found.first


def rows(comfy: ComfyPage) -> Locator:
    return comfy.page.locator(".tipo-suggestions [role=option]")


def value(comfy: ComfyPage, name: str = "tags") -> str:
    comfy.settled()
    found: str = comfy.run(VALUE, name)
    return found


def type_in(comfy: ComfyPage, text: str) -> None:
    """Type a text and wait for the offers."""
    comfy.page.keyboard.type(text)
    rows(comfy).first.wait_for()


def no_rows(comfy: ComfyPage) -> bool:
    """Whether nothing is offered a moment after the last letter."""
    comfy.page.wait_for_timeout(400)
    return rows(comfy).count() == 0


def test_tab_takes_the_first_and_enter_the_chosen(
    comfy: ComfyPage, screenshots: Screenshots
) -> None:
    box_of(comfy)
    type_in(comfy, "1girl, long h")
    screenshots.take(comfy)
    assert rows(comfy).first.inner_text() == "long hair"
    comfy.page.keyboard.press("Tab")
    assert value(comfy) == "1girl, long hair, "
    type_in(comfy, "umbr")
    for key in ("ArrowDown", "ArrowDown"):
        comfy.page.keyboard.press(key)
    second = rows(comfy).nth(1).inner_text()
    comfy.page.keyboard.press("Enter")
    assert value(comfy) == f"1girl, long hair, {second}, "
    # Typing can be undone.
    comfy.page.keyboard.press("Control+z")
    assert value(comfy) == "1girl, long hair, umbr"
    assert comfy.console == []


def test_a_click_takes_a_tag(comfy: ComfyPage) -> None:
    box_of(comfy)
    type_in(comfy, "red ha")
    tag = rows(comfy).nth(1).inner_text()
    rows(comfy).nth(1).click()
    assert value(comfy) == f"{tag}, "
    comfy.page.keyboard.type("x")
    assert value(comfy) == f"{tag}, x"


def test_other_keys_keep_their_meaning(comfy: ComfyPage) -> None:
    box_of(comfy)
    type_in(comfy, "cat")
    comfy.page.keyboard.press("Enter")
    assert value(comfy) == "cat\n"
    type_in(comfy, "dog")
    comfy.page.keyboard.press("Escape")
    assert rows(comfy).count() == 0
    comfy.page.keyboard.type("s, ")
    assert value(comfy) == "cat\ndogs, "
    assert no_rows(comfy)
    # The list goes with the focus.
    type_in(comfy, "hat")
    comfy.page.mouse.click(5, 450)
    comfy.page.wait_for_timeout(100)
    assert no_rows(comfy)


@pytest.mark.parametrize("text", ["<lora:hat", "__hat", "# hat", "embedding:hat", "h", ""])
def test_nothing_is_offered_in_other_syntax(comfy: ComfyPage, text: str) -> None:
    box_of(comfy)
    comfy.page.keyboard.type(text)
    assert no_rows(comfy)


def test_a_chinese_word_finds_the_tag(comfy: ComfyPage, screenshots: Screenshots) -> None:
    box_of(comfy)
    comfy.page.keyboard.insert_text("红发")
    rows(comfy).first.wait_for()
    screenshots.take(comfy)
    assert rows(comfy).first.inner_text().startswith("red hair")
    assert "红发" in rows(comfy).first.inner_text()
    comfy.page.keyboard.press("Tab")
    assert value(comfy) == "red hair, "


def test_parentheses_are_escaped_in_prompts_alone(comfy: ComfyPage) -> None:
    tag = "keyboard (computer)"
    box_of(comfy)
    type_in(comfy, "keyboard")
    rows(comfy).filter(has_text=tag).click()
    assert value(comfy) == "keyboard \\(computer\\), "
    box_of(comfy, "TipoBans", "rules")
    type_in(comfy, "keyboard")
    rows(comfy).filter(has_text=tag).click()
    assert value(comfy, "rules") == "keyboard (computer), "


def test_sentences_and_other_nodes_are_left_alone(comfy: ComfyPage) -> None:
    box_of(comfy, "TipoTask", "long")
    comfy.page.keyboard.type("a cat")
    assert no_rows(comfy)


def test_it_is_off_by_the_setting_and_beside_another_pack(comfy: ComfyPage) -> None:
    box_of(comfy)
    change = "value => app.extensionManager.setting.set('TipoSuite.Autocomplete', value)"
    comfy.run(change, False)
    comfy.page.keyboard.type("hat")
    assert no_rows(comfy)
    comfy.run(change, True)
    type_in(comfy, "s")
    comfy.page.keyboard.press("Escape")
    comfy.run("() => app.registerExtension({ name: 'pysssss.AutoCompleter' })")
    try:
        comfy.page.keyboard.type(", cat")
        assert no_rows(comfy)
    finally:
        comfy.run(
            """() => { const at = app.extensions.findIndex(one => one.name.startsWith('pysssss'))
                 if (at >= 0) app.extensions.splice(at, 1) }"""
        )
