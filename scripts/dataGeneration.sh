#!/bin/sh
# The original's script of this name: simulates data of all four covariances and writes them to
# data/simulation, and what it prints to data/stats, below the folder it is called from.
#
#   ./scripts/dataGeneration.sh -r REP -c COND -G GENES -T TF -S SIGMA -f FRACTION -N NOISEFRACTION
#
# Every option of 'regnet simulate' can be given; --data says otherwise where to, --motifs what from.
exec "${REGNET:-regnet}" simulate --data "${REGNET_DATA:-data}" "$@"
