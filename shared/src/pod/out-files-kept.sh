# Keeps the volume reachable until the output files have been collected, and then ends, so that a pod that stays holds nothing of its node.
trap '' TERM INT HUP
while [ ! -e "$LONGSHORE_ENDED" ]; do sleep 5; done
