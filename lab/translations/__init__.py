"""The dictionary of the pack: cleans a table of tag translations and packs it.

- `build_table`: which rows and words of the table are kept
- `mistakes.txt`: wrong translations that a reader found
- `folding_by_hand.txt`: pairs of traditional and simplified characters that the table lacks

python -m lab.translations --data FOLDER
"""
