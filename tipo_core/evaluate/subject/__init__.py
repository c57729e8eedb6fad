"""Pictures of a taught subject, measured as in the DreamBooth paper (arXiv 2208.12242).

pair_cosines     cosines between the features of two sets of pictures
subject_scores   subject and prompt fidelity, prior preservation, diversity
prompt_groups    which prompt belongs to which picture
folder_scores    the scores of folders, for the command line
score_report     the scores as lines and as JSON
"""
