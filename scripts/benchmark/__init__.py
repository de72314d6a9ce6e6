"""The benchmark behind `scripts/bench`: measures, records a JSON line a repetition, and writes docs/BENCHMARKS.md.

scenes -> quality | speed | transcoding | commands | invariance -> benchmarks/codec.jsonl -> table
"""
