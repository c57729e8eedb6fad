"""An installer that says a word and takes a second."""

import time

print("installing", flush=True)
time.sleep(1)
