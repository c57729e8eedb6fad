"""What sentences say of persons: verbs for poses, actions, gazes and faces; roles and ages."""

from __future__ import annotations

# Predicates of poses, in the singular; {her} is the possessive.
POSE_VERBS = {
    "sitting": "sits", "standing": "stands", "kneeling": "kneels", "walking": "walks",
    "running": "runs", "squatting": "squats", "lying": "lies down",
    "leaning forward": "leans forward", "leaning back": "leans back",
    "crossed arms": "crosses {her} arms", "crossed legs": "sits with crossed legs",
    "arms up": "raises both arms", "arm up": "raises one arm", "hand up": "raises one hand",
    "hands up": "raises both hands", "arms behind back": "keeps both arms behind {her} back",
    "head tilt": "tilts {her} head", "outstretched arms": "stretches out both arms",
    "outstretched arm": "stretches out an arm", "wariza": "sits on the floor",
    "seiza": "sits on {her} heels", "on side": "lies on one side",
    "standing on one leg": "stands on one leg", "leg up": "raises one leg",
    "hands in pockets": "keeps {her} hands in {her} pockets",
    "own hands together": "puts {her} hands together", "fighting stance": "takes a fighting stance",
    "arm support": "leans on one arm", "indian style": "sits with crossed legs",
    "on back": "lies on {her} back", "salute": "salutes", "waving": "waves", "floating": "floats",
    "reclining": "reclines", "hugging own legs": "hugs {her} legs", "v": "makes a v sign",
    "wading": "wades", "hand on own hip": "rests one hand on {her} hip",
    "arms behind head": "folds {her} arms behind {her} head", "reaching": "reaches out",
    "against wall": "leans against a wall", "thumbs up": "gives a thumbs up",
}  # fmt: skip
# Predicates of actions.
ACTION_VERBS = {
    "reading": "reads", "reading a book": "reads a book", "singing": "sings", "dancing": "dances",
    "cooking": "cooks", "sleeping": "sleeps", "swimming": "swims", "writing": "writes",
    "fishing": "fishes", "flying": "soars", "jumping": "jumps", "praying": "prays",
    "crying": "cries", "laughing": "laughs", "yawning": "yawns", "shouting": "shouts",
    "cheering": "cheers", "eating": "eats", "drinking": "drinks", "painting (action)": "paints",
    "playing instrument": "plays an instrument", "playing piano": "plays the piano",
    "playing guitar": "plays the guitar", "playing violin": "plays the violin",
    "playing games": "plays a game", "playing video games": "plays a video game",
    "holding hands": "hold hands", "hug": "hug", "kiss": "kiss", "riding": "rides",
    "horseback riding": "rides a horse", "driving": "drives", "aiming": "aims",
    "fighting": "fights", "battle": "fights", "climbing": "climbs", "surfing": "surfs",
    "skateboarding": "skateboards", "kicking": "kicks", "punching": "punches",
    "throwing": "throws", "pointing": "points", "pointing at viewer": "points at the viewer",
    "shopping": "shops", "selfie": "takes a selfie", "taking picture": "takes a picture",
    "talking on phone": "talks on the phone", "whispering": "whispers", "petting": "pets",
    "smoking": "smokes", "exercising": "exercises",
    "sewing": "sews", "studying": "studies", "working": "works", "fleeing": "flees",
    "hiding": "hides", "drawing sword": "draws a sword", "casting spell": "casts a spell",
}  # fmt: skip
GAZE_VERBS = {
    "looking at viewer": "looks at the viewer", "looking back": "looks back",
    "looking to the side": "looks to the side", "looking up": "looks up",
    "looking down": "looks down", "looking away": "looks away",
    "looking at another": "looks at each other", "looking afar": "looks into the distance",
    "looking ahead": "looks ahead", "looking outside": "looks outside",
    "looking at phone": "looks at a phone", "eye contact": "looks at each other",
}  # fmt: skip
# Predicates of faces.
MOODS = {
    "smile": "smiles", "light smile": "smiles faintly", "grin": "grins", "frown": "frowns",
    "happy": "looks happy", "sad": "looks sad", "angry": "looks angry",
    "serious": "looks serious", "surprised": "looks surprised", "scared": "looks scared",
    "annoyed": "looks annoyed", "nervous": "looks nervous", "shy": "looks shy",
    "sleepy": "looks sleepy", "smug": "looks smug", "smirk": "smirks", "pout": "pouts",
    "laughing": "laughs", "embarrassed": "looks embarrassed", "worried": "looks worried",
    "confused": "looks confused", "excited": "looks excited", "blush": "blushes",
    "one eye closed": "winks", "crying": "cries", "tears": "has tears in {her} eyes",
    "expressionless": "keeps a blank expression", "closed eyes": "keeps {her} eyes closed",
    "open mouth": "opens {her} mouth", "evil smile": "smiles wickedly",
}  # fmt: skip
# Parts of a face and a head that follow "with".
LOOKS = {
    "freckles": "freckles", "beard": "a beard", "mustache": "a mustache", "stubble": "stubble",
    "glasses": "glasses", "animal ears": "animal ears", "cat ears": "cat ears",
    "fox ears": "fox ears", "rabbit ears": "rabbit ears", "wolf ears": "wolf ears",
    "pointy ears": "pointy ears", "horns": "horns", "wings": "wings", "halo": "a halo",
    "bangs": "bangs",
}  # fmt: skip
# Sentences about hair, by the last word of the tag.
HAIR_SENTENCES = {
    "ponytail": "{her} hair is tied in {tag}", "twintails": "{they} wears {her} hair in {tag}",
    "braid": "{her} hair is in {tag}", "braids": "{her} hair is in {tag}",
    "bun": "{her} hair is up in {tag}", "drills": "{her} hair falls in {tag}",
    "dreadlocks": "{they} wears {tag}", "updo": "{her} hair is up in {tag}",
}  # fmt: skip
# Tags, and last words of tags, of grown-up persons.
GROWN_UP = frozenset(
    one.replace("_", " ")
    for one in """beard mustache stubble mature_male mature_female old_man old_woman old muscular
    muscular_male facial_hair goatee sideburns bald wrinkled_skin wrinkles viking office_lady
    bartender businessman soldier cowboy pirate king queen knight armor wizard samurai scientist
    doctor chef formal_clothes cigar smoking bara abs scar_on_face detective firefighter
    wedding_dress bride astronaut mechanic farmer""".split()
)
# Roles that name a person.
ROLES = frozenset(
    """knight witch maid nurse ninja samurai pirate wizard princess prince queen king angel soldier
    scientist chef astronaut cowboy vampire elf fairy mermaid nun dancer waitress butler viking
    detective firefighter doctor teacher student bride ballerina mechanic farmer android cyborg
    monk priest warrior archer hunter sailor pilot bartender barista idol cheerleader miko
    magician clown mage paladin""".split()
)
