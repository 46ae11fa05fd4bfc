"""`vllm bench serve` without torch, which vllm's packages import and the load
generator does not use.

    python bench_vllm.py FLAGS OF vllm bench serve

The benchmark's sources run unchanged; what surrounds them is answered by dummies.
"""

import argparse
import asyncio
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import logging
import sys
import types

DUMMIES = {"torch", "triton"} | {
    "vllm." + name
    for name in "inputs lora multimodal tokenizers transformers_utils logger envs config engine platforms utils.mistral utils.torch_utils".split()
}


class Dummy(types.ModuleType):
    """A module that has every attribute: an empty class."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = type(name, (), {})
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if any(name == d or name.startswith(d + ".") for d in DUMMIES):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Dummy(spec.name)

    def exec_module(self, module):
        if module.__name__ == "vllm.logger":
            module.init_logger = logging.getLogger
        if module.__name__ == "vllm.tokenizers":
            module.get_tokenizer = get_tokenizer
        if module.__name__ == "vllm.utils.mistral":
            module.is_mistral_tokenizer = lambda tokenizer: False


def get_tokenizer(name, **_):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(name)


def shell(name, path):
    module = types.ModuleType(name)
    module.__path__ = path
    sys.modules[name] = module


root = importlib.util.find_spec("vllm").submodule_search_locations[0]
sys.meta_path.insert(0, Finder())
shell("vllm", [root])
shell("vllm.utils", [root + "/utils"])
sys.modules["vllm"].__version__ = importlib.metadata.version("vllm")

from vllm.benchmarks.serve import add_cli_args, main_async  # noqa: E402

parser = argparse.ArgumentParser()
add_cli_args(parser)
asyncio.run(main_async(parser.parse_args()))
