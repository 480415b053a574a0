# Keeps the volume reachable until the output files have been collected.
trap '' TERM INT HUP
while :; do sleep 3600; done
