"""What DreamBooth teaches toy-sd, read from its pictures: `python -m lab.toy_sd dreambooth`."""
