"""What is in a run's folder, in words for whoever finds it years later?"""

from __future__ import annotations

from regnet.metrics import METRICS
from regnet.study import Study

_TEXT = """\
# A run of regNet

A simulation study of ridge regression and linear mixed models for the effects of motifs on expression.
`regnet runs show`, `regnet runs export` and `regnet.load_run("this folder")` read it; so does any other tool.

## Files

| file | what it holds |
|---|---|
| `README.md` | this text |
| `study.toml` | the study with every parameter written out; `regnet run study.toml` repeats it |
| `run.json` | name, time, host, command and settings of execution |
| `events.jsonl` | the log, which is the truth about this run: one JSON object a line, append-only |
| `arrays/SSS/RRRRR.npz` | arrays of scenario S, replicate R, from 0 (`--keep all` or `estimates`) |
| `summary.csv` | one line per scenario, method and metric; written when the run has finished |
| `replicates.csv` | one line per scenario, replicate and method; written when the run has finished |
| `runner.log` | what the runner and its workers printed |
| `runner.lock`, `heartbeat` | who writes into this folder, and its last sign of life |
| `stop` | while it exists, the runner is asked to stop |
| `rows.bin` | compact copy of the log for quick opening; may be deleted |
| `reserve` | room kept for the last words should the disk be full; gone when the run has ended |

The tables can be made again at any time from the log: `regnet runs export`.

## events.jsonl

Each line has `n` (its number), `time` (seconds since 1970, UTC), `elapsed` (seconds since this runner
began), `event`, and last `crc`, the CRC-32 (8 hex digits) of all that stands before `, "crc"`. Lines
whose checksum doesn't hold count as not written: what they held is computed again on resume.

| event | keys |
|---|---|
| `started`, `resumed` | `format`, `host`, `pid`, `versions`, `jobs`, `cores`, `to_do`, `forced` … |
| `scenario` | `scenario`, `seconds` of its preparation, `sizes`, `notes`, `blas` |
| `replicate` | `scenario`, `replicate`, `seconds`, `truth`, `fits` by method, `arrays` (path or null) |
| `log` | `level`, `text` |
| `queued`, `stopping`, `stopped`, `finished` | `reason` |

Every event also has `done` (replicates recorded) and `failed` (fits that have not gone well). A metric
that is not defined for a fit is left out.

## Arrays

`expression` (genes × conditions; only with `--keep all`), `effects` (motifs × conditions),
`signal_covariance`, `noise_covariance` (conditions × conditions): the truth. `METHOD/effects` and, where
the method has them, `METHOD/effects_sd`, `METHOD/signal_covariance`, `METHOD/noise_covariance`: the
estimates. Plain numpy arrays: `numpy.load(file, allow_pickle=False)`.

## Columns of replicates.csv

`scenario` (counted from 0), the scenario's parameters (as in `study.toml`), `replicate`, `method`
(`Ridge` or `LMM`), `label` (the method's name in tables), `status` (`ok`, `failed`, `refused`,
`timed out`), `reason`, `warnings`, `true_…` (what the simulation realised), and the metrics:

| column | meaning | better |
|---|---|---|
{metrics}

## Columns of summary.csv

`scenario`, its parameters, `method`, `label`, `metric`; `n` (replicates in the mean), `undefined`,
`failed`; `mean`, `sd`, `mcse` (Monte Carlo standard error, sd/√n); and, against the baseline
`{baseline}` on the same data sets: `difference`, its 95% t interval `difference_low` to
`difference_high`, its number of pairs `difference_n`, and `won`, the share of pairs in which the method
is strictly better.
"""


def folder_readme(study: Study) -> str:
    """Return the text of a run folder's README.md."""
    metrics = "\n".join(f"| `{m.name}` | {m.meaning} | {m.better or ''} |" for m in METRICS)
    return _TEXT.replace("{metrics}", metrics).replace("{baseline}", study.baseline)
