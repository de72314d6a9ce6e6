"""The fuzzer behind `scripts/fuzz`: files of every format are damaged on purpose and given to the library.

formats -> (seed files, mutate | reseal) -> case -> worker process -> verdict

A foreign file must give a named error or a valid scene that can be compressed; a .splatz whose bytes changed must be
refused, and where all checksums were made right again it must give a named error or a valid scene. Always within about
a second and in bounded memory; never a crash, a hang, another exception or a warning.
"""
