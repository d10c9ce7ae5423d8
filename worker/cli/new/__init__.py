"""`lockstep new`: a package with a service of one's own, which works before anything in it was changed."""
