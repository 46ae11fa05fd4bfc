#!/usr/bin/env python3
"""Writes a llama-architecture GGUF file with random weights: a real model for a real
server, without a download. Standard library only.

    python tiny_gguf.py model.gguf --layers 4 --width 256 --ff 1024 --vocab 4096

It answers nonsense, at the speed and with the memory of a model of its size. The
output rows of special and byte tokens are zero, so that greedy decoding picks plain
pieces only: no early end of text, and one visible chunk for each token.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import argparse
import itertools
import random
import struct

SIGMA = 0.05  # of the weights
POOL = 4099  # encoded blocks of 32 weights that rows are cut from
LETTERS = "etaoinshrdlucmfwygpbvk"
SPECIAL = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5  # GGUF value types
FTYPE = {"f16": 1, "q8_0": 7}  # general.file_type
TENSOR = {"f32": 0, "f16": 1, "q8_0": 8}  # ggml types


def text(s):
    data = s.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, body):
    return text(key) + struct.pack("<I", kind) + body


def u32(key, value):
    return entry(key, U32, struct.pack("<I", value))


def f32(key, value):
    return entry(key, F32, struct.pack("<f", value))


def array(key, kind, bodies):
    bodies = list(bodies)
    return entry(key, ARRAY, struct.pack("<IQ", kind, len(bodies)) + b"".join(bodies))


def vocabulary(size):
    """SentencePiece-like: specials, the 256 bytes, then pieces ("\u2581" is its space)."""
    words = ("".join(p) for n in (2, 3, 4) for p in itertools.product(LETTERS, repeat=n))
    pieces = itertools.chain(["\u2581"], LETTERS, ("\u2581" + c for c in LETTERS), words)
    plain = list(itertools.islice(pieces, size - len(SPECIAL)))
    kinds = [2, 3, 3] + [6] * 256 + [1] * len(plain)  # unknown, control, byte, normal
    scores = [0.0] * len(SPECIAL) + [-float(i) for i in range(len(plain))]
    return SPECIAL + plain, kinds, scores


def metadata(a):
    tokens, kinds, scores = vocabulary(a.vocab)
    return [
        entry("general.architecture", STRING, text("llama")),
        entry("general.name", STRING, text("tiny-random")),
        u32("general.file_type", FTYPE[a.type]),
        u32("general.alignment", 32),
        u32("general.quantization_version", 2),
        u32("llama.context_length", a.ctx),
        u32("llama.embedding_length", a.width),
        u32("llama.block_count", a.layers),
        u32("llama.feed_forward_length", a.ff),
        u32("llama.attention.head_count", a.heads),
        u32("llama.attention.head_count_kv", a.kv_heads),
        f32("llama.attention.layer_norm_rms_epsilon", 1e-5),
        u32("llama.rope.dimension_count", a.width // a.heads),
        f32("llama.rope.freq_base", 10000.0),
        u32("llama.vocab_size", a.vocab),
        entry("tokenizer.ggml.model", STRING, text("llama")),
        entry("tokenizer.ggml.pre", STRING, text("default")),
        array("tokenizer.ggml.tokens", STRING, map(text, tokens)),
        array("tokenizer.ggml.scores", F32, (struct.pack("<f", s) for s in scores)),
        array("tokenizer.ggml.token_type", I32, (struct.pack("<i", k) for k in kinds)),
        u32("tokenizer.ggml.bos_token_id", 1),
        u32("tokenizer.ggml.eos_token_id", 2),
        u32("tokenizer.ggml.unknown_token_id", 0),
        entry("tokenizer.ggml.add_bos_token", BOOL, b"\1"),
        entry("tokenizer.chat_template", STRING, text(
            "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}assistant:")),
    ]


def block(kind, rng):
    """32 encoded random weights."""
    if kind == "f16":
        return struct.pack("<32e", *(rng.gauss(0, SIGMA) for _ in range(32)))
    quants = (max(-127, min(127, round(rng.gauss(0, 42)))) for _ in range(32))
    return struct.pack("<e32b", SIGMA / 42, *quants)


class Weights:
    """Rows of random weights, cut from a pool of blocks: fast, and random enough."""

    def __init__(self, kind, seed):
        self.rng = random.Random(seed)
        self.blocks = [block(kind, self.rng) for _ in range(POOL)]
        self.size = len(self.blocks[0])
        self.pool = b"".join(self.blocks)

    def matrix(self, columns, rows, dead=0):
        """rows x columns weights, the first `dead` rows zero."""
        length = columns // 32 * self.size
        source = self.pool * (length // len(self.pool) + 2)
        out = [bytes(length)] * dead
        for _ in range(rows - dead):
            at = self.rng.randrange(POOL) * self.size
            out.append(source[at:at + length])
        return b"".join(out)


def tensors(a):
    """Yields (name, dimensions, ggml type, bytes)."""
    weights = Weights(a.type, a.seed)
    kv = a.kv_heads * (a.width // a.heads)

    def matrix(name, columns, rows, dead=0):
        return name, (columns, rows), TENSOR[a.type], weights.matrix(columns, rows, dead)

    def norm(name):
        return name, (a.width,), TENSOR["f32"], struct.pack("<f", 1.0) * a.width

    yield matrix("token_embd.weight", a.width, a.vocab)
    yield norm("output_norm.weight")
    yield matrix("output.weight", a.width, a.vocab, dead=len(SPECIAL))
    for i in range(a.layers):
        yield norm(f"blk.{i}.attn_norm.weight")
        yield matrix(f"blk.{i}.attn_q.weight", a.width, a.width)
        yield matrix(f"blk.{i}.attn_k.weight", a.width, kv)
        yield matrix(f"blk.{i}.attn_v.weight", a.width, kv)
        yield matrix(f"blk.{i}.attn_output.weight", a.width, a.width)
        yield norm(f"blk.{i}.ffn_norm.weight")
        yield matrix(f"blk.{i}.ffn_gate.weight", a.width, a.ff)
        yield matrix(f"blk.{i}.ffn_up.weight", a.width, a.ff)
        yield matrix(f"blk.{i}.ffn_down.weight", a.ff, a.width)


def write(a):
    """Header, metadata, tensor table, padding, then the tensors at steps of 32 bytes."""
    meta, all_tensors = metadata(a), list(tensors(a))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(all_tensors), len(meta)) + b"".join(meta)
    offset = parameters = 0
    for name, dims, kind, data in all_tensors:
        head += text(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims) + struct.pack("<IQ", kind, offset)
        offset += len(data) + -len(data) % 32
        parameters += dims[0] * (dims[1] if len(dims) > 1 else 1)
    with open(a.out, "wb") as f:
        f.write(head + bytes(-len(head) % 32))
        for *_, data in all_tensors:
            f.write(data + bytes(-len(data) % 32))
    print(f"{a.out}: {parameters:,} random parameters, {a.type}, vocabulary of {a.vocab}")


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--width", type=int, default=256, help="embedding length")
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--kv-heads", type=int, default=2)
    p.add_argument("--ff", type=int, default=1024, help="feed-forward length")
    p.add_argument("--vocab", type=int, default=4096)
    p.add_argument("--ctx", type=int, default=8192, help="training context")
    p.add_argument("--type", choices=FTYPE, default="q8_0", help="of the weight matrices")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    if a.width % 32 or a.ff % 32 or a.width % a.heads or a.heads % a.kv_heads or a.vocab < 300:
        p.error("--width and --ff must be multiples of 32, --width of --heads, --heads of --kv-heads; --vocab at least 300")
    return a


if __name__ == "__main__":
    write(arguments())
