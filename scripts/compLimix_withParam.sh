#!/bin/sh
# The original's script of this name: fits Ridge and the LMM to data that dataGeneration.sh wrote, and
# writes the results beside them, in data/simulation below the folder it is called from.
#
#   ./scripts/compLimix_withParam.sh -c COND -G GENES -T TF -r REP -S SIGMA -N NOISEFRACTION -E NOISE \
#       -g GEN -e ESTIM -f FRAC -i INIT -p PERTURB -n NUM
#
# Every option of 'regnet fit' can be given; --engine limix fits by limix itself what limix 3 can.
exec "${REGNET:-regnet}" fit --data "${REGNET_DATA:-data}" "$@"
