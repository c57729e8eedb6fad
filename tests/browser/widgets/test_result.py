"""The result on TIPO Expand: its writers, buttons, variants, and the text while it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator

from tests.browser.comfy_page import ComfyPage, FrontEnd, new_tab
from tests.browser.conftest import RENDERERS, Screenshots
from tests.browser.graph_runs import run_to_end

# The language model alone, and a node of the core that ends the graph.
OPEN = """widgets => {
  app.graph.clear()
  const add = (type, x) => {
    const node = LiteGraph.createNode(type)
    node.pos = [x, 0]
    app.graph.add(node)
    return node
  }
  const [load, expand, show] = [['TipoLoadModel', 0], ['TipoExpand', 400], ['PreviewAny', 900]]
    .map(one => add(...one))
  expand.setSize([420, 1000])
  load.connect(0, expand, expand.inputs.findIndex(one => one.name === 'model'))
  expand.connect(0, show, 0)
  for (const [name, value] of Object.entries(widgets))
    expand.widgets.find(one => one.name === name).value = value
}"""
SHORT = {
    "tags": "1girl, cat ears",
    "caption": "A girl reads.",
    "tag_length": "very_short",
    "caption_length": "very_short",
    "control_after_generate": "fixed",
}
# A long run of the model itself, not of the rules.
LONG = {
    **SHORT,
    "tag_length": "very_long",
    "caption_length": "very_long",
    "pair_prior": "off",
    "at_least": True,
}
EXPAND = "app.graph.nodes.find(one => one.type === 'TipoExpand')"
STATE = f"() => {EXPAND}.tipoResult.state"
WIDGET = f"name => {EXPAND}.widgets.find(one => one.name === name).value"
QUEUED = f"async () => (await app.graphToPrompt()).output[{EXPAND}.id].inputs.pinned"
# Contrast by WCAG 2.1: that of each colour of text with the background of the box.
CONTRAST = """() => {
  const numbers = text => text.match(/[\\d.]+/g).map(Number)
  const light = text => numbers(text).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0)
  const box = document.querySelector('.tipo-result')
  const back = light(getComputedStyle(box).backgroundColor)
  return Object.fromEntries(['user', 'tag', 'sentence'].map(name => {
    const style = getComputedStyle(box.querySelector(`.tipo-${name}`))
    const front = light(style.color)
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05)
    return [name, { color: style.color, ratio, line: style.textDecorationLine,
                    kind: style.textDecorationStyle }]
  }))
}"""


def opened(comfy: ComfyPage, **widgets: Any) -> ComfyPage:
    comfy.run(OPEN, {**SHORT, "seed": 1 + RENDERERS.index(comfy.renderer), **widgets})
    comfy.settled()
    comfy.fit()
    return comfy


def ran(comfy: ComfyPage) -> list[dict[str, Any]]:
    """Run the graph, wait until the page shows the result, and return the results sent."""
    outputs = run_to_end(comfy)["outputs"]
    (results,) = (output["tipo"] for output in outputs.values() if "tipo" in output)
    prompts = [one["prompt"] for one in results]
    comfy.wait_for(
        f"""prompts => JSON.stringify({EXPAND}.tipoResult.state.results?.map(one => one.prompt))
             === JSON.stringify(prompts)""",
        prompts,
    )
    found: list[dict[str, Any]] = results
    return found


def box(comfy: ComfyPage, selector: str = "") -> Locator:
    return comfy.page.locator(f".tipo-result {selector}")


def click(comfy: ComfyPage, action: str) -> None:
    """Click a button of the box."""
    box(comfy, f'[data-action="{action}"]').click()


def saved_graph(comfy: ComfyPage) -> dict[str, Any]:
    """Return the workflow as a file has it."""
    saved: dict[str, Any] = json.loads(comfy.run("() => JSON.stringify(app.graph.serialize())"))
    return saved


def choose(comfy: ComfyPage, tag: str, label: str) -> None:
    """Click an added tag, then an entry of its menu."""
    box(comfy, ".tipo-tag").filter(has_text=tag).first.click()
    box(comfy, ".tipo-menu button").filter(has_text=label).click()


def test_each_writer_is_told_apart_in_both_themes(
    comfy: ComfyPage, screenshots: Screenshots
) -> None:
    opened(comfy)
    (result,) = ran(comfy)
    shown = box(comfy, ".tipo-text > span")
    assert "".join(shown.all_text_contents()) == result["prompt"]
    user = box(comfy, ".tipo-user").all_text_contents()
    assert user == ["1girl, cat ears", "A girl reads."]
    assert box(comfy, ".tipo-tag").all_text_contents() == result["added_tags"]
    try:
        for theme in ("dark", "light"):
            comfy.run("name => app.extensionManager.setting.set('Comfy.ColorPalette', name)", theme)
            comfy.wait_for(
                "dark => document.body.classList.contains('dark-theme') === dark", theme == "dark"
            )
            screenshots.take(comfy, theme)
            looks = comfy.run(CONTRAST)
            assert min(look["ratio"] for look in looks.values()) >= 4.5, (theme, looks)
            assert looks["user"]["color"] != looks["tag"]["color"] == looks["sentence"]["color"]
            lines = [looks[name]["line"] for name in ("user", "tag", "sentence")]
            assert lines == ["none", "underline", "underline"]
            assert looks["tag"]["kind"] != looks["sentence"]["kind"]
    finally:
        comfy.run("() => app.extensionManager.setting.set('Comfy.ColorPalette', 'dark')")
    assert comfy.alerts() == []
    assert comfy.console == []


def test_the_text_is_shown_while_it_is_written(comfy: ComfyPage, screenshots: Screenshots) -> None:
    opened(comfy, **LONG)
    comfy.run(
        f"""() => {{
          const node = {EXPAND}
          const {{ element, text }} = node.tipoResult.box
          const size = () => JSON.stringify([...node.size, element.offsetHeight,
            element.offsetWidth, text.offsetTop, text.offsetHeight])
          window.tipoSeen = {{ texts: [], sizes: [size()] }}
          window.tipoWatch = new MutationObserver(() => {{
            window.tipoSeen.texts.push(text.textContent)
            window.tipoSeen.sizes.push(size())
          }})
          window.tipoWatch.observe(text, {{ childList: true }})
        }}"""
    )
    comfy.queue()
    comfy.wait_for("() => window.tipoSeen.texts.length > 3")
    screenshots.take(comfy, "while")
    comfy.wait_for(f"() => {EXPAND}.tipoResult.state.results", timeout=180_000)
    seen = comfy.run("() => (window.tipoWatch.disconnect(), window.tipoSeen)")
    (result,) = comfy.run(STATE)["results"]
    texts = seen["texts"]
    assert texts[0].startswith("1girl, cat ears") and "A girl reads." in texts[0]
    assert texts[-1].startswith(result["prompt"])
    lengths = [len(text) for text in texts[:-1]]
    assert lengths[-1] > lengths[0] and len(set(lengths)) > 3
    assert len(set(seen["sizes"])) == 1, "the layout moved"
    assert comfy.console == []


def test_a_pinned_result_runs_without_the_models_file(
    comfy: ComfyPage, screenshots: Screenshots
) -> None:
    opened(comfy)
    (result,) = ran(comfy)
    assert comfy.run(QUEUED) == ""
    click(comfy, "pin")
    (pinned,) = json.loads(comfy.run(QUEUED))
    assert pinned == result
    comfy.set_widgets({"TipoLoadModel": {"model": "not-here"}, "TipoExpand": {"tags": "other"}})
    comfy.load(saved_graph(comfy))
    entry = run_to_end(comfy)
    (again,) = next(output["tipo"] for output in entry["outputs"].values() if "tipo" in output)
    assert (again["prompt"], again["pinned"]) == (result["prompt"], True)
    comfy.settled()
    comfy.fit()
    screenshots.take(comfy)
    assert box(comfy, '[data-action="pin"]').get_attribute("aria-pressed") == "true"
    assert box(comfy, ".tipo-text").inner_text().startswith(result["prompt"])
    click(comfy, "pin")
    assert comfy.run(QUEUED) == ""
    assert box(comfy, '[data-action="pin"]').get_attribute("aria-pressed") == "false"
    assert comfy.alerts() == []
    assert comfy.console == []


def test_a_click_on_a_tag_bans_or_keeps_it(comfy: ComfyPage, screenshots: Screenshots) -> None:
    opened(comfy, bans="if 1boy: skirt")
    (result,) = ran(comfy)
    banned, kept = result["added_tags"][:2]
    box(comfy, ".tipo-tag").filter(has_text=banned).first.click()
    screenshots.take(comfy, "menu")
    box(comfy, ".tipo-menu button").first.click()
    assert comfy.run(WIDGET, "bans") == f"if 1boy: skirt\n{banned}"
    assert box(comfy, '.tipo-tag[data-mark="ban"]').all_text_contents() == [banned]
    choose(comfy, kept, "Keep")
    assert comfy.run(WIDGET, "tags") == f"1girl, cat ears, {kept}"
    (again,) = ran(comfy)
    assert banned not in again["added_tags"] and kept not in again["added_tags"]
    assert again["prompt"].startswith(f"1girl, cat ears, {kept}")
    assert box(comfy, "[data-mark]").count() == 0
    screenshots.take(comfy, "after")
    assert comfy.console == []


@pytest.mark.parametrize(
    ("tag", "before", "after"),
    [
        ("@wlop", "", r"/^@wlop$/"),
        ("if they mated", "a", "a\n/^if they mated$/"),
        ("*o*", "a,\n", "a,\n\\*o\\*"),
        ("@_@", "", "@_@"),
        ("k-on!", "x", "x\nk-on!"),
    ],
)
def test_a_ban_names_the_tag_alone(comfy: ComfyPage, tag: str, before: str, after: str) -> None:
    opened(comfy, bans=before)
    spans = [{"text": tag, "origin": "tag", "tag": tag}]
    show(comfy, [{"prompt": tag, "spans": spans}])
    choose(comfy, tag, "Ban")
    assert comfy.run(WIDGET, "bans") == after
    from tipo_core.prompt import Bans

    assert Bans.parse(after).reason(tag, ()) is not None


@pytest.mark.parametrize(
    ("tags", "after"),
    [
        ("", "hat"),
        ("1girl", "1girl, hat"),
        ("1girl,", "1girl, hat"),
        ("1girl, ", "1girl, hat"),
        ("1girl,\n", "1girl,\nhat"),
        ("1girl # note", "1girl # note\nhat"),
        ("1girl <lora:x", "1girl <lora:x\nhat"),
    ],
)
def test_a_kept_tag_follows_the_users(comfy: ComfyPage, tags: str, after: str) -> None:
    opened(comfy, tags=tags)
    show(comfy, [{"prompt": "hat", "spans": [{"text": "hat", "origin": "tag", "tag": "hat"}]}])
    choose(comfy, "hat", "Keep")
    assert comfy.run(WIDGET, "tags") == after


def show(comfy: ComfyPage, results: list[dict[str, Any]]) -> None:
    """Show results as if a run had sent them."""
    comfy.run(f"results => {EXPAND}.tipoResult.executed(results)", results)


def test_variants_are_tabs_and_one_can_be_used(comfy: ComfyPage, screenshots: Screenshots) -> None:
    opened(comfy, variants=3)
    results = ran(comfy)
    tabs = box(comfy, "[role=tab]")
    assert tabs.all_text_contents() == ["#1", "#2", "#3"]
    tabs.nth(1).click()
    assert box(comfy, ".tipo-text").inner_text().startswith(results[1]["prompt"])
    comfy.page.keyboard.press("ArrowRight")
    comfy.page.keyboard.press("Enter")
    assert tabs.nth(2).get_attribute("aria-selected") == "true"
    assert box(comfy, ".tipo-text").inner_text().startswith(results[2]["prompt"])
    screenshots.take(comfy)
    click(comfy, "use")
    assert json.loads(comfy.run(QUEUED)) == [results[2]]
    assert not tabs.count()
    assert comfy.console == []


def test_the_result_becomes_the_input_and_the_seed_is_set(comfy: ComfyPage) -> None:
    opened(comfy, seed=40 + RENDERERS.index(comfy.renderer))
    (first,) = ran(comfy)
    comfy.set_widgets({"TipoExpand": {"seed": first["seed"] + 5}})
    (second,) = ran(comfy)
    for action, seed in (
        ("next", second["seed"] + 1),
        ("keep", second["seed"]),
        ("last", first["seed"]),
    ):
        click(comfy, action)
        assert comfy.run(WIDGET, "seed") == seed
        assert comfy.run(WIDGET, "control_after_generate") == "fixed"
    click(comfy, "back")
    assert comfy.run(WIDGET, "tags") == second["tags"]
    assert comfy.run(WIDGET, "caption") == second["caption"]
    assert comfy.console == []


def test_the_keyboard_reaches_the_tags_and_nothing_else(comfy: ComfyPage) -> None:
    opened(comfy)
    (result,) = ran(comfy)
    box(comfy, ".tipo-tag").first.focus()
    for key in ("ArrowRight", "Delete", "Backspace", "Enter"):
        comfy.page.keyboard.press(key)
    assert box(comfy, ".tipo-menu").get_attribute("aria-label") == result["added_tags"][1]
    comfy.page.keyboard.press("Escape")
    assert not box(comfy, ".tipo-menu").count()
    focused = "() => document.activeElement.textContent"
    assert comfy.run(focused) == result["added_tags"][1]
    assert comfy.run("() => app.graph.nodes.length") == 3


def test_the_box_is_the_nodes_own_after_an_undo(comfy: ComfyPage) -> None:
    opened(comfy)
    saved = saved_graph(comfy)
    comfy.load(saved)
    comfy.settled()
    show(comfy, [{"prompt": "hat", "spans": [{"text": "hat", "origin": "tag", "tag": "hat"}]}])
    comfy.run(
        f"""async () => {{
          const {{ changeTracker }} = app.extensionManager.workflow.activeWorkflow
          const keep = () => (changeTracker.captureCanvasState ?? changeTracker.checkState)
            .call(changeTracker)
          keep()
          {EXPAND}.widgets.find(one => one.name === 'tags').value = 'other'
          keep()
          await changeTracker.undo()
        }}"""
    )
    comfy.settled()
    comfy.settled()
    assert comfy.run(WIDGET, "tags") == SHORT["tags"]
    assert box(comfy, ".tipo-text").inner_text().strip() == "hat"
    choose(comfy, "hat", "Keep")
    assert comfy.run(WIDGET, "tags") == f"{SHORT['tags']}, hat"
    assert comfy.console == []


def test_old_workflows_open_and_the_box_is_no_input_of_an_unpinned_run(comfy: ComfyPage) -> None:
    opened(comfy)
    saved = saved_graph(comfy)
    (node,) = (one for one in saved["nodes"] if one["type"] == "TipoExpand")
    values = node["widgets_values"]
    assert values[-1] == '{"tipo_result":1}'
    for wrong in (values[:-1], [*values[:-1], ""], [*values[:-1], '{"tipo_result":1,"results":7}']):
        node["widgets_values"] = wrong
        comfy.load(saved)
        assert comfy.run(STATE) == {"tipo_result": 1}
        assert comfy.run(WIDGET, "tags") == SHORT["tags"]
    # The form of the API, which a picture without a workflow opens with.
    node["widgets_values"] = [*values[:-1], '[{"prompt":"1girl"}]']
    comfy.load(saved)
    assert comfy.run(STATE)["pinned"] is True
    assert json.loads(comfy.run(QUEUED)) == [{"prompt": "1girl"}]
    assert comfy.console == []


@pytest.fixture(params=RENDERERS)
def chinese(
    request: pytest.FixtureRequest, browser: Browser, front_end: FrontEnd
) -> Iterator[ComfyPage]:
    with new_tab(browser, front_end, request.param, **{"Comfy.Locale": "zh"}) as tab:
        yield tab


def test_the_box_speaks_chinese(chinese: ComfyPage, screenshots: Screenshots) -> None:
    opened(chinese, tags="1girl, \u732b", bans="/[aeiou]/", caption_length="none")
    ran(chinese)
    screenshots.take(chinese)
    text = box(chinese).inner_text()
    for word in ("\u590d\u5236", "\u56fa\u5b9a", "\u79cd\u5b50", "\u8bcd\u5178", "\u7981\u6b62"):
        assert word in text
    assert "Copy" not in text and "banned" not in text
    assert chinese.console == []
