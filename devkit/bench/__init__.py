"""`dev.py bench`: measures beside peers, in processes of their own."""
