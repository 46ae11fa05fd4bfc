"""SGLang's load generators without torch and triton, which sglang/__init__.py imports
and they do not use.

    python bench_sglang.py [--rust] FLAGS OF sglang.benchmark.serving

Their sources run unchanged; only the packages around them are empty shells.
"""

import importlib.metadata
import importlib.util
import runpy
import sys
import types


def shell(name, path, **attributes):
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    module.__path__ = path
    sys.modules[name] = module


root = importlib.util.find_spec("sglang").submodule_search_locations[0]
shell("sglang", [root], __version__=importlib.metadata.version("sglang"))
shell("sglang.srt", [root + "/srt"])
shell("sglang.srt.utils", [root + "/srt/utils"])
shell("sglang.srt.disaggregation", [])
shell("sglang.srt.disaggregation.utils", [], FAKE_BOOTSTRAP_HOST="2.2.2.2")

module = "sglang.benchmark.serving"
if sys.argv[1:2] == ["--rust"]:
    del sys.argv[1]
    module = "sglang.benchmark.rust_client"
runpy.run_module(module, run_name="__main__", alter_sys=True)
