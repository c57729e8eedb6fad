"""The checks of the other tests find toasts, dialogs and console errors."""

from __future__ import annotations

import pytest

from tests.browser.comfy_page import ComfyPage


@pytest.mark.parametrize("severity", ["error", "warn"])
def test_a_toast_is_seen_and_dismissed(comfy: ComfyPage, severity: str) -> None:
    comfy.run(
        """severity => app.extensionManager.toast.add(
             { severity, summary: 'Look here', detail: 'something broke', life: 600000 })""",
        severity,
    )
    comfy.page.get_by_text("something broke").first.wait_for()
    (alert,) = (text for text in comfy.alerts() if "something broke" in text)
    assert "Look here" in alert
    comfy.still()
    comfy.dismiss_alerts()
    comfy.wait_for("() => !document.body.innerText.includes('something broke')")
    assert not any("something broke" in text for text in comfy.alerts())


def test_a_dialog_is_seen_and_dismissed(comfy: ComfyPage) -> None:
    comfy.run("() => void app.extensionManager.dialog.showErrorDialog('it broke', {})")
    comfy.page.get_by_text("it broke").first.wait_for()
    assert any("it broke" in alert for alert in comfy.alerts())
    comfy.still()
    comfy.dismiss_alerts()
    comfy.wait_for("() => !document.body.innerText.includes('it broke')")
    assert not any("it broke" in text for text in comfy.alerts())


def test_an_error_in_the_console_is_kept(comfy: ComfyPage) -> None:
    comfy.run("() => console.error('Tipo broke')")
    assert comfy.console == ["Tipo broke"]
