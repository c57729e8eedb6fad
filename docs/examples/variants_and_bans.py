"""Write four variants of a prompt, without hats and without artists' names."""

from tipo_core import ExpansionRequest, Length, SamplingOptions, expand_request, load_model

model = load_model("tipo-nano", SamplingOptions(temperature=0.9))
request = ExpansionRequest(
    tags="1girl, (cat ears:1.2), <lora:my_style:0.8>",
    tag_length=Length.VERY_SHORT,
    caption_length=None,
    bans="*hat, @artist",
    variants=4,
    seed=1,
)
for expansion in expand_request(model, request):
    print(f"{expansion.variant}: {expansion.prompt}")
    for entry, count in expansion.banned.items():
        print(f"   {entry} refused {count} tags")
