#!/usr/bin/env python3
"""llama.cpp's HTTP server from the prebuilt wheel xllamacpp, with llama-server's own flags.

    python llama_server.py -m model.gguf --port 8080 -np 4 --metrics

The wheel has no llama-server program, but its library holds the server and exports
llama.cpp's argument parser, so that every flag and every error line is the real one.
The parser fills the C++ struct inside the wheel's CommonParams object. Where it lies
in the object and the number of the server's example are facts of the pinned version;
the first is checked at each start.
"""

import ctypes
import os
import signal
import sys

import xllamacpp

OBJECT_HEADER = 16  # bytes of a Cython object before its C++ member
N_BATCH_OFFSET = 8  # of common_params.n_batch
EXAMPLE_SERVER = 12  # LLAMA_EXAMPLE_SERVER in llama.cpp's common/common.h
LOG, FLUSH = "_Z15common_log_mainv", "_Z16common_log_flushP10common_log"
PARSE = "_Z19common_params_parseiPPcR13common_params13llama_examplePFviS0_E"


def parse(argv):
    """Returns CommonParams filled from argv; ends the process as llama-server does."""
    params = xllamacpp.CommonParams()
    address = id(params) + OBJECT_HEADER
    if ctypes.c_int32.from_address(address + N_BATCH_OFFSET).value != params.n_batch:
        sys.exit("error: this version of xllamacpp lays its parameters out differently; install the pinned one")
    function = getattr(ctypes.CDLL(xllamacpp.xllamacpp.__file__), PARSE)
    function.restype = ctypes.c_bool
    words = [b"llama-server", *map(os.fsencode, argv)]
    array = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    if not function(len(words), array, ctypes.c_void_p(address), EXAMPLE_SERVER, None):
        sys.exit(1)
    return params


def flush_log():
    """Waits until llama.cpp's own thread has written its last lines: this process may
    end before it does, and the lines say why."""
    library = ctypes.CDLL(xllamacpp.xllamacpp.__file__)
    log, flush = getattr(library, LOG), getattr(library, FLUSH)
    log.restype, flush.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    flush(log())


def main(argv):
    if argv == ["--version"]:
        print(f"version: {xllamacpp.__version__} (llama.cpp's server from the wheel xllamacpp)")
        return
    params = parse(argv)
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before the server starts its threads
    try:
        server = xllamacpp.Server(params)
    except Exception as e:  # the library's own error, already logged by llama.cpp
        flush_log()
        sys.exit(f"error: {e}")
    signal.sigwait(ends)
    del server
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
