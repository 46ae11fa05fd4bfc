"""make_tokenizer.py DIR: a tokenizer in which each of 2,000 made-up words, and the mock
server's, is one token, so that a chunk is a token for every client that counts itself."""

import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from questions import WORDS

CHAT = "{% for message in messages %}{{ message['role'] }} {{ message['content'] }}{% endfor %}"


def main(directory):
    pieces = ["<s>", "</s>", "<unk>"] + sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = []
    for w in WORDS:  # the merges that make a blank and a word one piece, letter by letter
        for i in range(1, len(w) + 1):
            left, right = "Ġ" + w[: i - 1], w[i - 1]
            if left + right not in pieces:
                pieces.append(left + right)
                merges.append((left, right))
    tokenizer = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=merges, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", model_max_length=1 << 20)
    fast.chat_template = CHAT
    assert len(fast.encode(" word" * 7)) == 7, "the mock server's word is not one token"
    fast.save_pretrained(directory)


main(sys.argv[1])
