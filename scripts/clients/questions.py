"""A ShareGPT-style file of questions of made-up words, of one length: all clients of
check-parity read the same kind of file, and none the same file twice, so that no prefix
cache helps one of them."""

import itertools
import json
import random

SYLLABLES = ["".join(s) for s in itertools.product("bdfgklmnprstv", "aeiou")]
WORDS = ["word"] + ["".join(p) for p in itertools.islice(itertools.product(SYLLABLES, repeat=2), 1999)]  # four letters each


def write(path, count, words, seed):
    draw = random.Random(seed)
    ask = lambda text: {"conversations": [{"from": "human", "value": text}, {"from": "gpt", "value": "word " * 32}]}
    path.write_text(json.dumps([ask(" ".join(draw.choices(WORDS, k=words))) for _ in range(count)]))
