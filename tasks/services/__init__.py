"""One package for each service that can stand at an end of a sync. None knows another one, the engine or the merge,
only the contract of a side. `found` looks for services in all distributions that are installed; `options` says what
their tables may hold.
"""
