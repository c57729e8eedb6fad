"""An installer that says a word and fails."""

print("last words")
raise SystemExit(3)
