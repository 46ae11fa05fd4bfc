#!/usr/bin/env python3
"""Makes a directory in Hugging Face's form of a small Llama model without weights, for a
server that makes up its own (vLLM: --load-format dummy). Standard library only.

    python tiny_hf_model.py DIR
"""

import json
import sys
from pathlib import Path

VOCABULARY = 4096
SPECIAL = ["<unk>", "<s>", "</s>"]

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "vocab_size": VOCABULARY,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}


def tokenizer():
    """One word for each token id, so that every id has a text of its own."""
    words = SPECIAL + [f"w{i}" for i in range(len(SPECIAL), VOCABULARY)]
    added = [{"id": i, "content": w, "special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
             for i, w in enumerate(SPECIAL)]
    return {
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(words)}, "unk_token": SPECIAL[0]},
    }


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "config.json": CONFIG,
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
