"""Numbers with their units, as reports and errors show them."""

from __future__ import annotations


def bytes_text(size: int) -> str:
    """Return a number of bytes in decimal units: '2.03 GB', '24.6 MB', '1.5 kB', '12 bytes'."""
    # The borders are where the smaller unit would round up to 1000.
    if size >= 999_950_000:
        return f"{size / 1e9:.2f} GB"
    if size >= 999_950:
        return f"{size / 1e6:.1f} MB"
    return f"{size / 1e3:.1f} kB" if size >= 1000 else f"{size} bytes"
