"""`lockstep status`: what is known, how it is judged, how it looks."""
