"""Pictures for a training: folders, files, sizes, checks of quality, and drawn class pictures.

picture_folders     folders below a root, and the files of one
picture_reading     a file, or a picture of the graph, as upright RGB
picture_fitting     sizes, buckets, crops
picture_likeness    equal and nearly equal pictures
picture_checks      faults of pictures and captions, for the report
caption_files       captions beside pictures
rare_tokens         words that mean nothing to a model yet
subject_set         all of this as the set that is trained on
contact_sheet       what is trained on, as one picture
class_image_store   class pictures on the disk, resumable
"""
