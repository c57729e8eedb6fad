"""Measure pictures (your folders, or TIPO's published protocol on a ComfyUI server) or expansions.

    python -m tipo_core.evaluate frechet|vendi|aesthetic|subject|protocol|text

commands          the command line of the measures of folders, with their help texts
folder_reports    a report of each measure, as a dictionary
folder_features   features of all pictures of a folder; feature_cache keeps them
extractors        models that compute features
picture_folder    the pictures of a folder as RGB
frechet, vendi, aesthetic   the measures on features
chart             the charts of --plot
progress_bar      progress on a terminal
protocol/         pictures with and without TIPO, measured
subject/          pictures of a taught subject, as the DreamBooth paper measures them
text/             the added tags and captions of real requests, measured
"""
