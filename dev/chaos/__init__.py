"""
`make chaos`: the whole stack under load while everything around it dies, pauses, lies and stalls.

`crowd` writes, `trouble` makes trouble, `unleash` lets both loose on a `stack` of their own; `checker`, which knows nothing of
the services, reads the logs of the simulator and of the scripted model and says what was lost, doubled or out of order.
"""
